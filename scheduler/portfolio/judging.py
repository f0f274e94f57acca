"""Judging: a search becomes a result that the independent checker accepts."""

from __future__ import annotations

from dataclasses import replace

from scheduler.model.checker import ViolationKind, check
from scheduler.model.errors import InvalidSchedule
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Result, Schedule, Status
from scheduler.portfolio.exploring import Exploration, Request
from scheduler.solvers.search import Found, Search
from scheduler.solvers.translating import schedule_of
from scheduler.solvers.verifying import verify

HASTY = 2_000
"""Most operations of a cancelled search's plan that is judged object by object. Larger ones are
judged over arrays, by the same rules: 10 000 objects take 50 ms, all the time that a caller who
cancelled should wait."""


def concluded(request: Request, problem: Problem, found: Exploration) -> Result:
    """Turn a search into a result.

    Raises
    ------
    InvalidSchedule
        If the checker refuses the plan, or the bound is above its value.
    """
    search, best = found.search, found.best
    status = _status(found)
    result = Result(
        status=status,
        solver=request.solver,
        objective=request.objective.value,
        bound=request.told(search.bound),
        confirmed_bound=request.told(search.confirmed_bound),
        claimed_by=_claimed_by(found),
        bands=found.bands,
        trace=tuple(replace(p, value=p.value + request.offset) for p in search.trace),
        # A heuristic runs once for each band.
        broken=tuple(dict.fromkeys(map(str, found.failures))),
        statistics={"steps": found.worked},
    )
    if best is None or status is Status.INFEASIBLE:
        return result
    late_us, value = best.score
    schedule = schedule_of(problem, search.form, best.solution, request.origin_us)
    may_be_late = late_us > 0 or _forgives(request)
    if status is Status.CANCELLED and len(schedule) > HASTY:
        _expect_verified(search, best, may_be_late=may_be_late)
    else:
        expect_valid(problem, schedule, best.by, may_be_late=may_be_late)
    if search.bound is not None and search.bound > value and not late_us:
        told, got = request.told(value), request.told(search.bound)
        message = f"bound must be <= {told}, the value of {best.by!r}; got {got}"
        raise InvalidSchedule(message, field="bound")
    return replace(
        result,
        schedule=schedule,
        value=request.told(value),
        # A plan that misses deadlines can have a better value than all that keep them.
        bound=_least(result.bound, request.told(value)),
        confirmed_bound=_least(result.confirmed_bound, request.told(value)),
        found_by=best.by,
    )


def _claimed_by(found: Exploration) -> str:
    """Engine that alone claims the bound, of all together or of a band; empty if none does."""
    names = (found.search.claimed_by, *(band.claimed_by for band in found.bands))
    return next(filter(None, names), "")


def _least(bound: int | None, value: int | None) -> int | None:
    return bound if bound is None or value is None else min(bound, value)


def expect_valid(problem: Problem, schedule: Schedule, by: str, *, may_be_late: bool) -> None:
    """Refuse a schedule that breaks a rule.

    Raises
    ------
    InvalidSchedule
        Names the rule and the finder of the schedule.
    """
    for violation in check(problem, schedule):
        if violation.kind is not ViolationKind.DEADLINE or not may_be_late:
            raise InvalidSchedule(f"schedule of {by!r} is refused: {violation.message}")


def _expect_verified(search: Search, best: Found, *, may_be_late: bool) -> None:
    """Refuse a plan that breaks a rule; deadlines come last."""
    broken = verify(search.form, best.solution)
    if broken is not None and (broken is not ViolationKind.DEADLINE or not may_be_late):
        raise InvalidSchedule(
            f"schedule of {best.by!r} is refused: it breaks rule {broken.value!r}"
        )


def _forgives(request: Request) -> bool:
    return request.objective is Objective.DEADLINE_MISSES


def _status(found: Exploration) -> Status:
    search, best = found.search, found.best
    if search.infeasible:
        return Status.INFEASIBLE
    # With several bands, the value of all together says nothing about the lower ones.
    if all(band.status is Status.OPTIMAL for band in found.bands) if found.bands else search.proven:
        return Status.OPTIMAL
    if search.cancelled:
        return Status.CANCELLED
    if best is None or best.score[0] > 0:
        return Status.LIMIT
    return Status.FEASIBLE
