"""The compiled value of a plan is the value that the model gives its schedule."""

from __future__ import annotations

from hypothesis import given

from scheduler.model.checker import ViolationKind, check
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Problem
from scheduler.solvers.kernels.serial.evaluation import CODES, score
from scheduler.solvers.translating import arrays, schedule_of
from tests.scheduler.reference import serial
from tests.scheduler.strategies import problems


@given(problem=problems(deadlines=True))
def test_kernel_and_model_agree_on_every_objective(problem: Problem) -> None:
    form = arrays(problem)
    solution = serial(problem, form)
    schedule = schedule_of(problem, form, solution)
    misses = any(v.kind is ViolationKind.DEADLINE for v in check(problem, schedule))
    for objective in Objective:
        late_us, value = score(form, *solution, CODES[objective])
        assert value == evaluate(problem, schedule, objective)
        assert (late_us > 0) == (misses and objective is not Objective.DEADLINE_MISSES)
