"""The baselines do what users and runtimes do, and nothing cleverer."""

from __future__ import annotations

from scheduler.model.problem import Band, Problem
from scheduler.model.schedule import Schedule
from scheduler.solvers.heuristics.ranked import fastest_machine
from scheduler.solvers.heuristics.single_machine import best_single_machine
from tests.builders import all_links, job, machine, operation, problem
from tests.scheduler.solvers.heuristics.plans import plan


def plan_of(p: Problem) -> Schedule:
    return plan(fastest_machine, p)


def test_everything_queues_on_the_fastest_machine_whatever_its_load() -> None:
    p = problem([operation(f"o{i}", durations={"slow": 3, "fast": 2}) for i in range(3)])
    assert [(a.machine, a.start_us) for a in plan_of(p)] == [("fast", 0), ("fast", 2), ("fast", 4)]


def test_ties_go_to_the_earlier_mode() -> None:
    assert plan_of(problem([operation(durations={"b": 2, "a": 2})]))["o0"].machine == "b"


def test_gaps_are_not_filled() -> None:
    p = problem(
        [operation("late", job="late"), operation("early", job="early")],
        jobs=[job("late", release_us=10), job("early")],
    )
    assert plan_of(p)["early"].start_us == 11


def test_the_urgent_band_goes_first() -> None:
    p = problem(
        [operation("bulk", job="bulk", durations={"m0": 9}), operation("urgent", job="urgent")],
        jobs=[job("bulk", band=Band.BACKGROUND), job("urgent", band=Band.CRITICAL)],
    )
    assert plan_of(p)["urgent"].start_us == 0
    assert plan_of(p)["bulk"].start_us == 1


def test_a_window_ahead_does_not_hold_up_what_ends_before_it() -> None:
    p = problem([operation(f"o{i}") for i in range(2)], machines=[machine(unavailable=[(1, 9)])])
    assert [a.start_us for a in plan_of(p)] == [0, 9]


def test_everything_goes_where_it_is_done_soonest_as_a_whole() -> None:
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 1, "b": 4}), operation("y", durations={"a": 9, "b": 4})]
    schedule = plan(best_single_machine, problem(ops, machines=lanes))
    assert {placed.machine for placed in schedule} == {"b"}
    assert schedule.makespan_us == 8


def test_a_device_of_several_machines_is_one_place() -> None:
    lanes = [machine("a0", device="a"), machine("a1", device="a"), machine("b")]
    both = {"a0": 3, "a1": 3, "b": 2}
    p = problem(
        [operation("x", durations=both), operation("y", durations=both)],
        machines=lanes,
        links=all_links(lanes),
    )
    schedule = plan(best_single_machine, p)
    assert {placed.machine for placed in schedule} == {"a0", "a1"}


def test_what_cannot_run_there_goes_elsewhere() -> None:
    ops = [operation("x", durations={"a": 3, "b": 9}), operation("y", durations={"b": 1})]
    schedule = plan(best_single_machine, problem(ops, machines=[machine("a"), machine("b")]))
    assert [placed.machine for placed in schedule] == ["a", "b"]
