"""What a schedule is worth. Times are integers in microseconds; smaller is better everywhere."""

from __future__ import annotations

from enum import StrEnum

from scheduler.model.problem import Edge, Problem
from scheduler.model.schedule import Schedule


class Objective(StrEnum):
    """What can be minimised. Bands come first whatever it is: a lower one never costs a higher."""

    MAKESPAN = "makespan"
    WEIGHTED_TARDINESS = "weighted_tardiness"
    WEIGHTED_COMPLETION = "weighted_completion"
    MAX_LATENESS = "max_lateness"
    ENERGY = "energy"
    DEADLINE_MISSES = "deadline_misses"


def makespan_us(problem: Problem, schedule: Schedule) -> int:
    """Latest end over all operations, from the origin of the problem."""
    return schedule.makespan_us


def completions_us(problem: Problem, schedule: Schedule) -> dict[str, int]:
    """End of the last operation of each job that has operations."""
    ends: dict[str, int] = {}
    for operation in problem.operations:
        end_us = schedule[operation.id].end_us
        ends[operation.job] = max(ends.get(operation.job, 0), end_us)
    return ends


def weighted_tardiness(problem: Problem, schedule: Schedule) -> int:
    """Sum over jobs with a due date of weight x tardiness."""
    return sum(
        problem.job(name).weight * max(lateness_us, 0)
        for name, lateness_us in _latenesses_us(problem, schedule).items()
    )


def max_lateness_us(problem: Problem, schedule: Schedule) -> int | None:
    """Largest completion minus due date (signed); `None` if no job has a due date."""
    return max(_latenesses_us(problem, schedule).values(), default=None)


def deadline_misses(problem: Problem, schedule: Schedule) -> int:
    """How many jobs complete after their deadline, durations taken as planned."""
    late = 0
    for name, end_us in completions_us(problem, schedule).items():
        deadline_us = problem.job(name).deadline_us
        late += deadline_us is not None and end_us > deadline_us
    return late


def _latenesses_us(problem: Problem, schedule: Schedule) -> dict[str, int]:
    found: dict[str, int] = {}
    for name, end_us in completions_us(problem, schedule).items():
        due_us = problem.job(name).due_us
        if due_us is not None:
            found[name] = end_us - due_us
    return found


def horizon_us(problem: Problem) -> int:
    """Safe upper bound on any end that a sensible schedule has.

    From the last moment at which something must be waited for (a release, the present, the end of
    a window or of a started operation), all longest durations and transfers one after another.
    """
    waits_us = [problem.now_us]
    waits_us += [job.release_us for job in problem.jobs]
    waits_us += [w.end_us for machine in problem.machines for w in machine.unavailable]
    total_us = 0
    for operation in problem.operations:
        longest_us = max(mode.duration_us for mode in operation.modes)
        if operation.progress is None:
            total_us += longest_us
        elif operation.progress.end_us is None:
            waits_us.append(operation.progress.start_us + longest_us)
        else:
            waits_us.append(operation.progress.end_us)
    total_us += sum(_longest_transfer_us(problem, edge) for edge in problem.edges)
    return max(waits_us) + total_us


def _longest_transfer_us(problem: Problem, edge: Edge) -> int:
    return max(
        (problem.transfer_us(edge, link.source, link.target) for link in problem.links), default=0
    )
