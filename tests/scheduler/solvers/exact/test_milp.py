"""The mixed-integer program: the same optima as the constraint program."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers.exact.milp import FEATURES, OBJECTIVES, milp
from tests.builders import job, operation, problem
from tests.scheduler.solvers.exact.solving import optimum, searched
from tests.scheduler.solvers.exact.test_cp_sat import hard
from tests.scheduler.solvers.published import topcuoglu
from tests.scheduler.strategies import problems


def test_two_jobs_share_a_quick_machine() -> None:
    # Both on "a" take 6, one after the other; one of them on "b" takes 5, the other 3 beside it.
    both = [operation(name, job=name, durations={"a": 3, "b": 5}) for name in ("x", "y")]
    assert optimum(searched(problem(both), milp, work_s=500)) == 5


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(p=problems(FEATURES, deadlines=True), objective=st.sampled_from(OBJECTIVES))
def test_both_programs_agree(p: Problem, objective: Objective) -> None:
    one, other = searched(p, milp, objective, work_s=500), searched(p, objective=objective)
    assert one.infeasible == other.infeasible
    if not one.infeasible:
        assert optimum(one) == optimum(other)


def test_of_a_large_problem_there_is_only_a_bound() -> None:
    search = searched(hard(), milp)
    assert search.best is None
    assert (search.bound or 0) > 500


def test_a_bound_is_reported_whatever_comes_of_the_search() -> None:
    assert (searched(topcuoglu(), milp, work_s=0).bound or 0) >= 41


def test_a_deadline_that_cannot_be_kept_is_infeasible() -> None:
    p = problem([operation(durations={"m0": 5})], jobs=[job(deadline_us=4)])
    assert searched(p, milp).infeasible
