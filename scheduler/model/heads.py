"""Heads and tails: the least time before an operation, and behind it, in any schedule.

A problem is relaxed for this: modes of neighbours need not agree, sessions need no load, and of
other operations on a machine only those that run already are in the way.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from scheduler.model.problem import Edge, Mode, Operation, Problem


@dataclass(frozen=True, slots=True)
class Span:
    """Earliest start and end of an operation, and its tail: least time between its end and the end.

    `least_us` is its least duration, from now on if it runs.
    """

    head_us: int
    end_us: int
    least_us: int
    tail_us: int = 0


def usable_modes(problem: Problem, operation: Operation) -> Sequence[Mode]:
    """Modes that the operation can have by itself; a started one has only its own."""
    if operation.progress is not None:
        return (operation.modes[operation.progress.mode],)
    capacities = {resource.id: resource.capacity for resource in problem.resources}
    found = []
    for mode in operation.modes:
        limit = problem.machine(mode.machine).memory_bytes
        if limit is not None and max(mode.peak_bytes, mode.resident_bytes) > limit:
            continue
        if all(demand.amount <= capacities[demand.resource] for demand in mode.demands):
            found.append(mode)
    # Without a usable mode there is no schedule, and any number is a bound.
    return found or operation.modes


def spans_of(problem: Problem, modes: Sequence[Sequence[Mode]]) -> list[Span]:
    """Spans of all operations, in the order of the problem."""
    index = {operation.id: i for i, operation in enumerate(problem.operations)}
    order = [index[operation.id] for operation in problem.topological_order()]
    release_us = {job.id: max(job.release_us, problem.now_us) for job in problem.jobs}
    moved_us = _least_transfers_us(problem, modes, index)
    busy_us = running_until_us(problem)
    spans: dict[int, Span] = {}
    for i in order:
        operation = problem.operations[i]
        if operation.progress is not None:
            spans[i] = _started(problem, operation)
            continue
        ready_us = release_us[operation.job]
        for edge in problem.edges_in(operation.id):
            ready_us = max(ready_us, spans[index[edge.source]].end_us + moved_us[edge])
        starts_us = [_fit_us(problem, mode, ready_us, busy_us) for mode in modes[i]]
        spans[i] = Span(
            head_us=min(starts_us),
            end_us=min(s + m.duration_us for s, m in zip(starts_us, modes[i], strict=True)),
            least_us=min(mode.duration_us for mode in modes[i]),
        )
    for i in reversed(order):
        tail_us = 0
        for edge in problem.edges_out(problem.operations[i].id):
            after = spans[index[edge.target]]
            if problem.operations[index[edge.target]].progress is None:
                tail_us = max(tail_us, moved_us[edge] + after.least_us + after.tail_us)
        spans[i] = replace(spans[i], tail_us=tail_us)
    return [spans[i] for i in range(len(order))]


def _started(problem: Problem, operation: Operation) -> Span:
    progress = operation.progress
    assert progress is not None
    if progress.end_us is not None:
        return Span(head_us=progress.start_us, end_us=progress.end_us, least_us=0)
    planned_us = progress.start_us + operation.modes[progress.mode].duration_us
    end_us = max(planned_us, problem.now_us)
    return Span(head_us=problem.now_us, end_us=end_us, least_us=end_us - problem.now_us)


def _least_transfers_us(
    problem: Problem, modes: Sequence[Sequence[Mode]], index: dict[str, int]
) -> dict[Edge, int]:
    """Least transfer time of each edge over the possible devices of its ends."""
    if not problem.links:
        return dict.fromkeys(problem.edges, 0)
    device = {machine.id: machine.device_id for machine in problem.machines}
    sides = [dict.fromkeys(device[mode.machine] for mode in found) for found in modes]
    least: dict[Edge, int] = {}
    for edge in problem.edges:
        sources, targets = sides[index[edge.source]], sides[index[edge.target]]
        times_us = (
            problem.transfer_us(edge, a, b)
            for a in sources
            for b in targets
            if problem.connected(a, b)
        )
        is_near = any(name in targets for name in sources)
        least[edge] = 0 if is_near else min(times_us, default=0)
    return least


def running_until_us(problem: Problem) -> dict[str, int]:
    """Time at which each exclusive machine is done with its running operation."""
    busy: dict[str, int] = {}
    for operation in problem.operations:
        progress = operation.progress
        if progress is not None and progress.end_us is None:
            machine = operation.modes[progress.mode].machine
            if problem.machine(machine).exclusive:
                busy[machine] = _started(problem, operation).end_us
    return busy


def _fit_us(problem: Problem, mode: Mode, ready_us: int, busy_us: dict[str, int]) -> int:
    """Earliest start, not before `ready_us`, after running work and between windows."""
    start_us = max(ready_us, busy_us.get(mode.machine, 0))
    windows = problem.machine(mode.machine).unavailable
    for window in windows[bisect_right(windows, start_us, key=attrgetter("end_us")) :]:
        if start_us + mode.duration_us <= window.start_us:
            break
        start_us = window.end_us
    return start_us
