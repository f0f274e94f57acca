"""CP-SAT: published optima, hints, limits, and the table of its answers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from ortools.sat.python import cp_model

from scheduler.model.bounds import lower_bound
from scheduler.model.errors import UnmappedStatus
from scheduler.model.laws import MAX_INTEGER
from scheduler.model.schedule import Limits, Status
from scheduler.solvers.exact.cp_sat import CpSat, Objective, cp_sat, status_of
from scheduler.solvers.heuristics.heft import heft
from tests.builders import chain, job, operation, problem
from tests.scheduler.solvers.published import arabnejad, topcuoglu

LIMITS = Limits(time_s=60, deterministic_s=10)


def test_the_optimum_of_topcuoglus_example_is_73() -> None:
    result = cp_sat(topcuoglu(), LIMITS, 0)
    assert (result.status, result.value, result.bound, result.gap) == (Status.OPTIMAL, 73, 73, 0)


def test_the_optimum_of_arabnejads_example_is_113() -> None:
    result = cp_sat(arabnejad(), LIMITS, 0)
    assert (result.status, result.value, result.bound) == (Status.OPTIMAL, 113, 113)


def test_a_hint_of_a_good_schedule_keeps_the_optimum() -> None:
    start = heft(topcuoglu(), LIMITS, 0).schedule
    assert start is not None
    assert cp_sat.hinted(start)(topcuoglu(), LIMITS, 0).value == 73
    best = cp_sat(topcuoglu(), LIMITS, 0).schedule
    assert best is not None
    assert cp_sat.hinted(best)(topcuoglu(), LIMITS, 0).value == 73


def test_a_hint_that_misses_a_deadline_is_no_limit_on_better_schedules() -> None:
    # The heuristic gives the whole of m0 to the long job first, and misses the deadline at 2.
    p = problem(
        [operation("long", job="a", durations={"m0": 9}), operation("short", job="b")],
        jobs=[job("a"), job("b", deadline_us=2)],
    )
    start = heft(p, LIMITS, 0)
    assert (start.status, start.value) == (Status.LIMIT, 10)
    assert start.schedule is not None
    result = cp_sat.hinted(start.schedule)(p, LIMITS, 0)
    assert (result.status, result.value) == (Status.OPTIMAL, 10)


def test_no_time_still_leaves_a_bound() -> None:
    result = cp_sat(topcuoglu(), Limits(time_s=0), 0)
    assert (result.status, result.schedule, result.value) == (Status.LIMIT, None, None)
    assert result.bound == lower_bound(topcuoglu())


def test_times_too_large_for_the_engine_are_a_limit_not_a_crash() -> None:
    result = cp_sat(chain(*[MAX_INTEGER] * 9), LIMITS, 0)
    assert (result.status, result.bound) == (Status.LIMIT, 9 * MAX_INTEGER)


def test_a_deadline_that_has_passed_is_infeasible() -> None:
    late = replace(chain(5), jobs=(job(deadline_us=9),), now_us=5)
    assert cp_sat(late, LIMITS, 0).status is Status.INFEASIBLE


def test_nothing_due_is_never_tardy() -> None:
    result = CpSat(objective=Objective.WEIGHTED_TARDINESS)(chain(3, 4), LIMITS, 0)
    assert (result.status, result.value, result.bound) == (Status.OPTIMAL, 0, 0)


def test_an_answer_that_is_not_in_the_table_raises() -> None:
    with pytest.raises(UnmappedStatus, match=r"one of OPTIMAL, .*; got MODEL_INVALID$"):
        status_of(cp_model.MODEL_INVALID)


def test_only_an_invalid_model_is_not_in_the_table() -> None:
    answers = [cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.INFEASIBLE, cp_model.UNKNOWN]
    assert [status_of(answer).value for answer in answers] == [
        "optimal",
        "feasible",
        "infeasible",
        "limit",
    ]
