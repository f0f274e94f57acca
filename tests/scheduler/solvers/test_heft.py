"""HEFT: the published example, insertion, bands, and what it honours besides."""

from __future__ import annotations

import pytest

from scheduler.model.indexed import indexed
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Limits, Schedule
from scheduler.solvers.heuristics.heft import heft, upward_ranks_us
from tests.builders import all_links, job, link, machine, mode, operation, problem
from tests.scheduler.solvers.published import arabnejad, topcuoglu


def plan(p: Problem) -> Schedule:
    schedule = heft(p, Limits(), 0).schedule
    assert schedule is not None
    return schedule


def where(schedule: Schedule, name: str) -> tuple[str, int]:
    return schedule[name].machine, schedule[name].start_us


def test_upward_ranks_are_those_of_table_3_of_the_paper() -> None:
    published = [108.000, 77.000, 80.000, 80.000, 69.000, 63.333, 42.667, 35.667, 44.333, 14.667]
    assert upward_ranks_us(indexed(topcuoglu())) == pytest.approx(published, abs=0.001)


def test_makespans_are_the_published_ones() -> None:
    assert plan(topcuoglu()).makespan_us == 80
    assert plan(arabnejad()).makespan_us == 133


def test_placement_is_that_of_figure_3_of_the_paper() -> None:
    schedule = plan(topcuoglu())
    assert where(schedule, "t1") == ("p3", 0)
    assert where(schedule, "t10") == ("p2", 73)


def test_a_gap_is_filled_when_it_is_long_enough() -> None:
    # The long job waits for its release at 10; 9 us fit before it, 11 us do not.
    def at(duration_us: int) -> int:
        p = problem(
            [
                operation("long", job="long", durations={"m0": 20}),
                operation("short", job="short", durations={"m0": duration_us}),
            ],
            jobs=[job("long", release_us=10), job("short")],
        )
        return plan(p)["short"].start_us

    assert (at(9), at(10), at(11)) == (0, 0, 30)


def test_a_lower_band_never_delays_a_higher_one() -> None:
    background = [operation(f"b{i}", job="bulk", durations={"m0": 9}) for i in range(5)]
    urgent = operation("urgent", job="urgent", durations={"m0": 1})
    p = problem(
        [*background, urgent],
        jobs=[job("bulk", band=Band.BACKGROUND), job("urgent", band=Band.CRITICAL)],
    )
    assert where(plan(p), "urgent") == ("m0", 0)


def test_what_a_critical_operation_waits_for_is_as_urgent() -> None:
    p = problem(
        [
            operation("high", job="high", durations={"m0": 9}),
            operation("source", job="low", durations={"m0": 1}),
            operation("critical", job="critical", durations={"m0": 1}),
        ],
        jobs=[
            job("high", band=Band.HIGH),
            job("low", band=Band.BACKGROUND),
            job("critical", band=Band.CRITICAL),
        ],
        edges=[("source", "critical")],
    )
    assert plan(p)["critical"].end_us == 2


def test_ties_go_to_the_earlier_mode_and_the_earlier_operation() -> None:
    p = problem([operation(f"o{i}", durations={"b": 3, "a": 3}) for i in range(2)])
    assert where(plan(p), "o0") == ("b", 0)
    assert where(plan(p), "o1") == ("a", 0)


def test_a_slow_transfer_keeps_a_chain_on_its_device() -> None:
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 5}), operation("y", durations={"a": 5, "b": 2})]
    for size_bytes, chosen in ((2, "b"), (4, "a")):
        p = problem(ops, machines=lanes, edges=[("x", "y", size_bytes)], links=all_links(lanes))
        assert plan(p)["y"].machine == chosen


def test_a_started_operation_keeps_its_place_and_holds_its_machine_until_now_at_least() -> None:
    # Expected until 4, but it still runs at 7.
    p = problem(
        [
            operation("ran", durations={"m0": 4}, progress=Progress(mode=0, start_us=0)),
            operation("next", durations={"m0": 4}),
        ],
        now_us=7,
    )
    assert (plan(p)["ran"].start_us, plan(p)["ran"].end_us) == (0, 7)
    assert plan(p)["next"].start_us == 7


def test_windows_and_releases_are_waited_for() -> None:
    p = problem(
        [operation(durations={"m0": 4})],
        machines=[machine(unavailable=[(5, 9), (12, 20)])],
        jobs=[job(release_us=2)],
    )
    assert plan(p)["o0"].start_us == 20


def test_a_group_stays_on_the_device_where_its_first_operation_went() -> None:
    p = problem(
        [
            operation("x", durations={"a": 4, "b": 9}, colocation="g"),
            operation("y", durations={"a": 3, "b": 1}, colocation="g"),
        ]
    )
    assert (plan(p)["x"].machine, plan(p)["y"].machine) == ("a", "a")


def test_a_one_way_link_is_not_used_the_other_way() -> None:
    lanes = [machine("a"), machine("b")]
    p = problem(
        [operation("x", durations={"a": 1, "b": 5}), operation("y", durations={"a": 9, "b": 1})],
        machines=lanes,
        edges=[("x", "y")],
        links=[link("b", "a")],
    )
    assert (plan(p)["x"].machine, plan(p)["y"].machine) == ("a", "a")


def test_a_mode_that_does_not_fit_the_memory_is_left_alone() -> None:
    modes = [mode("small", 1, peak_bytes=11), mode("large", 9, peak_bytes=11)]
    lanes = [machine("small", memory_bytes=10), machine("large", memory_bytes=11)]
    assert plan(problem([operation(modes=modes)], machines=lanes))["o0"].machine == "large"
