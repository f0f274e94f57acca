"""The methods on runs, from a submission, or a question about one, to its results."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote

import httpx

from fjord.client.calls.asking import answer_of, delete, get, run_of, run_path
from fjord.client.wire import (
    Input,
    Json,
    Output,
    Pause,
    Request,
    Run,
    Steps,
    decode_output,
    file_part,
    tensor,
)
from fjord.errors import FjordApiError

PAUSES_S = (1.0, 2.0, 4.0)
"""Between tries to learn whether a run was accepted: a store takes seconds to start again."""
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
        An array, a list of arrays, the bytes of a file, or the path of one.
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
    """
    request = _run_request(
        f"/v1/workloads/{quote(workload)}/runs",
        inputs,
        _settings(priority, deadline_ms, due_ms, on_late, allow, forbid),
        wait_s,
    )
    response = yield from _insist(request)
    return run_of(answer_of(response))


def _insist(request: Request) -> Steps[httpx.Response]:
    """Submit; where nobody knows whether the run was accepted, submit it again under its id."""
    for pause_s in PAUSES_S:
        try:
            return (yield request)
        except FjordApiError as error:
            if not error.run:
                raise
            request = replace(request, params={**request.params, "run": error.run})
        yield Pause(pause_s)
    return (yield request)


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
    response = yield _run_request(
        f"/v1/workloads/{quote(workload)}/plan",
        inputs or {},
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
    path: str, inputs: Mapping[str, Input], settings: Json, wait_s: float = 0.0
) -> Request:
    params = {"wait_s": f"{wait_s:g}"} if wait_s else {}
    if not inputs:
        return Request(method="POST", path=path, params=params, body=settings, wait_s=wait_s)
    parts = [("settings", ("settings.json", json.dumps(settings).encode(), "application/json"))]
    parts += [(name, file_part(name, value)) for name, value in inputs.items()]
    return Request(method="POST", path=path, params=params, files=parts, wait_s=wait_s)


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
        )
        latest = run_of(answer_of(response))
        if latest.is_final:
            return latest
        if time.monotonic() >= deadline:
            raise TimeoutError(f"run {latest.id} is still {latest.state} after {timeout_s:g} s")


def results(run: Run | str) -> Steps[dict[str, Output]]:
    """Fetch the outputs of a finished run: an array each, or a list where the workload fans out.

    Tensors of strings come as lists.
    """
    given = run if isinstance(run, Run) else Run(run)
    answers = given.record.get("results")
    if answers is None:
        record = yield from get(f"/v1/runs/{quote(given.id)}")
        answers = dict.fromkeys(record["outputs"])
    results: dict[str, Output] = {}
    for name, answer in answers.items():
        results[name] = yield from _output(given.id, name, answer)
    return results


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
