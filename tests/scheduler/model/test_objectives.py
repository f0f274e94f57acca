"""What schedules are worth, on problems small enough to count."""

from __future__ import annotations

from hypothesis import given

from scheduler.model.bounds import lower_bound
from scheduler.model.objectives import (
    deadline_misses,
    horizon_us,
    makespan_us,
    max_lateness_us,
    weighted_tardiness,
)
from scheduler.model.problem import Problem, Progress
from scheduler.model.schedule import Limits
from scheduler.solvers.heuristics.fastest_machine import fastest_machine
from tests.builders import all_links, chain, job, machine, operation, problem, schedule
from tests.scheduler.strategies import problems


def late() -> Problem:
    """Job a ends at 4, due at 1; job b ends at 6, due at 10, deadline 5; job c has no dates."""
    return problem(
        [
            operation("x", job="a", durations={"m0": 4}),
            operation("y", job="b", durations={"m0": 2}),
        ],
        jobs=[job("a", due_us=1, weight=3), job("b", due_us=10, deadline_us=5), job("c")],
    )


PLACED = {"x": (0, 0), "y": (0, 4)}


def test_late_job_pays_weight_times_tardiness() -> None:
    assert weighted_tardiness(late(), schedule(late(), PLACED)) == 3 * 3


def test_lateness_is_signed_and_the_largest_counts() -> None:
    assert max_lateness_us(late(), schedule(late(), PLACED)) == 3
    early = problem(jobs=[job(due_us=5)])
    assert max_lateness_us(early, schedule(early, {"o0": (0, 0)})) == -4
    assert max_lateness_us(problem(), schedule(problem(), {"o0": (0, 0)})) is None


def test_a_job_that_ends_after_its_deadline_is_one_miss() -> None:
    assert deadline_misses(late(), schedule(late(), PLACED)) == 1
    assert deadline_misses(late(), schedule(late(), {"x": (0, 2), "y": (0, 0)})) == 0


def test_makespan_counts_from_the_origin() -> None:
    assert makespan_us(late(), schedule(late(), {"x": (0, 7), "y": (0, 0)})) == 11


def test_horizon_is_last_wait_plus_all_longest_durations_and_transfers() -> None:
    lanes = [machine("a", unavailable=[(3, 20)]), machine("b")]
    two = problem(
        [operation("x", durations={"a": 2, "b": 5}), operation("y", durations={"b": 7})],
        machines=lanes,
        edges=[("x", "y", 4)],
        links=all_links(lanes, latency_us=1),
        now_us=9,
    )
    # The window ends at 20; then 5 + 7 of work and 1 + 4 of transfer.
    assert horizon_us(two) == 20 + 12 + 5


def test_bound_of_a_chain_is_its_length() -> None:
    assert lower_bound(chain(3, 4, 5)) == 12


def test_bound_counts_release_and_present() -> None:
    assert lower_bound(chain(3, jobs=[job(release_us=10)], now_us=4)) == 13
    assert lower_bound(chain(3, jobs=[job(release_us=1)], now_us=4)) == 7


def test_bound_shares_the_load_among_the_eligible_machines_only() -> None:
    # Three of 4 us on two machines need 6 each; the free third machine runs none of them.
    three = [operation(f"o{i}", durations={"a": 4, "b": 4}) for i in range(3)]
    assert lower_bound(problem(three, machines=[machine(n) for n in "abc"])) == 6


def test_bound_waits_for_what_runs() -> None:
    ran = operation("ran", durations={"m0": 10}, progress=Progress(mode=0, start_us=0))
    assert lower_bound(problem([ran, operation("next", durations={"m0": 3})], now_us=2)) == 13


def test_bound_of_nothing_is_zero() -> None:
    assert lower_bound(Problem(machines=(), jobs=(), operations=())) == 0
    assert horizon_us(Problem(machines=(), jobs=(), operations=())) == 0


@given(problems())
def test_bound_never_exceeds_a_schedule_nor_a_sensible_schedule_the_horizon(p: Problem) -> None:
    found = fastest_machine(p, Limits(), 0).schedule
    assert found is not None
    assert lower_bound(p) <= found.makespan_us <= horizon_us(p)
