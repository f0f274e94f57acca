"""The three ways to run the same images, measured in turn on the same box."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median_low
from typing import Any

import numpy as np

from api.tools.demo.baseline import PlainPipeline
from api.tools.demo.verify import violations
from fjord import Client, Run
from scheduler.model.errors import Unavailable

PLAIN = "plain ONNX Runtime"
FASTEST = "fastest_machine"
FJORD = "Fjord"
RUN_TIMEOUT_S = 120.0
VIEW_POLL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Measured:
    """One approach, measured once over all images.

    Parameters
    ----------
    makespan_us
        From the first submission to the last completion.
    planned_us, bound_us
        Makespan of the plan once all images were in, and the proven lower bound on it.
    lines
        Lines that were read in each image.
    """

    makespan_us: int
    lines: list[list[str]]
    planned_us: int = 0
    bound_us: int = 0
    records: list[dict[str, Any]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def measure_plain(pipeline: PlainPipeline, images: Sequence[bytes]) -> Measured:
    """Run image after image in this process; sessions are warm."""
    _read(pipeline, images[0])
    began_ns = time.perf_counter_ns()
    lines = [_read(pipeline, image) for image in images]
    return Measured(makespan_us=(time.perf_counter_ns() - began_ns) // 1000, lines=lines)


def _read(pipeline: PlainPipeline, image: bytes) -> list[str]:
    outputs = pipeline.run({"image": np.frombuffer(image, dtype=np.uint8)})
    return [str(line) for line in outputs["lines"]]


def measure_service(
    client: Client,
    workload: Mapping[str, Any],
    images: Sequence[bytes],
    *,
    placement: str,
    improve: bool,
) -> Measured:
    """Submit all images at once under a policy, and wait for all.

    Raises
    ------
    Unavailable
        If a run does not finish.
    """
    client.set_policy(placement, improve=improve)
    name = workload["name"]
    _finished(client, client.submit(name, {"image": images[0]}))
    runs = [client.submit(name, {"image": image}) for image in images]
    view = _view_with(client, runs)
    finished = [_finished(client, run) for run in runs]
    records = [client.run(run).record for run in finished]
    submitted_us = min(record["submitted_us"] for record in records)
    return Measured(
        makespan_us=max(record["ended_us"] for record in records) - submitted_us,
        planned_us=view["planned_makespan_us"],
        bound_us=view["bound_us"],
        lines=[list(client.results(run)["lines"]) for run in finished],
        records=records,
        violations=violations(records, workload),
    )


def _view_with(client: Client, runs: Sequence[Run]) -> dict[str, Any]:
    """Fetch the first view with all of the runs in it: views lag by a moment."""
    wanted = {run.id for run in runs}
    while True:
        view = client.schedule()
        if wanted <= {record["run"] for record in view["runs"]}:
            return view
        time.sleep(VIEW_POLL_S)


def _finished(client: Client, run: Run) -> Run:
    ended = client.wait(run, timeout_s=RUN_TIMEOUT_S)
    if ended.state != "finished":
        raise Unavailable(f"run {ended.id} {ended.state}: {ended.reason}")
    return ended


def in_turn(
    approaches: Mapping[str, Callable[[], Measured]],
    *,
    rounds: int,
    progress: Callable[[], None] = lambda: None,
) -> dict[str, list[Measured]]:
    """Measure each approach in each round, so that a slow minute of the box meets them all.

    A round before the first is not counted: in it, every session that an approach uses is made.
    """
    found: dict[str, list[Measured]] = {name: [] for name in approaches}
    for _ in range(1 + rounds):
        for name, approach in approaches.items():
            found[name].append(approach())
            progress()
    return {name: measured[1:] for name, measured in found.items()}


def typical(measured: Sequence[Measured]) -> Measured:
    """Choose the one with the median makespan."""
    middle = median_low(one.makespan_us for one in measured)
    return next(one for one in measured if one.makespan_us == middle)


def approaches(
    client: Client,
    definition: Mapping[str, Any],
    files: Mapping[str, Path],
    images: Sequence[bytes],
) -> dict[str, Callable[[], Measured]]:
    """Make the three ways ready to be measured."""
    pipeline = PlainPipeline(definition, files)
    return {
        PLAIN: lambda: measure_plain(pipeline, images),
        FASTEST: lambda: measure_service(
            client, definition, images, placement="fastest_machine", improve=False
        ),
        FJORD: lambda: measure_service(client, definition, images, placement="heft", improve=True),
    }
