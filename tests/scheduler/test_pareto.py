"""Makespan against energy: a front whose points a comment derives."""

from __future__ import annotations

from scheduler import pareto
from scheduler.model.checker import check
from scheduler.model.schedule import Limits
from tests.builders import machine, mode, operation, problem

LIMITS = Limits(time_s=60, deterministic_s=4)


def test_the_front_has_both_ends_and_nothing_that_is_worse_in_both() -> None:
    # Two operations, each 2 us for 9 uJ on its fast machine or 6 us for 1 uJ on its slow one:
    # both fast is 2 us for 18 uJ, both slow 6 us for 2 uJ; one of each is as slow and costs more.
    p = problem(
        [
            operation(
                name,
                modes=[
                    mode(f"{name}-fast", 2, energy_uj=9),
                    mode(f"{name}-slow", 6, energy_uj=1),
                ],
            )
            for name in ("x", "y")
        ]
    )
    found = pareto.front(p, LIMITS, 3)
    assert [(r.value, r.statistics["energy_uj"]) for r in found] == [(2, 18), (6, 2)]
    assert all(r.schedule is not None and check(p, r.schedule) == [] for r in found)


def test_a_problem_without_a_plan_has_no_front() -> None:
    # Nothing fits: the only mode wants more of the machine's memory than there is.
    tight = problem(
        [operation(modes=[mode(duration_us=2, peak_bytes=10)])],
        machines=[machine(memory_bytes=9)],
    )
    assert pareto.front(tight, LIMITS, 3) == []
