"""Lower bounds on a problem's objective, without solving it.

Each bound relaxes some rules: modes of neighbours need not agree, sessions need no load, memory and
budgets never end. So it holds for every schedule that keeps all rules.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from heapq import nsmallest
from operator import attrgetter

from scheduler.model.objectives import Objective
from scheduler.model.problem import Edge, Mode, Operation, Problem

_SETS = 50
"""Most sets of machines that are tried; those with the most work."""

_ROUNDS = 10
"""Most rounds in which a bound is raised by windows that the higher bound reaches."""


def lower_bound(problem: Problem, objective: Objective = Objective.MAKESPAN) -> int:
    """Proven lower bound on the value of any schedule, in the unit of the objective.

    For the makespan: the longest of the critical path, of the loads that sets of operations put on
    shared machines, and of their demands for each renewable resource. For other times: the value if
    each job ends at its earliest. For energy: the least of each operation.

    Examples
    --------
    >>> from scheduler.model.problem import Job, Machine
    >>> problem = Problem(
    ...     machines=(Machine(id="cpu0"),),
    ...     jobs=(Job(id="frame", release_us=2),),
    ...     operations=tuple(
    ...         Operation(id=name, job="frame", modes=(Mode(machine="cpu0", duration_us=5),))
    ...         for name in ("left", "right")
    ...     ),
    ... )
    >>> lower_bound(problem)
    12
    """
    modes = [_usable(problem, operation) for operation in problem.operations]
    if objective is Objective.ENERGY:
        return sum(min((mode.energy_uj for mode in found), default=0) for found in modes)
    spans = _spans(problem, modes)
    if objective is Objective.MAKESPAN:
        path_us = max((span.end_us + span.tail_us for span in spans), default=0)
        path_us = max([path_us, *_demands_us(problem, modes, spans)])
        return _loads_us(problem, modes, spans, path_us)
    if objective is Objective.DEADLINE_MISSES:
        return _misses(problem, modes, spans)
    return _completions_value(problem, spans, objective)


@dataclass(frozen=True, slots=True)
class _Span:
    """Earliest start and end of an operation, and its tail: least time between its end and the end.

    `least_us` is its least duration, from now on if it runs.
    """

    head_us: int
    end_us: int
    least_us: int
    tail_us: int = 0


def _usable(problem: Problem, operation: Operation) -> Sequence[Mode]:
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


def _spans(problem: Problem, modes: Sequence[Sequence[Mode]]) -> list[_Span]:
    """Spans of all operations, in the order of the problem."""
    index = {operation.id: i for i, operation in enumerate(problem.operations)}
    order = [index[operation.id] for operation in problem.topological_order()]
    release_us = {job.id: max(job.release_us, problem.now_us) for job in problem.jobs}
    moved_us = _least_transfers_us(problem, modes, index)
    busy_us = _busy_us(problem)
    spans: dict[int, _Span] = {}
    for i in order:
        operation = problem.operations[i]
        if operation.progress is not None:
            spans[i] = _started(problem, operation)
            continue
        ready_us = release_us[operation.job]
        for edge in problem.edges_in(operation.id):
            ready_us = max(ready_us, spans[index[edge.source]].end_us + moved_us[edge])
        starts_us = [_fit_us(problem, mode, ready_us, busy_us) for mode in modes[i]]
        spans[i] = _Span(
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


def _started(problem: Problem, operation: Operation) -> _Span:
    progress = operation.progress
    assert progress is not None
    if progress.end_us is not None:
        return _Span(head_us=progress.start_us, end_us=progress.end_us, least_us=0)
    planned_us = progress.start_us + operation.modes[progress.mode].duration_us
    end_us = max(planned_us, problem.now_us)
    return _Span(head_us=problem.now_us, end_us=end_us, least_us=end_us - problem.now_us)


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


def _busy_us(problem: Problem) -> dict[str, int]:
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


@dataclass(slots=True)
class _Load:
    """Load of operations on machines: sum of their least times, smallest heads and tails."""

    time_us: int
    heads_us: list[int]
    tails_us: list[int]
    count: int

    @classmethod
    def of(cls, spans: Sequence[_Span], machines: int) -> _Load:
        """Add up operations; as many heads and tails count as there are machines."""
        return cls(
            time_us=sum(span.least_us for span in spans),
            heads_us=nsmallest(machines, (span.head_us for span in spans)),
            tails_us=nsmallest(machines, (span.tail_us for span in spans)),
            count=len(spans),
        )

    @classmethod
    def together(cls, loads: Sequence[_Load], machines: int) -> _Load:
        """Add up loads that the same machines share."""
        return cls(
            time_us=sum(load.time_us for load in loads),
            heads_us=nsmallest(machines, (us for load in loads for us in load.heads_us)),
            tails_us=nsmallest(machines, (us for load in loads for us in load.tails_us)),
            count=sum(load.count for load in loads),
        )

    def bound_us(self, machines: int) -> int:
        """Latest end if the machines share it evenly, each after a head and before a tail.

        References
        ----------
        Carlier (1987), doi:10.1016/0377-2217(87)90171-8, for identical parallel machines.
        """
        # Every machine has work: an idle one could take some from another, as they are identical.
        used = min(machines, self.count)
        total_us = self.time_us + sum(self.heads_us[:used]) + sum(self.tails_us[:used])
        return -(-total_us // used)


def _loads_us(
    problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[_Span], least_us: int
) -> int:
    """Raise a bound by the loads of sets of operations on exclusive machines that they share."""
    groups: dict[frozenset[str], list[_Span]] = {}
    exclusive = {machine.id for machine in problem.machines if machine.exclusive}
    for found, span in zip(modes, spans, strict=True):
        machines = frozenset([mode.machine for mode in found])
        if span.least_us and machines <= exclusive:
            groups.setdefault(machines, []).append(span)
    loads = {shared: _Load.of(group, len(exclusive)) for shared, group in groups.items()}
    closed = _closures_us(problem)
    most = sorted(loads, key=lambda shared: -loads[shared].time_us)[:_SETS]
    for shared in dict.fromkeys([*most, frozenset().union(*loads)] if loads else []):
        inside = [load for machines, load in loads.items() if machines <= shared]
        load = _Load.together(inside, len(shared))
        least_us = max(least_us, load.bound_us(len(shared)))
        windows = sorted(window for name in shared for window in closed[name])
        least_us = _closed_us(load, windows, len(shared), least_us)
    return least_us


def _closures_us(problem: Problem) -> dict[str, list[tuple[int, int]]]:
    """Windows of each machine after its running operation."""
    busy_us = _busy_us(problem)
    return {
        machine.id: [
            (max(window.start_us, busy_us.get(machine.id, 0)), window.end_us)
            for window in machine.unavailable
            if window.end_us > busy_us.get(machine.id, 0)
        ]
        for machine in problem.machines
    }


def _closed_us(
    load: _Load, windows: Sequence[tuple[int, int]], machines: int, least_us: int
) -> int:
    """Raise a bound by the windows of the machines: work of a fixed time, up to that bound."""
    if machines == 1:
        return max(least_us, _single_us(load, windows))
    for _ in range(_ROUNDS if windows else 0):
        first_us, last_us = load.heads_us[0], least_us - load.tails_us[0]
        closed = [
            _Span(head_us=begin_us, end_us=0, least_us=us, tail_us=least_us - min(end_us, last_us))
            for start_us, end_us in windows
            if (us := min(end_us, last_us) - (begin_us := max(start_us, first_us))) > 0
        ]
        found_us = _Load.together([load, _Load.of(closed, machines)], machines).bound_us(machines)
        if found_us <= least_us:
            break
        least_us = found_us
    return least_us


def _single_us(load: _Load, windows: Sequence[tuple[int, int]]) -> int:
    """Latest end of work on one machine, done in the time that its windows leave."""
    at_us, left_us = load.heads_us[0], load.time_us
    for start_us, end_us in windows:
        if at_us + left_us <= start_us:
            break
        left_us -= max(0, start_us - at_us)
        at_us = max(at_us, end_us)
    return at_us + left_us + load.tails_us[0]


def _demands_us(
    problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[_Span]
) -> Iterable[int]:
    """Bounds by renewable resources: demand times duration of unstarted operations."""
    taken: dict[str, list[tuple[int, _Span]]] = {}
    for operation, found, span in zip(problem.operations, modes, spans, strict=True):
        if operation.progress is None:
            for name in {demand.resource for demand in found[0].demands}:
                amount = min(_amount(mode, name) * mode.duration_us for mode in found)
                if amount:
                    taken.setdefault(name, []).append((amount, span))
    for resource in problem.resources:
        users = taken.get(resource.id, [])
        if users and resource.renewable and resource.capacity:
            total = sum(amount for amount, _ in users)
            first_us = min(span.head_us for _, span in users)
            last_us = min(span.tail_us for _, span in users)
            yield first_us - (-total // resource.capacity) + last_us


def _amount(mode: Mode, resource: str) -> int:
    return sum(demand.amount for demand in mode.demands if demand.resource == resource)


def _misses(problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[_Span]) -> int:
    """Number of jobs with an operation that cannot keep the deadline by its 95th percentile."""
    late: set[str] = set()
    for operation, found, span in zip(problem.operations, modes, spans, strict=True):
        deadline_us = problem.job(operation.job).deadline_us
        end_us, progress = span.end_us, operation.progress
        if progress is None:
            end_us = max(end_us, span.head_us + min(mode.p95_us for mode in found))
        elif progress.end_us is None:
            end_us = max(end_us, progress.start_us + found[0].p95_us)
        if deadline_us is not None and end_us > deadline_us:
            late.add(operation.job)
    return len(late)


def _completions_value(problem: Problem, spans: Sequence[_Span], objective: Objective) -> int:
    """Value if every job ended at the earliest end that its operations allow."""
    ends_us: dict[str, int] = {}
    for operation, span in zip(problem.operations, spans, strict=True):
        ends_us[operation.job] = max(ends_us.get(operation.job, span.end_us), span.end_us)
    jobs = [(problem.job(name), end_us) for name, end_us in ends_us.items()]
    if objective is Objective.WEIGHTED_COMPLETION:
        return sum(job.weight * end_us for job, end_us in jobs)
    late = [(job.weight, end_us - job.due_us) for job, end_us in jobs if job.due_us is not None]
    if objective is Objective.WEIGHTED_TARDINESS:
        return sum(weight * max(lateness_us, 0) for weight, lateness_us in late)
    return max((lateness_us for _, lateness_us in late), default=0)
