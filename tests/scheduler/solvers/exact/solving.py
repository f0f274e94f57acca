"""Run one solver to its end, or to the end of its work."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.model.checker import ViolationKind, check
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import Solution
from scheduler.solvers.exact.cp_sat import cp_sat
from scheduler.solvers.registry import Searcher
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays, schedule_of


def searched(
    problem: Problem,
    solver: Searcher = cp_sat,
    objective: Objective = Objective.MAKESPAN,
    *,
    work_s: float = 5.0,
    start: Iterable[Solution] = (),
    seed: int = 0,
) -> Search:
    """Let a solver work, and judge what it found."""
    search = Search(arrays(problem), lambda: 0.0, objective, work=work_s * WORK_PER_S)
    for solution in start:
        search.offer(solution, "start")
    solver(search, seed)
    expect_sound(problem, search)
    return search


def expect_sound(problem: Problem, search: Search) -> None:
    """Want a plan that the checker accepts, and a bound that it does not beat."""
    if search.best is None:
        return
    found = check(problem, schedule_of(problem, search.form, search.best.solution))
    counted = search.objective is Objective.DEADLINE_MISSES
    is_late = search.best.score[0] > 0 or counted
    assert [v for v in found if not (is_late and v.kind is ViolationKind.DEADLINE)] == []
    if search.best.score[0] == 0 and search.bound is not None:
        assert search.bound <= search.best.score[1]


def optimum(search: Search) -> int:
    """Value that was proven to be the best."""
    assert search.proven
    assert search.best is not None
    return search.best.score[1]
