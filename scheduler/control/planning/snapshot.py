"""The state of now as a `Problem`: running work is frozen, pending work is to be placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from itertools import takewhile
from types import MappingProxyType

from scheduler.control.forecast.options import options
from scheduler.control.planning.ageing import order, planned_bands
from scheduler.control.records import OperationState
from scheduler.control.state.figures.links import LiveLink
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.holds import free_us
from scheduler.control.state.operations import PENDING, SENT, LiveOperation, LiveRun, Options
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
from scheduler.model.schedule import Schedule


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A problem, and the part of the state that it was made from.

    Parameters
    ----------
    origin_us
        Absolute time of the problem's origin.
    options
        Per pending operation that was looked at, its options.
    blocked
        Pending operations that nothing can run now, or that wait for such a one.
    left_out
        Number of pending operations beyond the horizon.
    ahead
        Number of those that come before the runs that are counted in.
    """

    problem: Problem
    origin_us: int
    planned: tuple[LiveOperation, ...]
    running: tuple[LiveOperation, ...]
    options: dict[str, Options]
    blocked: tuple[LiveOperation, ...]
    left_out: int
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class _Busy:
    """Free times under a what-if: these operations stopped, reservations of these bands honoured.

    Parameters
    ----------
    band
        Reservations for runs of this band and below are open to a run that is counted in.
    """

    freed_us: dict[str, int]
    band: Band


def take_snapshot(
    state: State,
    extra: Iterable[LiveRun] = (),
    stopped: Mapping[str, int] = MappingProxyType({}),
    least: Band = Band.BACKGROUND,
) -> Snapshot:
    """Give the problem of now.

    Parameters
    ----------
    extra
        Runs that are counted in although they were not accepted; somebody asks about them, so they
        are planned however much comes before them.
    stopped
        Operations that run and are taken to have been stopped, with when their machine is free.
    least
        Of work that is less urgent than this band, only running operations are looked at.
    """
    extra = tuple(extra)
    running: list[LiveOperation] = []
    planned: list[LiveOperation] = []
    blocked: list[LiveOperation] = []
    found: dict[str, Options] = {}
    for ops in _looked_at(state, extra, planned, least):
        running += [op for op in ops if op.id not in stopped and _holds_machine(state, op)]
        urgent = ops if ops and ops[0].band <= least else []
        pending = [op for op in urgent if op.id in stopped or op.state in PENDING]
        can, cannot = _plannable(state, pending, found)
        planned += can
        blocked += cannot
    seen = len(planned) + len(blocked) + state.index.running()
    freed_us = {state.operations[name].machine: us for name, us in stopped.items()}
    band = min((run.effective_band for run in extra), default=Band.BACKGROUND)
    problem, origin_us = _problem(state, running, planned, found, _Busy(freed_us, band))
    return Snapshot(
        problem=problem,
        origin_us=origin_us,
        planned=tuple(planned),
        running=tuple(running),
        options=found,
        blocked=tuple(blocked),
        left_out=max(0, state.index.unfinished - seen),
        ahead=_ahead(state, extra, [*running, *planned, *blocked]),
    )


def _looked_at(
    state: State, extra: Iterable[LiveRun], planned: Sized, least: Band
) -> Iterator[list[LiveOperation]]:
    """Open operations, run by run by urgency, until as many are planned as can be.

    Of the runs beyond that, those operations that an agent has. Runs that are counted in are looked
    at in any case.
    """
    most = state.settings.plan_horizon_operations
    sent = state.index.sent.values()
    beyond = {op.run.id: op.run for op in sent if op.band <= least or _holds_machine(state, op)}
    by_urgency = partial(order, state)
    asked = {run.id: run for run in sorted(extra, key=by_urgency)}
    for run in merge(state.index.by_urgency(), list(asked.values()), key=by_urgency):
        is_enough = len(planned) >= most or run.effective_band > least
        if asked.pop(run.id, None) is None and is_enough:
            break
        beyond.pop(run.id, None)
        yield list(run.open.values())
    for run in sorted(beyond.values(), key=by_urgency):
        yield _already_sent(list(run.open.values()))
    for run in asked.values():
        yield list(run.open.values())


def _ahead(state: State, extra: Iterable[LiveRun], seen: Iterable[LiveOperation]) -> int:
    """Number of operations that come before the runs that are counted in, and are in no plan."""
    first = min((order(state, run) for run in extra), default=None)
    if first is None:
        return 0
    known = {op.run.id for op in seen}
    before = takewhile(lambda run: order(state, run) < first, state.index.by_urgency())
    return sum(run.unfinished for run in before if run.id not in known)


