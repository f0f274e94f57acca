"""The best value of a small problem by trying everything, and a schedule that has it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Assignment, Schedule
from tests.scheduler.fuzz.enumeration import Question, enumerated
from tests.scheduler.fuzz.flat import Flat, Int, flat

MOST = 3_000_000
"""Most placements to try: a second or two. Larger problems are left out."""
_CODES = {objective: code for code, objective in enumerate(Objective)}


@dataclass(frozen=True)
class Optimum:
    """The best schedule and its values.

    Parameters
    ----------
    schedule
        A schedule of these values; ``None`` if no schedule keeps all rules.
    values
        Per level that was asked for.
    """

    schedule: Schedule | None
    values: tuple[int, ...] = ()


def optimum(problem: Problem, objective: Objective, *, by_band: bool = False) -> Optimum | None:
    """Give the best value, or the best tuple of values band by band; ``None`` if it takes too long.

    Without `by_band` all jobs are one level. Weighted sums of completions are counted from the
    origin of the problem again.
    """
    form = flat(problem)
    bands = sorted({job.band for job in problem.jobs}) if by_band else []
    level = np.array([bands.index(job.band) if by_band else 0 for job in problem.jobs], np.int64)
    levels = max(len(bands), 1)
    answer = enumerated(form, Question(_CODES[objective], level, levels, MOST))
    if answer.tried > MOST:
        return None
    if not answer.found:
        return Optimum(None)
    schedule = _schedule(problem, form, answer.mode, answer.start_us)
    return Optimum(schedule, _absolute(problem, form, objective, answer.value, level))


def _schedule(problem: Problem, form: Flat, modes: Int, starts_us: Int) -> Schedule:
    first = np.searchsorted(form.mode_operation, np.arange(len(problem.operations)))
    placed = []
    for i, operation in enumerate(problem.operations):
        mode, start_us = int(modes[i] - first[i]), int(starts_us[i]) + form.base_us
        end_us = start_us + operation.modes[mode].duration_us
        if operation.progress is not None:
            end_us = int(form.operation_end_us[i]) + form.base_us
        machine = operation.modes[mode].machine
        placed.append(
            Assignment(
                operation=operation.id, mode=mode, machine=machine, start_us=start_us, end_us=end_us
            )
        )
    return Schedule(assignments=tuple(placed))


def _absolute(
    problem: Problem, form: Flat, objective: Objective, found: Int, level: Int
) -> tuple[int, ...]:
    """The values, with the part that was left out of the times."""
    used = {operation.job for operation in problem.operations}
    values: Sequence[int] = found.tolist()
    shifts = [0] * len(values)
    for job, at in zip(problem.jobs, level.tolist(), strict=True):
        if job.id in used and objective is Objective.WEIGHTED_COMPLETION:
            shifts[at] += job.weight * form.base_us
        elif job.id in used and objective is Objective.MAKESPAN:
            shifts[at] = form.base_us
    return tuple(value + shift for value, shift in zip(values, shifts, strict=True))
