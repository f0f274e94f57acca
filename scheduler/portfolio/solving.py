"""The entrance of the portfolio: a problem, an objective and limits in, a result out."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Schedule, Status
from scheduler.portfolio.bands import are_several
from scheduler.portfolio.carrying import carried_over
from scheduler.portfolio.exploring import Exploration, Request, Start, explore, steps
from scheduler.portfolio.judging import concluded
from scheduler.portfolio.lanes import raise_if_lost
from scheduler.portfolio.members import AUTO, expect_solver, expect_suited, names
from scheduler.portfolio.progress import Cancellation, Cancelled, Listener
from scheduler.portfolio.rebasing import expect_countable, offset, rebased
from scheduler.portfolio.stages import explore_by_band
from scheduler.solvers.arrays import Arrays, Solution, fits_nowhere
from scheduler.solvers.bounding import WORK, lower_bound
from scheduler.solvers.translating import arrays

__all__ = ["SOLVED", "names", "solve"]

WARM_START = "warm_start"
"""Name given as the finder of the caller's own plan."""
SOLVED = frozenset({Status.OPTIMAL, Status.FEASIBLE})
JUDGING_S = 12e-6
"""Time reserved, per operation, to judge the plan and to make it a schedule."""


def solve(
    problem: Problem,
    solver: str = AUTO,
    limits: Limits | None = None,
    seed: int = 0,
    *,
    objective: Objective = Objective.MAKESPAN,
    warm_start: Schedule | None = None,
    listener: Listener | None = None,
    cancel: Cancellation | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> Result:
    """Solve a problem with one solver, or with several that help each other.

    ``auto`` has a plan within milliseconds, and plans of all list heuristics within some tens of
    them, so that it is never worse than any heuristic it had time for. Then the searches that suit
    the problem share plans and bounds until the limits or the proof. Any other solver that improves
    or proves starts from the same plans. A schedule that misses a deadline always has the status
    LIMIT.

    With one worker the answer depends on problem, limits and seed alone: half of a time limit is
    turned into steps of work, and the clock is only a guard, which a computer less than half as
    fast as a common one can meet. With several workers, time ends the search.

    Parameters
    ----------
    warm_start
        A plan for much the same problem, such as the one in force. Operations in both keep mode and
        order, and the search begins with that plan.
    listener
        Called with each improvement of value or bound, in the thread that made it.
    cancel
        Handle by which another thread can end the search. The answer then comes within about 50 ms
        and is judged as any other; it has no plan if there was none yet.
    clock
        Seconds, monotonic.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidInput
        If the solver does not support a feature of the problem, or the objective lacks its data.
    InvalidProblem
        If sums, such as of weights times times, could exceed 64 bits.
    Defect
        If the checker refuses a solver's schedule, or all solvers failed: a fault of ours.
    """
    began_s = clock()
    limits = limits or Limits()
    expect_solver(solver)
    cancel = cancel or Cancellation()
    try:
        with uncollected():
            form = arrays(problem, cancel.pause)
    except Cancelled:
        return Result(status=Status.CANCELLED, solver=solver, objective=objective.value)
    expect_suited(form, solver, objective)
    if fits_nowhere(form):
        return Result(status=Status.INFEASIBLE, solver=solver, objective=objective.value)
    form, origin_us = rebased(form)
    expect_countable(form, objective)
    request = Request(
        solver=solver,
        limits=limits,
        seed=seed,
        objective=objective,
        clock=clock,
        listener=listener,
        cancel=cancel,
        origin_us=origin_us,
        offset=offset(form, objective, origin_us),
    )
    # Squared, because a bound is of little use to a search without the time to meet it.
    work = int(min(limits.time_s, 1) ** 2 * WORK)
    bound = partial(lower_bound, form, objective, work=work)
    start = Start(bound=bound, solutions=_carried(problem, form, warm_start))
    time_s = limits.time_s - (clock() - began_s) - JUDGING_S * len(problem.operations)
    found = _explored(request, form, start, time_s)
    raise_if_lost(found.search, found.failures)
    with uncollected():
        return concluded(request, problem, found)


def _explored(request: Request, form: Arrays, start: Start, time_s: float) -> Exploration:
    work = steps(request.limits)
    if are_several(form, request.objective):
        return explore_by_band(request, form, start, time_s=time_s, work=work)
    return explore(request, form, start, time_s=time_s, work=work)


def _carried(
    problem: Problem, form: Arrays, plan: Schedule | None
) -> tuple[tuple[Solution, str], ...]:
    solution = None if plan is None else carried_over(problem, form, plan)
    return () if solution is None else ((solution, WARM_START),)


@contextmanager
def uncollected() -> Iterator[None]:
    """Put the garbage collector off while many objects are made that are no garbage.

    The collector would go through all objects there are: 100 ms with the modes of 10 000 operations
    on 20 machines, several times the work done meanwhile. Threads may overlap here: the first to
    leave enables the collector for all.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
