"""Placers: plans at once by one heuristic, without search; the caller judges them."""

from __future__ import annotations

from scheduler.model import ports
from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Status
from scheduler.solvers import registry
from scheduler.solvers.registry import SolverKind
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays, schedule_of


def placers() -> tuple[str, ...]:
    """Names of all solvers that place at once."""
    return registry.names(SolverKind.CONSTRUCTIVE)


def placer(name: str) -> ports.Solver:
    """Make a solver that places at once. Limits and seed change nothing.

    Inside a band, list schedulers with ranks put due dates before ranks.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidInput
        If the solver searches.
    """
    if registry.entry(name).kind is not SolverKind.CONSTRUCTIVE:
        choices = ", ".join(placers())
        raise InvalidInput(f"solver must be one of {choices}; got {name!r}", field="solver")

    def place(problem: Problem, limits: Limits, seed: int) -> Result:
        # No clock, because a heuristic is over before one would advance.
        search = Search(arrays(problem), clock=lambda: 0.0, by_due=True)
        registry.solver(name)(search, seed)
        return _result(name, problem, search)

    return place


def _result(name: str, problem: Problem, search: Search) -> Result:
    best = search.best
    if best is None:
        status = Status.INFEASIBLE if search.infeasible else Status.LIMIT
        return Result(status=status, solver=name)
    return Result(
        status=Status.LIMIT if best.score[0] else Status.FEASIBLE,
        solver=name,
        objective=Objective.MAKESPAN.value,
        schedule=schedule_of(problem, search.form, best.solution),
        value=best.score[1],
        found_by=best.by,
    )
