"""The methods on models: their files, and the measurements of them."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fjord.client.calls.asking import answer_of, delete, get, run_of
from fjord.client.calls.on_site import devices
from fjord.client.wire import FINAL_STATES, Json, Pause, Repeat, Request, Run, Steps

PROFILE_POLL_S = 0.2
CUTTING_S = 180.0
"""Most seconds that the service takes to find and prove a partition."""
_OVER = frozenset({"done", "failed", "cancelled"})


def upload_model(
    name: str,
    file: str | PathLike[str] | bytes,
    *,
    profile_shapes: Mapping[str, Sequence[int]] | None = None,
    profile_inputs: Mapping[str, Any] | None = None,
) -> Steps[Json]:
    """Upload an ONNX file under a name. The answer has the sizes and values that were made up.

    The same file again, with other shapes or inputs, is measured anew.

    Parameters
    ----------
    file
        Its path, or its content.
    profile_shapes
        Input shapes to measure the model with; needed where the file leaves dimensions open.
    profile_inputs
        Values to measure it with, of inputs that are settings or states, such as
        ``{"sr": 16000}``: numbers, nested lists or arrays.
    """
    content = file if isinstance(file, bytes) else Path(file).read_bytes()
    parts = [("file", (f"{name}.onnx", content, "application/octet-stream"))]
    form: Json = {"name": name}
    if profile_shapes is not None:
        form["profile_shapes"] = json.dumps({k: list(v) for k, v in profile_shapes.items()})
    if profile_inputs is not None:
        form["profile_inputs"] = json.dumps({k: _plain(v) for k, v in profile_inputs.items()})
    response = yield Request(method="POST", path="/v1/models", body=form, files=parts)
    return answer_of(response)


def _plain(value: Any) -> Any:
    """An array or a number of NumPy as JSON says it; anything else as it is."""
    if not hasattr(value, "tolist"):
        return value
    return {"data": value.tolist(), "shape": list(value.shape)}


def models() -> Steps[list[Json]]:
    """List the models, each with its measurements so far."""
    answer = yield from get("/v1/models")
    return list(answer["models"])


def model(name: str) -> Steps[Json]:
    """Describe one model."""
    return (yield from get(f"/v1/models/{quote(name)}"))


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
        Measures each operator too.
    """
    body: Json = {"machines": list(machines), "operators": operators}
    if shapes:
        body["shapes"] = {name: list(shape) for name, shape in shapes.items()}
    path = f"/v1/models/{quote(name)}/profile"
    response = yield Request(method="POST", path=path, body=body, repeat=Repeat.NEVER)
    return run_of(answer_of(response))


def profiles(name: str, *, operators: bool = False) -> Steps[list[Json]]:
    """List the measurements of a model at all shapes, the latest first, beside the prior."""
    path = f"/v1/models/{quote(name)}/profiles"
    answer = yield from get(path, operators=str(operators).lower())
    return list(answer["profiles"])


def partitions(name: str) -> Steps[list[Json]]:
    """List the partitions of a model, each with its proof and the measurements of its pieces."""
    answer = yield from get(f"/v1/models/{quote(name)}/partitions")
    return list(answer["partitions"])


def add_partition(
    name: str,
    *,
    pieces: int | None = None,
    preemptible_within_ms: float | None = None,
    cuts: Sequence[Sequence[str]] | None = None,
    provider: str | None = None,
) -> Steps[Json]:
    """Cut a model into pieces that compute what it does, and keep them. Exactly one is given.

    Parameters
    ----------
    pieces
        Number of pieces, of which the longest is as short as can be.
    preemptible_within_ms
        Longest time of a piece on a core, with as few pieces as do.
    cuts
        Per cut, in order, the names of all tensors that cross it.
    provider
        Provider that refuses the whole model: it gets the pieces that it runs right.
    """
    asked = {
        "pieces": pieces,
        "preemptible_within_ms": preemptible_within_ms,
        "provider": provider,
    }
    body: Json = {key: value for key, value in asked.items() if value is not None}
    if cuts is not None:
        body["cuts"] = [list(cut) for cut in cuts]
    path = f"/v1/models/{quote(name)}/partitions"
    return answer_of((yield Request(method="POST", path=path, body=body, wait_s=CUTTING_S)))


def delete_partition(name: str, partition: str) -> Steps[None]:
    """Delete a partition that no workload runs in."""
    yield from delete(f"/v1/models/{quote(name)}/partitions/{quote(partition)}")


def delete_model(name: str) -> Steps[None]:
    """Delete a model that no workload uses."""
    yield from delete(f"/v1/models/{quote(name)}")


def wait_until_profiled(
    names: Sequence[str],
    *,
    timeout_s: float = 300.0,
    progress: Callable[[int, int], None] | None = None,
) -> Steps[None]:
    """Wait until models have been measured on every device and provider that may run them.

    Simulators are measured after the devices, and not waited for.

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
        # In this order: a run is listed before its first measurement is told.
        profiles = yield from _profiles(names)
        listed = yield from get("/v1/runs", limit="1000", kind="profile")
        under_way = [run for run in listed["runs"] if _is_measuring(run, names)]
        waiting = yield from _unmeasured(under_way)
        if progress is not None:
            done = sum(profiles.values())
            progress(done, done + waiting)
        if not waiting and all(profiles.values()):
            return
        if time.monotonic() > deadline:
            missing = ", ".join(name for name, count in profiles.items() if not count)
            raise TimeoutError(f"{waiting} measurements are not done; none of {missing or '-'}")
        yield Pause(PROFILE_POLL_S)


def _is_measuring(run: Json, names: Sequence[str]) -> bool:
    model = str(run["workload"]).removeprefix("profile:")
    return model in names and run["state"] not in FINAL_STATES


def _profiles(names: Sequence[str]) -> Steps[dict[str, int]]:
    """Count the measurements of each model."""
    listed = yield from models()
    return {model["name"]: len(model["profiles"]) for model in listed if model["name"] in names}


def _unmeasured(profile_runs: Sequence[Json]) -> Steps[int]:
    """Count the measurements that are still to be made on devices."""
    waiting = 0
    simulators = (yield from _simulators()) if profile_runs else frozenset()
    for run in profile_runs:
        record = yield from get(f"/v1/runs/{quote(run['run'])}")
        waiting += sum(
            operation["state"] not in _OVER
            and (operation["machine"], operation["provider"]) not in simulators
            for operation in record["operations"]
        )
    return waiting


def _simulators() -> Steps[frozenset[tuple[str, str]]]:
    """Machine and provider of each device that is simulated."""
    machines = yield from devices()
    return frozenset(
        (machine["report"]["id"], provider["provider"])
        for machine in machines
        for provider in machine["report"]["providers"]
        if provider["simulated"]
    )