def session_times_us(snapshot: Snapshot, schedule: Schedule) -> dict[str, int]:
    """Session times right before operations that are the first to need the session."""
    loaded: set[tuple[str, str]] = set()
    times_us: dict[str, int] = {}
    for op in sorted(snapshot.planned, key=lambda op: schedule[op.id].start_us):
        mode = snapshot.options[op.id].modes[schedule[op.id].mode]
        if mode.setup_us and (mode.machine, mode.family) not in loaded:
            times_us[op.id] = mode.setup_us
            loaded.add((mode.machine, mode.family))
    return times_us


def _holds_machine(state: State, op: LiveOperation) -> bool:
    # Where the next start was reported before this end was, the next one has the machine.
    return op.state is OperationState.RUNNING and state.machines[op.machine].running == op.id


def _already_sent(ops: list[LiveOperation]) -> list[LiveOperation]:
    """Operations that an agent has, and all that they still wait for."""
    needed: set[str] = set()
    for op in reversed(ops):
        if op.state in SENT or op.id in needed:
            needed.add(op.id)
            needed.update(op.unmet)
    return [op for op in ops if op.id in needed]


def _plannable(
    state: State, pending: list[LiveOperation], found: dict[str, Options]
) -> tuple[list[LiveOperation], list[LiveOperation]]:
    """Split into those with modes, whose producers have them too, and the rest."""
    can: list[LiveOperation] = []
    cannot: list[LiveOperation] = []
    stuck: set[str] = set()
    for op in pending:
        choice = found[op.id] = _promised(state, op, options(state, op, tells_pinned=False))
        if not choice.modes or any(name in stuck for name in op.unmet):
            stuck.add(op.id)
            cannot.append(op)
        else:
            can.append(op)
    return can, cannot


def _promised(state: State, op: LiveOperation, choice: Options) -> Options:
    """Keep an operation that overtook others, and is next on a busy machine, on that machine.

    Otherwise every finish elsewhere could move it to the machine that has just begun something
    else, and a row of wrong predictions would keep it waiting for ever.
    """
    live = state.machines.get(op.machine)
    if op.state is not OperationState.DISPATCHED or live is None or not live.running:
        return choice
    if not live.queue or live.queue[0][0] != op.id:
        return choice
    if all(state.operations[name].band <= op.band for name, _ in live.queue):
        return choice
    there = [i for i, mode in enumerate(choice.modes) if mode.machine == op.machine]
    return replace(
        choice,
        modes=tuple(choice.modes[i] for i in there) or choice.modes,
        provenance=tuple(choice.provenance[i] for i in there) or choice.provenance,
    )


def _problem(
    state: State,
    running: list[LiveOperation],
    planned: list[LiveOperation],
    found: dict[str, Options],
    busy: _Busy,
) -> tuple[Problem, int]:
    now_us = state.now_us
    origin_us = min([now_us, *(op.started_us for op in running if op.started_us is not None)])
    runs: dict[str, LiveRun] = {op.run.id: op.run for op in [*running, *planned]}
    here = {op.id for op in running} | {op.id for op in planned}
    edges = [edge for op in planned for edge in op.unmet.values() if edge.source in here]
    modes = {op.id: found[op.id].modes for op in planned}
    modes |= {op.id: (op.mode,) for op in running if op.mode is not None}
    machines = _machines(state, origin_us, busy)
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


def _machines(state: State, origin_us: int, busy: _Busy) -> list[Machine]:
    return [
        Machine(
            id=name,
            device=machine.box,
            memory_bytes=_memory(machine),
            unavailable=_unavailable(state, machine, origin_us, busy),
            keeps_setups=True,
        )
        for name, machine in state.machines.items()
        if machine.is_up and state.agents[machine.agent].is_alive
    ]


def _unavailable(
    state: State, machine: LiveMachine, origin_us: int, busy: _Busy
) -> tuple[Window, ...]:
    """Windows in which nothing can start: until the machine is free, and while it is reserved."""
    name, now_us = machine.report.id, state.now_us
    free = (now_us, busy.freed_us.get(name) or free_us(state, machine))
    kept = [
        (max(each.from_us, now_us), each.until_us)
        for each in state.plan.reservations
        if each.is_window and each.machine == name and each.band < busy.band
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
