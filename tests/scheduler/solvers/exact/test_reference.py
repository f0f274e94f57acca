"""Proven optima equal those of brute force: for each objective, with every feature."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model import bounds
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers import bounding
from scheduler.solvers.translating import arrays
from tests.scheduler.reference import optima
from tests.scheduler.solvers.exact.solving import optimum, searched
from tests.scheduler.strategies import Size, problems


@settings(max_examples=25)
@given(
    problem=problems(deadlines=True, size=Size(operations=3, modes=3)),
    objective=st.sampled_from(Objective),
)
def test_the_proven_optimum_is_the_best_of_all_schedules(
    problem: Problem, objective: Objective
) -> None:
    search = searched(problem, objective=objective)
    best = optima(problem).get(objective)
    assert search.infeasible == (best is None)
    if best is not None:
        assert optimum(search) == best


@settings(max_examples=25)
@given(problem=problems(), objective=st.sampled_from(Objective))
def test_bounds_are_no_more_than_the_proven_optimum(problem: Problem, objective: Objective) -> None:
    best = optimum(searched(problem, objective=objective))
    assert bounds.lower_bound(problem, objective) <= best
    assert bounding.lower_bound(arrays(problem), objective) <= best
