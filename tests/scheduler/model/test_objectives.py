"""Values of schedules, on problems small enough to count."""

from __future__ import annotations

import pytest

from scheduler.model.checker import ViolationKind, check
from scheduler.model.objectives import Objective, evaluate, horizon_us, values_by_band
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Schedule
from tests.builders import all_links, job, machine, mode, operation, problem, schedule


def late() -> Problem:
    """Job a ends at 4, due at 1; job b ends at 6, due at 10, deadline 5; job c has no operation."""
    return problem(
        [
            operation("x", job="a", modes=[mode("m0", 4, energy_uj=7)]),
            operation("y", job="b", modes=[mode("m0", 2, energy_uj=1, duration_p95_us=3)]),
        ],
        jobs=[job("a", due_us=1, weight=3), job("b", due_us=10, deadline_us=5), job("c", due_us=0)],
    )


PLACED = {"x": (0, 0), "y": (0, 4)}
EMPTY = Problem(machines=(), jobs=(), operations=())


@pytest.mark.parametrize(
    ("objective", "value"),
    [
        (Objective.MAKESPAN, 6),
        (Objective.WEIGHTED_TARDINESS, 3 * 3 + 0),
        (Objective.WEIGHTED_COMPLETION, 3 * 4 + 6),
        (Objective.MAX_LATENESS, 3),
        (Objective.ENERGY, 7 + 1),
        (Objective.DEADLINE_MISSES, 1),
    ],
)
def test_each_objective_counts_what_its_name_says(objective: Objective, value: int) -> None:
    assert evaluate(late(), schedule(late(), PLACED), objective) == value


@pytest.mark.parametrize("objective", Objective)
def test_nothing_costs_nothing(objective: Objective) -> None:
    assert evaluate(EMPTY, Schedule(assignments=()), objective) == 0


def test_lateness_is_signed_and_zero_without_a_due_date() -> None:
    early = problem(jobs=[job(due_us=5)])
    assert evaluate(early, schedule(early, {"o0": (0, 0)}), Objective.MAX_LATENESS) == -4
    free = problem()
    assert evaluate(free, schedule(free, {"o0": (0, 3)}), Objective.MAX_LATENESS) == 0


@pytest.mark.parametrize(("start_us", "misses"), [(2, 0), (3, 1)])
def test_a_deadline_is_missed_by_the_95th_percentile_as_the_checker_has_it(
    start_us: int, misses: int
) -> None:
    # y takes 2 but may take 3: from 2 it keeps the deadline at 5, from 3 it does not.
    made = schedule(late(), {"x": (0, 6), "y": (0, start_us)})
    assert evaluate(late(), made, Objective.DEADLINE_MISSES) == misses
    assert [v.kind for v in check(late(), made)] == [ViolationKind.DEADLINE] * misses


def test_bands_are_valued_each_for_itself_and_the_most_urgent_first() -> None:
    mixed = problem(
        [operation("x", job="a", durations={"m0": 4}), operation("y", job="b")],
        jobs=[job("a", band=Band.BACKGROUND, due_us=9), job("b", band=Band.HIGH)],
    )
    made = schedule(mixed, {"x": (0, 1), "y": (0, 0)})
    assert values_by_band(mixed, made, Objective.MAKESPAN) == (0, 1, 0, 5)
    assert values_by_band(mixed, made, Objective.MAX_LATENESS) == (0, 0, 0, -4)
    assert max(values_by_band(mixed, made, Objective.MAKESPAN)) == made.makespan_us


def test_horizon_is_last_wait_plus_all_longest_durations_setups_and_transfers() -> None:
    lanes = [machine("a", unavailable=[(3, 20)]), machine("b")]
    two = problem(
        [
            operation("x", modes=[mode("a", 2, family="f", setup_us=4), mode("b", 5)]),
            operation("y", durations={"b": 7}),
        ],
        machines=lanes,
        edges=[("x", "y", 4)],
        links=all_links(lanes, latency_us=1),
        now_us=9,
    )
    # The window ends at 20; then 2 + 4 and 7 of work and 1 + 4 of transfer.
    assert horizon_us(two) == 20 + 13 + 5
    assert horizon_us(EMPTY) == 0


def test_horizon_waits_for_what_has_started() -> None:
    ran = Progress(mode=0, start_us=0, end_us=30)
    two = [operation("a", progress=ran), operation("b")]
    assert horizon_us(problem(two, now_us=30)) == 31
