"""The one entrance: a problem, what is wanted of it, what may be spent; an answer."""

from __future__ import annotations

import time
from collections.abc import Callable

from scheduler.model.bounds import lower_bound
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Status
from scheduler.portfolio.exploring import Request, Start, explore, steps
from scheduler.portfolio.judging import concluded
from scheduler.portfolio.members import AUTO, expect_solver, expect_suited, names
from scheduler.portfolio.progress import Cancellation, Listener
from scheduler.solvers.arrays import Arrays, arrays

__all__ = ["SOLVED", "names", "solve"]

SOLVED = frozenset({Status.OPTIMAL, Status.FEASIBLE})
JUDGING_S = 20e-6
"""Time that is kept back, per operation, to judge the plan and to put it into words."""


def solve(
    problem: Problem,
    solver: str = AUTO,
    limits: Limits | None = None,
    seed: int = 0,
    *,
    objective: Objective = Objective.MAKESPAN,
    listener: Listener | None = None,
    cancel: Cancellation | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Solve a problem with one solver, or with several that help each other.

    ``auto`` has a plan from every list heuristic within milliseconds, so that it is never worse
    than the best of them, and then lets the searches that suit the problem share plans and bounds
    until the limits or the proof. Any other solver that improves or proves starts from the same
    plans. A schedule that misses a deadline only ever comes with the status LIMIT.

    With one worker the answer depends on problem, limits and seed alone, unless the computer is
    less than half as fast as a common one: a time limit then counts as half as many steps of work,
    and the clock is only looked at as a guard. With several, it is time that ends the search.

    Parameters
    ----------
    listener
        Told of each improvement of value or bound, in the thread that made it.
    cancel
        With which another thread can end the search.
    clock
        Seconds, monotonic.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidInput
        If the solver does not support what the problem has, or the objective lacks its data.
    Defect
        If a solver made a schedule that the checker refuses, or all of them failed: ours.
    """
    began_s = clock()
    limits = limits or Limits()
    expect_solver(solver)
    form = arrays(problem)
    expect_suited(form, solver, objective)
    request = Request(
        solver=solver,
        limits=limits,
        seed=seed,
        objective=objective,
        clock=clock,
        listener=listener,
        cancel=cancel or Cancellation(),
    )
    start = Start(bound=_bound(problem, form, objective))
    time_s = limits.time_s - (clock() - began_s) - JUDGING_S * len(problem.operations)
    search = explore(request, form, start, time_s=time_s, work=steps(limits))
    return concluded(request, problem, search)


def _bound(problem: Problem, form: Arrays, objective: Objective) -> int | None:
    return lower_bound(problem) if objective is Objective.MAKESPAN else None
