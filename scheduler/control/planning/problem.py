"""The problem of now: its machines, jobs, operations and links, in times from its origin."""

from __future__ import annotations

from dataclasses import dataclass, replace

from scheduler.control.planning.ageing import planned_bands
from scheduler.control.state.figures.links import LiveLink
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.holds import free_us
from scheduler.control.state.operations import LiveOperation, LiveRun, Options
from scheduler.control.state.state import State
from scheduler.model.problem import (
    Band,
    Edge,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
    Progress,
    Window,
)


@dataclass(frozen=True, slots=True)
class WhatIf:
    """Free times under a what-if: these operations stopped, reservations of these bands honoured.

    Parameters
    ----------
    band
        Reservations for runs of this band and below are open to a run that is counted in.
    """

    freed_us: dict[str, int]
    band: Band


def problem_of(
    state: State,
    running: list[LiveOperation],
    planned: list[LiveOperation],
    found: dict[str, Options],
    what_if: WhatIf,
) -> tuple[Problem, int]:
    """Make the problem of these operations, and give the absolute time of its origin."""
    now_us = state.now_us
    origin_us = min([now_us, *(op.started_us for op in running if op.started_us is not None)])
    runs: dict[str, LiveRun] = {op.run.id: op.run for op in [*running, *planned]}
    here = {op.id for op in running} | {op.id for op in planned}
    edges = [edge for op in planned for edge in op.unmet.values() if edge.source in here]
    modes = {op.id: found[op.id].modes for op in planned}
    modes |= {op.id: (op.mode,) for op in running if op.mode is not None}
    machines = _machines(state, origin_us, what_if)
    bands = planned_bands(state, runs.values())
    problem = Problem(
        machines=tuple(machines),
        jobs=tuple(_job(run, bands[run.id], origin_us) for run in runs.values()),
        operations=(
            *(_running(op, origin_us, now_us) for op in running),
            *(Operation(id=op.id, job=op.run.id, modes=modes[op.id]) for op in planned),
        ),
        edges=tuple(edges),
        links=_links(state, machines, edges, modes),
        now_us=now_us - origin_us,
    )
    return problem, origin_us


def _machines(state: State, origin_us: int, what_if: WhatIf) -> list[Machine]:
    return [
        Machine(
            id=name,
            device=machine.box,
            memory_bytes=_memory(machine),
            unavailable=_unavailable(state, machine, origin_us, what_if),
            keeps_setups=True,
        )
        for name, machine in state.machines.items()
        if machine.is_up and state.agents[machine.agent].is_alive
    ]


def _unavailable(
    state: State, machine: LiveMachine, origin_us: int, what_if: WhatIf
) -> tuple[Window, ...]:
    """Windows in which nothing can start: until the machine is free, and while it is reserved."""
    name, now_us = machine.report.id, state.now_us
    free = (now_us, what_if.freed_us.get(name) or free_us(state, machine))
    kept = [
        (max(each.from_us, now_us), each.until_us)
        for each in state.plan.reservations
        if each.is_window and each.machine == name and each.band < what_if.band
    ]
    spans: list[tuple[int, int]] = []
    for start_us, end_us in sorted([free, *kept]):
        if spans and start_us <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(spans[-1][1], end_us))
        elif end_us > start_us:
            spans.append((start_us, end_us))
    return tuple(Window(start_us=a - origin_us, end_us=b - origin_us) for a, b in spans)


def _memory(machine: LiveMachine) -> int | None:
    return machine.report.memory_bytes or None


def _job(run: LiveRun, band: Band, origin_us: int) -> Job:
    # A deadline is kept by dropping at its time. As a constraint it would leave no plan at all for
    # a run that is late and goes on.
    times = [time_us for time_us in (run.due_us, run.deadline_us) if time_us is not None]
    due_us = max(0, min(times) - origin_us) if times else None
    return Job(id=run.id, due_us=due_us, band=band, weight=run.weight)


def _running(op: LiveOperation, origin_us: int, now_us: int) -> Operation:
    assert op.mode is not None
    assert op.started_us is not None
    progress = Progress(mode=0, start_us=op.started_us - origin_us)
    mode = op.mode
    if op.load_us:
        p95_us = mode.p95_us + op.load_us
        took_us = mode.duration_us + op.load_us
        mode = replace(mode, duration_us=took_us, duration_p95_us=p95_us, setup_us=0)
    mode = _still_running(mode, now_us - op.started_us)
    return Operation(id=op.id, job=op.run.id, modes=(mode,), progress=progress)


def _still_running(mode: Mode, elapsed_us: int) -> Mode:
    """Give the mode of a running operation the duration that is expected by now.

    One that is overdue would otherwise be expected to end at any moment, and its machine would
    look free to the most urgent work while others really are.
    """
    if elapsed_us < mode.duration_us:
        return mode
    expected_us = mode.p95_us if elapsed_us < mode.p95_us else elapsed_us + elapsed_us // 2
    return replace(mode, duration_us=expected_us, duration_p95_us=max(mode.p95_us, expected_us))


def _links(
    state: State, machines: list[Machine], edges: list[Edge], modes: dict[str, tuple[Mode, ...]]
) -> tuple[Link, ...]:
    """Give the ways that an edge may take: all of them are as many as boxes times boxes."""
    sources = _boxes(state, {edge.source for edge in edges}, modes)
    targets = _boxes(state, {edge.target for edge in edges}, modes)
    boxes = list(dict.fromkeys(machine.device_id for machine in machines))
    return tuple(
        _link(source, target, state.links.between(source, target))
        for source in boxes
        if source in sources
        for target in boxes
        if target in targets and source != target
    )


def _boxes(state: State, names: set[str], modes: dict[str, tuple[Mode, ...]]) -> set[str]:
    """Boxes on which any of the operations can run."""
    places = {mode.machine for name in names for mode in modes[name]}
    return {state.machines[place].box for place in places}


def _link(source: str, target: str, known: LiveLink) -> Link:
    return Link(
        source=source,
        target=target,
        latency_us=known.latency_us,
        bandwidth_bytes_per_s=known.bytes_per_s,
    )
