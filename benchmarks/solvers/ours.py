"""Fjord's own solvers, by the name that the registry has for them."""

from __future__ import annotations

import time

from benchmarks.solvers.outcome import Budget, Outcome, Unsupported
from scheduler import portfolio
from scheduler.model.errors import InvalidInput
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Status


def solve(problem: Problem, budget: Budget, *, solver: str) -> Outcome:
    """Minimise the makespan."""
    limits = Limits(time_s=budget.time_s, workers=budget.workers)
    # Taken here, as for the others, so that the time before the search counts.
    trace: list[tuple[float, int]] = []
    began = time.perf_counter()

    def note(progress: portfolio.SearchProgress) -> None:
        if progress.value is not None:
            trace.append((time.perf_counter() - began, progress.value))

    try:
        result = portfolio.solve(
            problem, solver=solver, limits=limits, seed=budget.seed, listener=note
        )
    except InvalidInput as error:
        raise Unsupported(str(error)) from None
    return Outcome(
        proven=result.status is Status.OPTIMAL,
        schedule=result.schedule,
        bound=result.bound,
        found_by=result.found_by,
        trace=trace,
    )
