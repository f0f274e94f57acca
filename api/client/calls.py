"""What each method asks for, and how its answers are read: written once for both clients.

A method is a generator: it yields requests (and pauses), is sent the responses, and returns.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx

from api.client.wire import (
    FINAL_STATES,
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

LONG_POLL_S = 20.0
"""How long one request waits for a run: below the idle limits that proxies usually have."""
PROFILE_POLL_S = 0.2


def _get(path: str, **params: str) -> Steps[Json]:
    response = yield Request(method="GET", path=path, params=params)
    return _json(response)


def _delete(path: str) -> Steps[None]:
    yield Request(method="DELETE", path=path)


def _json(response: httpx.Response) -> Json:
    answer: Json = response.json()
    return answer


def upload_model(
    name: str,
    file: Path | bytes,
    *,
    profile_shapes: Mapping[str, Sequence[int]] | None = None,
) -> Steps[Json]:
    """Upload an ONNX file under a name.

    Parameters
    ----------
    profile_shapes
        Input shapes to measure the model with; needed where the file leaves dimensions open.
    """
    content = file if isinstance(file, bytes) else file.read_bytes()
    parts = [("file", (f"{name}.onnx", content, "application/octet-stream"))]
    form: Json = {"name": name}
    if profile_shapes is not None:
        form["profile_shapes"] = json.dumps({k: list(v) for k, v in profile_shapes.items()})
    response = yield Request(method="POST", path="/v1/models", body=form, files=parts)
    return _json(response)


def models() -> Steps[list[Json]]:
    """List the models, each with what was measured of it so far."""
    answer = yield from _get("/v1/models")
    return list(answer["models"])


def model(name: str) -> Steps[Json]:
    """Describe one model."""
    return (yield from _get(f"/v1/models/{quote(name)}"))


def profile(
    name: str,
    *,
    machines: Sequence[str] = (),
    shapes: Mapping[str, Sequence[int]] | None = None,
    operators: bool = False,
) -> Steps[Run]:
    """Have a model measured anew, as work of the least urgent kind.

    Parameters
    ----------
    machines
        Shell patterns over machines; empty for all that are usable.
    shapes
        Input shapes; by default those that the model is always measured with.
    operators
        Whether to measure each operator too.
    """
    body: Json = {"machines": list(machines), "operators": operators}
    if shapes:
        body["shapes"] = {name: list(shape) for name, shape in shapes.items()}
    path = f"/v1/models/{quote(name)}/profile"
    response = yield Request(method="POST", path=path, body=body)
    return _run_of(_json(response))


def profiles(name: str, *, operators: bool = False) -> Steps[list[Json]]:
    """List what was measured of a model at all shapes, the latest first, beside the prior."""
    path = f"/v1/models/{quote(name)}/profiles"
    answer = yield from _get(path, operators=str(operators).lower())
    return list(answer["profiles"])


def operators(run: Run | str, stage: str) -> Steps[list[Json]]:
    """Show what each operator of the model of a stage takes, on the machines where it ran."""
    answer = yield from _get(f"{_run_path(run)}/operators", stage=stage)
    return list(answer["profiles"])


def delete_model(name: str) -> Steps[None]:
    """Delete a model that no workload uses."""
    yield from _delete(f"/v1/models/{quote(name)}")


def wait_until_profiled(
    names: Sequence[str],
    *,
    timeout_s: float = 300.0,
    progress: Callable[[int, int], None] | None = None,
) -> Steps[None]:
    """Wait until models have been measured on every machine and provider that may run them.

    Parameters
    ----------
    progress
        Called with how many measurements are done, and how many are known of.

    Raises
    ------
    TimeoutError
        If they are not all done in time.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        listed = yield from _get("/v1/runs", limit="1000", kind="profile")
        under_way = [run for run in listed["runs"] if _is_measuring(run, names)]
        profiles = yield from _profiles(names)
        waiting = yield from _unmeasured(under_way)
        if progress is not None:
            done = sum(profiles.values())
            progress(done, done + waiting)
        if not under_way and all(profiles.values()):
            return
        if time.monotonic() > deadline:
            missing = ", ".join(name for name, count in profiles.items() if not count)
            raise TimeoutError(f"{waiting} measurements are not done; none of {missing or '-'}")
        yield Pause(PROFILE_POLL_S)


def _is_measuring(run: Json, names: Sequence[str]) -> bool:
    model = str(run["workload"]).removeprefix("profile:")
    return model in names and run["state"] not in FINAL_STATES


def _profiles(names: Sequence[str]) -> Steps[dict[str, int]]:
    """How many measurements each model has."""
    listed = yield from models()
    return {model["name"]: len(model["profiles"]) for model in listed if model["name"] in names}


