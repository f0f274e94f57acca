"""The baseline does what runtimes do, and nothing cleverer."""

from __future__ import annotations

from scheduler.model.problem import Band, Problem
from scheduler.model.schedule import Limits, Schedule
from scheduler.solvers.heuristics.fastest_machine import fastest_machine
from tests.builders import job, machine, operation, problem


def plan(p: Problem) -> Schedule:
    schedule = fastest_machine(p, Limits(), 0).schedule
    assert schedule is not None
    return schedule


def test_everything_queues_on_the_fastest_machine_whatever_its_load() -> None:
    p = problem([operation(f"o{i}", durations={"slow": 3, "fast": 2}) for i in range(3)])
    assert [(a.machine, a.start_us) for a in plan(p)] == [("fast", 0), ("fast", 2), ("fast", 4)]


def test_ties_go_to_the_earlier_mode() -> None:
    assert plan(problem([operation(durations={"b": 2, "a": 2})]))["o0"].machine == "b"


def test_gaps_are_not_filled() -> None:
    p = problem(
        [operation("late", job="late"), operation("early", job="early")],
        jobs=[job("late", release_us=10), job("early")],
    )
    assert plan(p)["early"].start_us == 11


def test_the_urgent_band_goes_first() -> None:
    p = problem(
        [operation("bulk", job="bulk", durations={"m0": 9}), operation("urgent", job="urgent")],
        jobs=[job("bulk", band=Band.BACKGROUND), job("urgent", band=Band.CRITICAL)],
    )
    assert plan(p)["urgent"].start_us == 0
    assert plan(p)["bulk"].start_us == 1


def test_a_window_ahead_does_not_hold_up_what_ends_before_it() -> None:
    p = problem([operation(f"o{i}") for i in range(2)], machines=[machine(unavailable=[(1, 9)])])
    assert [a.start_us for a in plan(p)] == [0, 9]
