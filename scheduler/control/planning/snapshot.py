"""The state of now as a `Problem`: running work is frozen, pending work is to be placed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sized
from dataclasses import dataclass, replace
from functools import partial
from heapq import merge
from itertools import takewhile
from types import MappingProxyType

from scheduler.control.forecast.options import options
from scheduler.control.planning.ageing import order
from scheduler.control.planning.problem import WhatIf, problem_of
from scheduler.control.records import OperationState
from scheduler.control.state.operations import PENDING, SENT, LiveOperation, LiveRun, Options
from scheduler.control.state.state import State
from scheduler.model.problem import (
    Band,
    Problem,
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
    problem, origin_us = problem_of(state, running, planned, found, WhatIf(freed_us, band))
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
    # If the next start was reported before this end was, the next one has the machine.
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
