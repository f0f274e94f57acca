from __future__ import annotations

import math
import time

import pytest

from scheduler.model.checker import check
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem, Progress
from scheduler.solvers.exact.cp_sat import cp_sat
from scheduler.solvers.metaheuristics.path_relinking import path_relinking
from scheduler.solvers.metaheuristics.tabu_search import tabu_search
from scheduler.solvers.registry import Searcher
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays, schedule_of
from tests import builders
from tests.scheduler.solvers.flexible import due, flexible, one_after_another
from tests.scheduler.solvers.published import arabnejad, topcuoglu

each_sum = pytest.mark.parametrize(
    "objective",
    [Objective.WEIGHTED_TARDINESS, Objective.WEIGHTED_COMPLETION, Objective.DEADLINE_MISSES],
)
each_solver = pytest.mark.parametrize("solver", [tabu_search, path_relinking])


def begun(problem: Problem, work: float = 2e6, objective: Objective = Objective.MAKESPAN) -> Search:
    search = Search(arrays(problem), time.monotonic, objective, work=work)
    search.offer(one_after_another(search.form), "one_after_another")
    return search


def best_us(search: Search) -> int:
    assert search.best is not None
    return search.best.score[1]


@each_solver
@pytest.mark.parametrize(("problem", "optimum_us"), [(topcuoglu(), 73), (arabnejad(), 113)])
def test_published_task_graphs_are_solved_to_their_optimum(
    solver: Searcher, problem: Problem, optimum_us: int
) -> None:
    search = begun(problem)
    search.raise_bound(optimum_us)
    solver(search, 1)
    assert best_us(search) == optimum_us


@each_solver
def test_a_classic_job_shop_is_solved_to_its_optimum(solver: Searcher) -> None:
    """The instance ft06 of Fisher and Thompson (1963); its makespan is 55."""
    jobs = (
        ((2, 1), (0, 3), (1, 6), (3, 7), (5, 3), (4, 6)),
        ((1, 8), (2, 5), (4, 10), (5, 10), (0, 10), (3, 4)),
        ((2, 5), (3, 4), (5, 8), (0, 9), (1, 1), (4, 7)),
        ((1, 5), (0, 5), (2, 5), (3, 3), (4, 8), (5, 9)),
        ((2, 9), (1, 3), (4, 5), (5, 4), (0, 3), (3, 1)),
        ((1, 3), (3, 3), (5, 9), (0, 10), (4, 4), (2, 1)),
    )
    operations = [
        builders.operation(f"{j}-{i}", durations={f"m{m}": us})
        for j, job in enumerate(jobs)
        for i, (m, us) in enumerate(job)
    ]
    edges = [(f"{j}-{i}", f"{j}-{i + 1}") for j in range(6) for i in range(5)]
    search = begun(builders.problem(operations, edges=edges))
    search.raise_bound(55)
    solver(search, 1)
    assert best_us(search) == 55


@each_solver
@pytest.mark.parametrize("seed", range(3))
def test_a_problem_with_everything_gets_a_better_plan_that_passes_the_checker(
    solver: Searcher, seed: int
) -> None:
    problem = flexible(seed, lagged=True, setups=True, windows=True, started=True)
    search = begun(problem)
    before_us = best_us(search)
    solver(search, seed)
    assert best_us(search) < before_us / 2
    assert search.best is not None
    assert check(problem, schedule_of(problem, search.form, search.best.solution)) == []


@each_solver
def test_the_same_seed_gives_the_same_plans(solver: Searcher) -> None:
    problem = flexible(7, jobs=10, length=8)
    values = []
    for seed in (1, 1, 2):
        search = begun(problem, work=2e6)
        solver(search, seed)
        assert search.best is not None
        values.append((search.best.score, search.best.solution.start_us.tolist()))
    assert values[0] == values[1] != values[2]


@each_solver
def test_it_ends_when_it_is_told_to_stop(solver: Searcher) -> None:
    search = begun(flexible(1), work=1e18)
    search.listener = Search.cancel
    solver(search, 1)
    assert search.cancelled


@each_solver
def test_it_needs_a_plan_to_begin_with(solver: Searcher) -> None:
    search = Search(arrays(flexible(1)), time.monotonic)
    with pytest.raises(ValueError, match="plan to begin with"):
        solver(search, 1)


@each_solver
def test_the_largest_lateness_on_one_machine_is_that_of_the_earliest_due_date_rule(
    solver: Searcher,
) -> None:
    """Jackson (1955): in order of due dates, the largest lateness is least."""
    due_us = (40, 12, 33, 7, 25, 18)
    us = (9, 6, 8, 5, 7, 4)
    operations = [
        builders.operation(f"o{j}", job=f"j{j}", durations={"m0": us[j]}) for j in range(6)
    ]
    jobs = [builders.job(f"j{j}", due_us=due_us[j]) for j in range(6)]
    search = begun(builders.problem(operations, jobs=jobs), 1e6, Objective.MAX_LATENESS)
    solver(search, 1)
    at_us, worst_us = 0, -(10**9)
    for j in sorted(range(6), key=lambda j: due_us[j]):
        at_us += us[j]
        worst_us = max(worst_us, at_us - due_us[j])
    assert best_us(search) == worst_us


@each_solver
@each_sum
def test_a_small_problem_is_solved_to_its_proven_optimum(
    solver: Searcher, objective: Objective
) -> None:
    problem = due(flexible(3, jobs=4, length=3, machines=3), factor=1.2, deadlines=True)
    if objective is not Objective.DEADLINE_MISSES:
        problem = due(problem, factor=1.2)
    proof = begun(problem, math.inf, objective)
    cp_sat(proof, 1)
    assert proof.proven
    search = begun(problem, 3e6, objective)
    solver(search, 1)
    assert best_us(search) == best_us(proof)


@each_solver
@each_sum
def test_a_sum_over_jobs_gets_a_better_plan_that_passes_the_checker(
    solver: Searcher, objective: Objective
) -> None:
    kind = {"lagged": True, "setups": True, "windows": True, "started": True}
    problem = due(flexible(2, **kind), factor=3, deadlines=objective is Objective.DEADLINE_MISSES)
    search = begun(problem, objective=objective)
    before = best_us(search)
    solver(search, 2)
    assert best_us(search) < before / 2
    assert search.best is not None
    if objective is not Objective.DEADLINE_MISSES:
        assert check(problem, schedule_of(problem, search.form, search.best.solution)) == []


@each_solver
def test_deadlines_are_kept_before_tardiness_is_made_small(solver: Searcher) -> None:
    """Without its deadline, the light job would wait for the heavy one, which is late after it."""
    operations = [
        builders.operation("heavy", job="a", durations={"m0": 10}),
        builders.operation("light", job="b", durations={"m0": 10}),
    ]
    jobs = [
        builders.job("a", due_us=10, weight=100),
        builders.job("b", due_us=1000, deadline_us=15),
    ]
    search = begun(builders.problem(operations, jobs=jobs), 1e5, Objective.WEIGHTED_TARDINESS)
    solver(search, 1)
    assert search.best is not None
    assert search.best.score == (0, 1000)


@each_solver
def test_nothing_is_done_when_everything_has_started(solver: Searcher) -> None:
    running = builders.operation("o0", progress=Progress(mode=0, start_us=0))
    search = begun(builders.problem([running]), work=1e18)
    solver(search, 1)
    assert best_us(search) == 1
