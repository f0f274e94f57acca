"""Large-neighbourhood search: never worse, every rule kept, the optimum of what fits one part."""

from __future__ import annotations

from threading import Timer

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import Solution
from scheduler.solvers.exact.large_neighbourhood import LargeNeighbourhood, large_neighbourhood
from scheduler.solvers.exact.neighbourhoods import ALL, Plan
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays
from tests.builders import operation, problem
from tests.scheduler.solvers.exact.solving import searched
from tests.scheduler.solvers.exact.test_cp_sat import hard
from tests.scheduler.solvers.published import topcuoglu
from tests.scheduler.strategies import problems


def some_plan(p: Problem) -> Solution | None:
    """Any plan at all: the first that is found for an objective that says nothing about time."""
    best = searched(p, objective=Objective.ENERGY).best
    return None if best is None else best.solution


def improved(p: Problem, objective: Objective, *, work_s: float = 1.0, seed: int = 0) -> Search:
    start = some_plan(p)
    assert start is not None
    return searched(p, large_neighbourhood, objective, work_s=work_s, start=[start], seed=seed)


def test_without_a_plan_there_is_nothing_to_improve() -> None:
    assert searched(topcuoglu(), large_neighbourhood).best is None


def test_what_fits_one_part_becomes_optimal() -> None:
    best = improved(topcuoglu(), Objective.MAKESPAN).best
    assert best is not None
    assert (best.score, best.by) == ((0, 73), "large_neighbourhood")


def test_a_fixed_mode_that_leaves_no_room_for_better_is_no_error() -> None:
    # Only o1 on m1 gives 3; parts in which it stays on m0 cannot be any better than 4.
    p = problem(
        [operation("o0", durations={"m0": 1}), operation("o1", durations={"m0": 3, "m1": 2})],
        edges=[("o0", "o1")],
    )
    slow = Solution(np.array([0, 1], np.int32), np.array([0, 1], np.int64))
    best = searched(p, large_neighbourhood, work_s=1, start=[slow]).best
    assert best is not None
    assert best.score == (0, 3)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(p=problems(), objective=st.sampled_from(Objective))
def test_every_objective_and_feature_is_improved_to_the_optimum(
    p: Problem, objective: Objective
) -> None:
    best, proven = improved(p, objective).best, searched(p, objective=objective)
    assert best is not None
    assert proven.best is not None
    assert proven.best.score <= best.score
    # Six operations fit one part at once.
    assert best.score == proven.best.score


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(p=problems(), objective=st.sampled_from(Objective))
def test_windows_keep_every_rule_and_never_make_it_worse(p: Problem, objective: Objective) -> None:
    start = some_plan(p)
    assert start is not None
    before = searched(p, large_neighbourhood, objective, work_s=0, start=[start])
    after = searched(p, LargeNeighbourhood(most_whole=0), objective, work_s=0.1, start=[start])
    assert before.best is not None
    assert after.best is not None
    assert after.best.score <= before.best.score


def test_windows_shorten_a_large_plan() -> None:
    start = one_by_one(hard())
    search = searched(hard(), LargeNeighbourhood(most_whole=100), work_s=1, start=[start])
    assert search.best is not None
    assert search.best.score[1] < search.trace[0].value // 2


@settings(max_examples=20, suppress_health_check=[HealthCheck.too_slow])
@given(p=problems(deadlines=True), data=st.data())
def test_missed_deadlines_are_mended_first(p: Problem, data: st.DataObject) -> None:
    start = some_plan(p)
    if start is None:
        return
    search = searched(p, large_neighbourhood, work_s=0.5, start=[start])
    assert search.best is not None
    assert search.best.score[0] == 0


def test_the_same_seed_and_work_give_the_same_plan() -> None:
    first, second = (improved(topcuoglu(), Objective.MAKESPAN, seed=5).best for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.score == second.score
    assert first.solution.start_us.tolist() == second.solution.start_us.tolist()


def one_by_one(p: Problem) -> Solution:
    """All operations one after another, each in its first mode."""
    form = arrays(p)
    mode = form.mode_first[:-1].copy()
    start_us = np.zeros(len(mode), np.int64)
    at_us = 0
    for i in form.order.tolist():
        start_us[i] = at_us
        at_us += int(form.mode_us[mode[i]])
    return Solution(mode, start_us)


def test_it_ends_when_the_search_is_stopped() -> None:
    search = Search(arrays(hard()), lambda: 0.0)
    search.offer(one_by_one(hard()), "start")
    stop = Timer(0.5, search.cancel)
    stop.start()
    large_neighbourhood(search, 0)
    stop.join()
    assert search.cancelled


@pytest.mark.parametrize("name", ALL)
def test_a_neighbourhood_frees_as_many_open_operations_as_it_is_told(name: str) -> None:
    form = arrays(hard())
    plan = Plan(form, one_by_one(hard()))
    free = ALL[name](plan, np.random.default_rng(3), 30)
    assert len(set(free.tolist())) == len(free)
    assert 10 <= len(free) <= 45
    assert set(free.tolist()) <= set(plan.open.tolist())
