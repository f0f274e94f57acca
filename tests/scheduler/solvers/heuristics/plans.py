"""Plans of a heuristic for a problem."""

from __future__ import annotations

from scheduler.model.checker import check
from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule
from scheduler.solvers.registry import Searcher
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays, schedule_of


def plan(solver: Searcher, p: Problem) -> Schedule:
    search = Search(arrays(p), lambda: 0.0)
    solver(search, 0)
    assert search.best is not None
    schedule = schedule_of(p, search.form, search.best.solution)
    assert check(p, schedule) == []
    return schedule


def where(schedule: Schedule, name: str) -> tuple[str, int]:
    return schedule[name].machine, schedule[name].start_us


def starts(schedule: Schedule) -> dict[str, int]:
    return {placed.operation: placed.start_us for placed in schedule}
