"""Proofs of ours, and claims of one engine alone."""

from __future__ import annotations

from scheduler.model.schedule import Limits, Status
from scheduler.portfolio import SearchProgress, solve
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays
from tests.builders import chain, job, machine, mode, operation, problem
from tests.scheduler.solvers.published import topcuoglu

LIMITS = Limits(time_s=60, deterministic_s=1)


def search() -> Search:
    return Search(arrays(chain(5)), lambda: 0.0)


def test_an_optimum_that_cp_sat_alone_proves_is_told_as_its_claim() -> None:
    result = solve(topcuoglu(), "cp_sat", LIMITS)
    assert (result.status, result.bound, result.claimed_by) == (Status.OPTIMAL, 73, "cp_sat")
    assert result.confirmed_bound is not None
    assert result.confirmed_bound < 73


def test_an_optimum_that_meets_a_bound_of_ours_is_proven() -> None:
    result = solve(chain(3, 4), "cp_sat", LIMITS)
    assert (result.bound, result.confirmed_bound, result.claimed_by) == (7, 7, "")


def test_an_optimum_of_the_mixed_integer_program_is_a_second_opinion() -> None:
    p = problem(
        [operation(f"o{i}", durations={"a": 3, "b": 3}) for i in range(3)],
        machines=[machine("a"), machine("b")],
    )
    claimed, proven = (solve(p, name, LIMITS) for name in ("cp_sat", "milp"))
    assert (claimed.status, claimed.bound, claimed.claimed_by) == (Status.OPTIMAL, 6, "cp_sat")
    assert (proven.status, proven.bound, proven.claimed_by) == (Status.OPTIMAL, 6, "")


def test_that_there_is_no_schedule_is_told_as_a_claim_too() -> None:
    late = problem(
        [operation(f"o{i}", modes=[mode("m0", 3)]) for i in range(3)],
        jobs=[job("j0", deadline_us=8)],
    )
    result = solve(late, "cp_sat", LIMITS)
    assert (result.status, result.claimed_by) == (Status.INFEASIBLE, "cp_sat")


def test_who_watches_is_told_whose_claim_a_bound_is() -> None:
    seen: list[SearchProgress] = []
    solve(topcuoglu(), "cp_sat", LIMITS, listener=seen.append)
    assert seen[0].claimed_by == ""
    assert seen[-1].claimed_by == "cp_sat"


def test_a_claim_is_confirmed_by_any_other_bound_as_large() -> None:
    one = search()
    one.raise_bound(4, claimed_by="cp_sat")
    one.raise_bound(3)
    assert (one.bound, one.confirmed_bound, one.claimed_by) == (4, 3, "cp_sat")
    one.raise_bound(4)
    assert (one.bound, one.confirmed_bound, one.claimed_by) == (4, 4, "")


def test_a_claim_that_says_no_more_than_is_known_changes_nothing() -> None:
    one = search()
    one.raise_bound(5)
    one.raise_bound(4, claimed_by="cp_sat")
    assert (one.bound, one.confirmed_bound, one.claimed_by) == (5, 5, "")


def test_a_refutation_of_ours_stands_whoever_claims_it() -> None:
    one = search()
    one.refute()
    one.refute(claimed_by="cp_sat")
    assert one.claimed_by == ""
