"""Objectives and their values. Times are integers in microseconds; smaller is always better."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

from scheduler.model.problem import Band, Operation, Problem
from scheduler.model.schedule import Schedule


class Objective(StrEnum):
    """Objective to minimise. Bands come first in each: a lower band never costs a higher one."""

    MAKESPAN = "makespan"
    WEIGHTED_TARDINESS = "weighted_tardiness"
    WEIGHTED_COMPLETION = "weighted_completion"
    MAX_LATENESS = "max_lateness"
    ENERGY = "energy"
    DEADLINE_MISSES = "deadline_misses"


class Goal(StrEnum):
    """Objective of a split of a network over devices, a time in the unit of its file."""

    LATENCY = "latency"  # of one sample, from its first input to its last output
    MAX_LOAD = "max_load"  # of the busiest device: the time per sample of a full pipeline


def evaluate(problem: Problem, schedule: Schedule, objective: Objective) -> int:
    """Value of a complete schedule; smaller is better. An empty one has the value 0.

    Energy is in microjoules, weighted sums are in microseconds times weight, deadline misses in
    jobs, all others in microseconds. The maximum lateness is signed, and 0 if no job with
    operations has a due date. Deadlines are rules of their own (see the checker), except for
    `Objective.DEADLINE_MISSES`, which counts the jobs that break them.

    Examples
    --------
    >>> from scheduler.model.problem import Job, Machine, Mode, Operation
    >>> from scheduler.model.schedule import Assignment
    >>> mode = Mode(machine="cpu0", duration_us=5, energy_uj=7)
    >>> problem = Problem(
    ...     machines=(Machine(id="cpu0"),),
    ...     jobs=(Job(id="frame", due_us=9, weight=2),),
    ...     operations=(Operation(id="detect", job="frame", modes=(mode,)),),
    ... )
    >>> placed = Assignment(operation="detect", mode=0, machine="cpu0", start_us=1, end_us=6)
    >>> schedule = Schedule(assignments=(placed,))
    >>> {objective.value: evaluate(problem, schedule, objective) for objective in Objective}
    ... # doctest: +NORMALIZE_WHITESPACE
    {'makespan': 6, 'weighted_tardiness': 0, 'weighted_completion': 12, 'max_lateness': -3,
     'energy': 7, 'deadline_misses': 0}
    """
    return _value(problem, schedule, problem.operations, objective)


def values_by_band(problem: Problem, schedule: Schedule, objective: Objective) -> tuple[int, ...]:
    """Value per band, the most urgent first; two plans compare by these tuples.

    One value per `Band`, over the operations of its jobs alone.
    """
    bands = {job.id: job.band for job in problem.jobs}
    inside: dict[Band, list[Operation]] = {band: [] for band in Band}
    for operation in problem.operations:
        inside[bands[operation.job]].append(operation)
    return tuple(_value(problem, schedule, found, objective) for found in inside.values())


def completions_us(
    problem: Problem, schedule: Schedule, operations: Iterable[Operation] | None = None
) -> dict[str, int]:
    """Completion of each job that has operations, or has some of those given."""
    ends: dict[str, int] = {}
    for operation in problem.operations if operations is None else operations:
        end_us = schedule[operation.id].end_us
        ends[operation.job] = max(ends.get(operation.job, end_us), end_us)
    return ends


def _value(
    problem: Problem, schedule: Schedule, operations: Collection[Operation], objective: Objective
) -> int:
    if objective is Objective.ENERGY:
        return sum(op.modes[schedule[op.id].mode].energy_uj for op in operations)
    if objective is Objective.DEADLINE_MISSES:
        late = (op.job for op in operations if _is_late(problem, schedule, op))
        return len(set(late))
    ends = completions_us(problem, schedule, operations)
    if objective is Objective.MAKESPAN:
        return max(ends.values(), default=0)
    completions = [(problem.job(name), end_us) for name, end_us in ends.items()]
    if objective is Objective.WEIGHTED_COMPLETION:
        return sum(job.weight * end_us for job, end_us in completions)
    due = [
        (job.weight, end_us - job.due_us) for job, end_us in completions if job.due_us is not None
    ]
    if objective is Objective.WEIGHTED_TARDINESS:
        return sum(weight * max(lateness_us, 0) for weight, lateness_us in due)
    return max((lateness_us for _, lateness_us in due), default=0)


def _is_late(problem: Problem, schedule: Schedule, operation: Operation) -> bool:
    """True if it may end after the deadline of its job: by its p95, unless it has ended."""
    deadline_us = problem.job(operation.job).deadline_us
    if deadline_us is None:
        return False
    placed = schedule[operation.id]
    end_us = placed.end_us
    if operation.progress is None or operation.progress.end_us is None:
        end_us = max(end_us, placed.start_us + operation.modes[placed.mode].p95_us)
    return end_us > deadline_us


def horizon_us(problem: Problem) -> int:
    """Safe upper bound on any end of a sensible schedule.

    The last moment that an operation may have to wait for (a release, the present, the end of a
    window or of a started operation), plus all longest durations, setups and transfers.
    """
    waits_us = [problem.now_us]
    waits_us += [job.release_us for job in problem.jobs]
    waits_us += [w.end_us for machine in problem.machines for w in machine.unavailable]
    total_us = 0
    for operation in problem.operations:
        longest_us = max(mode.setup_us + mode.duration_us for mode in operation.modes)
        if operation.progress is None:
            total_us += longest_us
        elif operation.progress.end_us is None:
            waits_us.append(operation.progress.start_us + longest_us)
        else:
            waits_us.append(operation.progress.end_us)
    rates = {(link.latency_us, link.bandwidth_bytes_per_s): link for link in problem.links}
    for edge in problem.edges:
        times_us = (problem.transfer_us(edge, a.source, a.target) for a in rates.values())
        total_us += max(times_us, default=0)
    return max(waits_us) + total_us
