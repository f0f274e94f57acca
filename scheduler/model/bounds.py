"""Lower bounds on a problem's objective, without solving it.

Each bound relaxes some rules: modes of neighbours need not agree, sessions need no load, memory and
budgets never end. So it holds for every schedule that keeps all rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from heapq import nsmallest

from scheduler.model.heads import Span, running_until_us, spans_of, usable_modes
from scheduler.model.objectives import Objective
from scheduler.model.problem import Mode, Problem

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
    >>> from scheduler.model.problem import Job, Machine, Operation
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
    modes = [usable_modes(problem, operation) for operation in problem.operations]
    if objective is Objective.ENERGY:
        return sum(min((mode.energy_uj for mode in found), default=0) for found in modes)
    spans = spans_of(problem, modes)
    if objective is Objective.MAKESPAN:
        path_us = max((span.end_us + span.tail_us for span in spans), default=0)
        path_us = max([path_us, *_demands_us(problem, modes, spans)])
        return _loads_us(problem, modes, spans, path_us)
    if objective is Objective.DEADLINE_MISSES:
        return _misses(problem, modes, spans)
    return _completions_value(problem, spans, objective)


@dataclass(slots=True)
class _Load:
    """Load of operations on machines: sum of their least times, smallest heads and tails."""

    time_us: int
    heads_us: list[int]
    tails_us: list[int]
    count: int

    @classmethod
    def of(cls, spans: Sequence[Span], machines: int) -> _Load:
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
    problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[Span], least_us: int
) -> int:
    """Raise a bound by the loads of sets of operations on exclusive machines that they share."""
    groups: dict[frozenset[str], list[Span]] = {}
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
    busy_us = running_until_us(problem)
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
            Span(head_us=begin_us, end_us=0, least_us=us, tail_us=least_us - min(end_us, last_us))
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
    problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[Span]
) -> Iterable[int]:
    """Bounds by renewable resources: demand times duration of unstarted operations."""
    taken: dict[str, list[tuple[int, Span]]] = {}
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


def _misses(problem: Problem, modes: Sequence[Sequence[Mode]], spans: Sequence[Span]) -> int:
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


def _completions_value(problem: Problem, spans: Sequence[Span], objective: Objective) -> int:
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