def _unmeasured(profile_runs: Sequence[Json]) -> Steps[int]:
    waiting = 0
    for run in profile_runs:
        record = yield from _get(f"/v1/runs/{quote(run['run'])}")
        waiting += sum(operation["state"] != "done" for operation in record["operations"])
    return waiting


def create_workload(definition: Mapping[str, Any]) -> Steps[Json]:
    """Register a workload; the answer names its version."""
    response = yield Request(method="POST", path="/v1/workloads", body=dict(definition))
    return _json(response)


def workloads() -> Steps[list[Json]]:
    """List the workloads."""
    answer = yield from _get("/v1/workloads")
    return list(answer["workloads"])


def workload(name: str) -> Steps[Json]:
    """Describe one workload."""
    return (yield from _get(f"/v1/workloads/{quote(name)}"))


def delete_workload(name: str) -> Steps[None]:
    """Delete a workload; runs of it that are under way end normally."""
    yield from _delete(f"/v1/workloads/{quote(name)}")


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
        From now. After the deadline the run is dropped, unless `on_late` is ``run``.
    allow, forbid
        Shell patterns over ``machine`` and ``machine:provider``.
    wait_s
        Wait so long for the result.
    """
    request = _run_request(
        f"/v1/workloads/{quote(workload)}/runs",
        inputs,
        _settings(priority, deadline_ms, due_ms, on_late, allow, forbid),
        wait_s,
    )
    response = yield request
    return _run_of(_json(response))


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
    return _json(response)


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


def _run_of(record: Json) -> Run:
    return Run(record["run"], record.get("state", "queued"), record if "state" in record else {})


def _run_path(run: Run | str) -> str:
    return f"/v1/runs/{quote(run if isinstance(run, str) else run.id)}"


def runs(*, state: str = "", limit: int = 100) -> Steps[list[Run]]:
    """List runs, the latest first."""
    params = {"limit": str(limit)} | ({"state": state} if state else {})
    answer = yield from _get("/v1/runs", **params)
    return [_run_of(record) for record in answer["runs"]]


def run(run: Run | str) -> Steps[Run]:
    """Say where a run stands, with all its operations."""
    return _run_of((yield from _get(_run_path(run))))


def wait(run: Run | str, *, timeout_s: float = 300.0) -> Steps[Run]:
    """Wait until a run has ended, however it ends.

    Raises
    ------
    TimeoutError
        If it has not ended in time.
    """
    path = _run_path(run)
    deadline = time.monotonic() + timeout_s
    while True:
        wait_s = max(0.0, min(LONG_POLL_S, deadline - time.monotonic()))
        response = yield Request(
            method="GET",
            path=path,
            params={"wait_s": f"{wait_s:.3f}"},
            wait_s=wait_s,
        )
        latest = _run_of(_json(response))
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
        record = yield from _get(f"/v1/runs/{quote(given.id)}")
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
    yield from _delete(_run_path(run))


def explain(run: Run | str) -> Steps[list[Json]]:
    """Say for each operation where it could have run, and why it runs where it does."""
    answer = yield from _get(f"{_run_path(run)}/explain")
    return list(answer["operations"])


def trace(run: Run | str) -> Steps[Json]:
    """Fetch the run as a trace that Perfetto opens."""
    return (yield from _get(f"{_run_path(run)}/trace"))


def devices() -> Steps[list[Json]]:
    """List the machines of all boxes that have joined."""
    answer = yield from _get("/v1/devices")
    return list(answer["machines"])


def schedule() -> Steps[Json]:
    """Show the plan and what has come of it, machine by machine."""
    return (yield from _get("/v1/schedule"))


def policy() -> Steps[Json]:
    """Say how work is placed."""
    return (yield from _get("/v1/policy"))


def predictions(work: str, *, machine: str = "", provider: str = "") -> Steps[list[Json]]:
    """What a model or function would take on an idle box, one entry per machine and provider.

    Parameters
    ----------
    machine, provider
        Only there, only by that one.
    """
    found = yield from _get(
        "/v1/cost-models/predictions", work=work, machine=machine, provider=provider
    )
    listed: list[Json] = found["predictions"]
    return listed


def set_policy(placement: str, *, improve: bool = True) -> Steps[Json]:
    """Choose how work is placed.

    Parameters
    ----------
    placement
        Name of the heuristic that places at once.
    improve
        Whether a solver may propose better plans.
    """
    body = {"placement": placement, "improve": improve}
    response = yield Request(method="PUT", path="/v1/policy", body=body)
    return _json(response)
