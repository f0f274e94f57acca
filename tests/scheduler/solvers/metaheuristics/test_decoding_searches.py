"""Promises of all searches over orders and modes."""

from __future__ import annotations

from itertools import count

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.checker import ViolationKind, check
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers import registry
from scheduler.solvers.arrays import Solution
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays, schedule_of
from tests import builders
from tests.scheduler import strategies

NAMES = ("simulated_annealing", "genetic", "particle_swarm", "ant_colony")
searches = pytest.mark.parametrize("name", NAMES)


def solve(
    problem: Problem,
    name: str,
    work: float = 1e6,
    objective: Objective = Objective.MAKESPAN,
) -> Search:
    search = Search(form=arrays(problem), clock=lambda: 0.0, work=work, objective=objective)
    registry.solver(name)(search, 1)
    return search


def shop(seed: int = 1, jobs: int = 5, machines: int = 3) -> Problem:
    """A flexible job shop: each operation on two of the machines."""
    draw = np.random.default_rng(seed)
    operations = [
        builders.operation(
            f"o{j}{i}",
            job=f"j{j}",
            durations={f"m{m}": int(draw.integers(2, 9)) for m in draw.permutation(machines)[:2]},
        )
        for j in range(jobs)
        for i in range(machines)
    ]
    edges = [(f"o{j}{i}", f"o{j}{i + 1}") for j in range(jobs) for i in range(machines - 1)]
    return builders.problem(operations, edges=edges)


def one_after_another(problem: Problem) -> Solution:
    """Nothing side by side, each in its last mode."""
    form = arrays(problem)
    mode = form.mode_first[1:] - 1
    start_us = np.concatenate(([0], np.cumsum(form.mode_us[mode])[:-1]))
    return Solution(mode.astype(np.int32), start_us.astype(np.int64))


@searches
def test_the_same_seed_finds_the_same_plans(name: str) -> None:
    first, again = (solve(shop(), name) for _ in range(2))
    assert first.best is not None
    assert again.best is not None
    assert [point.value for point in first.trace] == [point.value for point in again.trace]
    assert first.best.solution.start_us.tolist() == again.best.solution.start_us.tolist()


@searches
def test_a_bad_plan_is_improved(name: str) -> None:
    search = Search(form=arrays(shop()), clock=lambda: 0.0, work=1e6)
    search.offer(one_after_another(shop()), "bad")
    assert search.best is not None
    before = search.best.score
    registry.solver(name)(search, 1)
    assert search.best.by == name
    assert search.best.score < before


@searches
def test_a_search_that_is_over_ends_at_once(name: str) -> None:
    search = Search(form=arrays(shop()), clock=lambda: 0.0)
    search.cancel()
    registry.solver(name)(search, 1)
    assert search.best is None


@searches
def test_it_ends_within_a_slice_of_its_time(name: str) -> None:
    ticks = count()
    search = Search(form=arrays(shop()), clock=lambda: float(next(ticks)), time_s=30.0)
    registry.solver(name)(search, 1)
    assert search.best is not None


@searches
@given(problem=strategies.problems(deadlines=True), objective=st.sampled_from(Objective))
def test_plans_keep_every_rule_but_deadlines(
    name: str, problem: Problem, objective: Objective
) -> None:
    search = solve(problem, name, work=2e4, objective=objective)
    if search.best is None:
        return
    schedule = schedule_of(problem, search.form, search.best.solution)
    kinds = {violation.kind for violation in check(problem, schedule)}
    assert kinds <= {ViolationKind.DEADLINE}


def two_machines() -> Problem:
    """Two on the fast machine end at 4, and the third on the slow one at 3."""
    return builders.problem(
        [builders.operation(f"o{i}", durations={"m0": 2, "m1": 3}) for i in range(3)]
    )


def two_jobs(**fields: tuple[int, int]) -> Problem:
    """Three and two microseconds on one machine, and the fields of both jobs."""
    both = [{key: pair[i] for key, pair in fields.items()} for i in range(2)]
    return builders.problem(
        [builders.operation(f"o{i}", job=f"j{i}", durations={"m0": 3 - i}) for i in range(2)],
        jobs=[builders.job(f"j{i}", **both[i]) for i in range(2)],
    )


def thrifty() -> Problem:
    """Cheap modes spend 1 each; both cheap ones fit, one after the other."""
    modes = [builders.mode("m0", 1, energy_uj=5), builders.mode("m0", 9, energy_uj=1)]
    return builders.problem([builders.operation(f"o{i}", modes=modes) for i in range(2)])


OPTIMA = [
    (Objective.MAKESPAN, two_machines(), 4),
    # The second first: it is on time, and the first ends at 5, two late.
    (Objective.WEIGHTED_TARDINESS, two_jobs(due_us=(3, 2), weight=(1, 5)), 2),
    # Smith's rule: 2 x 2 + 1 x 5.
    (Objective.WEIGHTED_COMPLETION, two_jobs(weight=(1, 2)), 9),
    # The earliest due date first: ends 2 and 5 against 2 and 10.
    (Objective.MAX_LATENESS, two_jobs(due_us=(10, 2)), 0),
    (Objective.ENERGY, thrifty(), 2),
    # Either can be on time, not both.
    (Objective.DEADLINE_MISSES, two_jobs(deadline_us=(3, 2)), 1),
]


@searches
@pytest.mark.parametrize(("objective", "problem", "optimum"), OPTIMA)
def test_tiny_problems_are_solved(
    name: str, objective: Objective, problem: Problem, optimum: int
) -> None:
    search = Search(form=arrays(problem), clock=lambda: 0.0, work=2e5, objective=objective)
    search.offer(one_after_another(problem), "bad")
    registry.solver(name)(search, 1)
    assert search.best is not None
    assert search.best.score == (0, optimum)


@searches
def test_a_problem_without_operations_is_left_alone(name: str) -> None:
    empty = builders.problem([], machines=[builders.machine()], jobs=[])
    assert solve(empty, name).best is None
