"""The methods on runs, from a submission, or a question about one, to its results."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from fjord.client.calls.asking import answer_of, delete, get, run_of, run_path
from fjord.client.calls.declared import DeclaredInputs
from fjord.client.parts import part_of
from fjord.client.turns import rank_of
from fjord.client.wire import (
    File,
    Input,
    Json,
    Output,
    Part,
    Repeat,
    Request,
    Run,
    Steps,
    decode_output,
    tensor,
)
from fjord.errors import FjordApiError, NotFinished, PartlySubmitted, RunFailed

LONG_POLL_S = 20.0
"""Longest wait of one request for a run: below the idle limits that proxies usually have."""


def submit(
    workload: str,
    inputs: Mapping[str, Input],
    *,
    priority: str = "normal",
    deadline_ms: float | None = None,
    due_ms: float | None = None,
    on_late: str = "drop",
    allow: Sequence[str] = (),
    forbid: Sequence[str] = (),
    wait_s: float = 0.0,
) -> Steps[Run]:
    """Start a run.

    Parameters
    ----------
    inputs
        An array, a list of arrays, the bytes of a file, or the path of one. Numbers, texts and
        lists of them get the type that the workload declares.
    priority
        ``critical``, ``high``, ``normal`` or ``background``.
    deadline_ms, due_ms
        Milliseconds from now. After the deadline the run is dropped, unless `on_late` is ``run``.
    allow, forbid
        Shell patterns over ``machine`` and ``machine:provider``.
    wait_s
        Longest wait for the result, in seconds.

    Raises
    ------
    FjordApiError
        If it is refused; its `run` names the run where that may have been accepted all the same.
    InvalidValue
        If a number or a text does not fit the type that the workload declares.
    """
    settings = _settings(priority, deadline_ms, due_ms, on_late, allow, forbid)
    return (yield from _submit(DeclaredInputs(workload), inputs, settings, wait_s))


def submit_many(
    workload: str,
    inputs: Iterable[Mapping[str, Input]],
    *,
    priority: str = "normal",
    deadline_ms: float | None = None,
    due_ms: float | None = None,
    on_late: str = "drop",
    allow: Sequence[str] = (),
    forbid: Sequence[str] = (),
) -> Steps[list[Run]]:
    """Start a run for each set of inputs, in this order, with the same settings; see `submit`.

    Raises
    ------
    PartlySubmitted
        If one is refused, or cannot be read, after others were accepted: it names those, and has
        the cause.
    """
    settings = _settings(priority, deadline_ms, due_ms, on_late, allow, forbid)
    declared = DeclaredInputs(workload)
    accepted: list[Run] = []
    try:
        for each in inputs:
            accepted.append((yield from _submit(declared, each, settings)))
    except (FjordApiError, ValueError, OSError) as error:
        if not accepted:
            raise
        raise PartlySubmitted(accepted, error) from error
    return accepted


def _submit(
    declared: DeclaredInputs, inputs: Mapping[str, Input], settings: Json, wait_s: float = 0.0
) -> Steps[Run]:
    arrays = yield from declared.arrays(inputs)
    path = f"/v1/workloads/{quote(declared.workload)}/runs"
    response = yield _run_request(path, arrays, settings, wait_s)
    return run_of(answer_of(response))


def plan(
    workload: str,
    inputs: Mapping[str, Input] | None = None,
    *,
    priority: str = "normal",
    deadline_ms: float | None = None,
    due_ms: float | None = None,
    on_late: str = "drop",
    allow: Sequence[str] = (),
    forbid: Sequence[str] = (),
) -> Steps[Json]:
    """Ask where a run would go and when it would end. Nothing runs."""
    arrays = yield from DeclaredInputs(workload).arrays(inputs or {})
    response = yield _run_request(
        f"/v1/workloads/{quote(workload)}/plan",
        arrays,
        _settings(priority, deadline_ms, due_ms, on_late, allow, forbid),
    )
    return answer_of(response)


def _settings(
    priority: str,
    deadline_ms: float | None,
    due_ms: float | None,
    on_late: str,
    allow: Sequence[str],
    forbid: Sequence[str],
) -> Json:
    given: Json = {"deadline_ms": deadline_ms, "due_ms": due_ms}
    present = {name: value for name, value in given.items() if value is not None}
    return present | {
        "priority": priority,
        "on_late": on_late,
        "allow": list(allow),
        "forbid": list(forbid),
    }


def _run_request(
    path: str, arrays: Mapping[str, File], settings: Json, wait_s: float = 0.0
) -> Request:
    parts: list[tuple[str, Part]] = [
        ("settings", ("settings.json", json.dumps(settings).encode(), "application/json"))
    ]
    parts += [(name, part_of(name, value)) for name, value in arrays.items()]
    return Request(
        method="POST",
        path=path,
        params={"wait_s": f"{wait_s:g}"} if wait_s else {},
        body=None if arrays else settings,
        files=parts if arrays else (),
        wait_s=wait_s,
        repeat=Repeat.IF_REFUSED,
        rank=rank_of(settings["priority"]),
    )


def runs(
    *,
    state: str = "",
    limit: int = 100,
    workload: str = "",
    priority: str = "",
    kind: str = "",
    since: str = "",
    until: str = "",
    cursor: str = "",
) -> Steps[list[Run]]:
    """List runs, the latest first, also those that ended long ago.

    Parameters
    ----------
    workload
        A name, or ``name@version``.
    since, until
        Bounds on the time of submission: a span back from now (``90m``, ``2h``, ``7d``), ISO 8601,
        or microseconds.
    cursor
        `Run.cursor` of the last run of the page before.
    """
    wanted = {
        "state": state,
        "workload": workload,
        "priority": priority,
        "kind": kind,
        "since": since,
        "until": until,
        "cursor": cursor,
    }
    params = {"limit": str(limit)} | {name: value for name, value in wanted.items() if value}
    answer = yield from get("/v1/runs", **params)
    return [run_of(record) for record in answer["runs"]]


def run(run: Run | str) -> Steps[Run]:
    """Say where a run stands, with all its operations."""
    return run_of((yield from get(run_path(run))))


def wait(run: Run | str, *, timeout_s: float = 300.0) -> Steps[Run]:
    """Wait until a run has ended, however it ends.

    Raises
    ------
    TimeoutError
        If it has not ended in time.
    """
    path = run_path(run)
    deadline = time.monotonic() + timeout_s
    while True:
        wait_s = max(0.0, min(LONG_POLL_S, deadline - time.monotonic()))
        response = yield Request(
            method="GET",
            path=path,
            params={"wait_s": f"{wait_s:.3f}"},
            wait_s=wait_s,
            patience_s=max(0.0, deadline - time.monotonic()),
        )
        latest = run_of(answer_of(response))
        if latest.is_final:
            return latest
        if time.monotonic() >= deadline:
            raise TimeoutError(f"run {latest.id} is still {latest.state} after {timeout_s:g} s")


def results(run: Run | str) -> Steps[dict[str, Output]]:
    """Fetch the outputs of a finished run: an array each, or a list where the workload fans out.

    Tensors of strings come as lists.

    Raises
    ------
    RunFailed
        If the run failed or was cancelled, with the reason.
    NotFinished
        If it waits or runs: `wait` waits for its end.
    """
    ended = run if isinstance(run, Run) else Run(run)
    if not (ended.is_final and ended.record):
        ended = run_of((yield from get(run_path(run))))
    _refuse_without_results(ended)
    answers = ended.record.get("results") or dict.fromkeys(ended.record["outputs"])
    results: dict[str, Output] = {}
    for name, answer in answers.items():
        results[name] = yield from _output(ended.id, name, answer)
    return results


def _refuse_without_results(run: Run) -> None:
    if run.state == "finished":
        return
    refusal = RunFailed if run.is_final else NotFinished
    record = run.record
    raise refusal(run.id, run.state, record.get("reason", ""), record.get("detail", ""))


def _output(run: str, name: str, answer: Any) -> Steps[Output]:
    if isinstance(answer, list) and all("data" in item for item in answer):
        return [tensor(item) for item in answer]
    if isinstance(answer, dict) and "data" in answer:
        return tensor(answer)
    response = yield Request(method="GET", path=f"/v1/runs/{quote(run)}/outputs/{quote(name)}")
    return decode_output(response)


def cancel(run: Run | str) -> Steps[None]:
    """End a run, in whatever state it is."""
    yield from delete(run_path(run))


def explain(run: Run | str) -> Steps[list[Json]]:
    """Say for each operation where it could have run, and why it runs where it does."""
    answer = yield from get(f"{run_path(run)}/explain")
    return list(answer["operations"])


def story(run: Run | str) -> Steps[Json]:
    """Tell each change of state of a run and of its operations, with the cause, oldest first.

    The lines are in ``lines``; ``left_out`` is the number of those that are missing from the middle
    of a long story, behind the first ``left_out_after``.
    """
    return (yield from get(f"{run_path(run)}/story"))


def operators(run: Run | str, stage: str) -> Steps[list[Json]]:
    """Show what each operator of the model of a stage takes, on the machines where it ran."""
    answer = yield from get(f"{run_path(run)}/operators", stage=stage)
    return list(answer["profiles"])


def trace(run: Run | str) -> Steps[Json]:
    """Fetch the run as a trace that Perfetto opens."""
    return (yield from get(f"{run_path(run)}/trace"))
