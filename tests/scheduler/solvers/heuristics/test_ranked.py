"""Schedulers with a list: published examples, insertion, bands, and what they honour besides."""

from __future__ import annotations

import pytest

from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Schedule
from scheduler.solvers.heuristics.priorities import upward_ranks
from scheduler.solvers.heuristics.ranked import (
    cpop,
    dominant_sequence,
    heft,
    lookahead_heft,
    peft,
    round_robin,
)
from scheduler.solvers.translating import arrays
from tests.builders import all_links, job, link, machine, mode, operation, problem
from tests.scheduler.solvers.heuristics.plans import plan, where
from tests.scheduler.solvers.published import arabnejad, topcuoglu


def plan_of(p: Problem) -> Schedule:
    return plan(heft, p)


def test_upward_ranks_are_those_of_table_3_of_the_paper() -> None:
    published = [108.000, 77.000, 80.000, 80.000, 69.000, 63.333, 42.667, 35.667, 44.333, 14.667]
    assert upward_ranks(arrays(topcuoglu())) == pytest.approx(published, abs=0.001)


def test_makespans_are_the_published_ones() -> None:
    assert plan_of(topcuoglu()).makespan_us == 80
    assert plan_of(arabnejad()).makespan_us == 133


def test_makespans_of_the_others_are_the_published_ones_too() -> None:
    assert plan(cpop, topcuoglu()).makespan_us == 86
    assert plan(peft, arabnejad()).makespan_us == 122


def test_looking_ahead_beats_heft_on_both_examples() -> None:
    assert plan(lookahead_heft, topcuoglu()).makespan_us < 80
    assert plan(lookahead_heft, arabnejad()).makespan_us < 133


def test_looking_ahead_avoids_a_machine_that_its_targets_cannot_follow_to() -> None:
    # x is quicker on a; y runs on b only, and the transfer takes longer than x gains.
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 4, "b": 5}), operation("y", durations={"b": 3})]
    p = problem(ops, machines=lanes, edges=[("x", "y", 9)], links=all_links(lanes))
    assert plan(heft, p).makespan_us == 4 + 9 + 3
    assert plan(lookahead_heft, p).makespan_us == 5 + 3


def test_two_edges_between_the_same_two_operations_are_looked_at_once() -> None:
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 4, "b": 5}), operation("y", durations={"b": 3})]
    p = problem(ops, machines=lanes, edges=[("x", "y", 9), ("x", "y", 2)], links=all_links(lanes))
    assert plan(lookahead_heft, p).makespan_us == 5 + 3


def test_the_critical_path_stays_on_one_machine() -> None:
    # Topcuoglu's Figure 4: t1, t2, t9 and t10 on p2.
    schedule = plan(cpop, topcuoglu())
    assert {schedule[name].machine for name in ("t1", "t2", "t9", "t10")} == {"p2"}


def test_machines_take_turns_and_those_that_cannot_are_passed() -> None:
    two, three = {"a": 2, "b": 2}, {"a": 2, "b": 2, "c": 2}
    ops = [operation(f"o{i}", durations=d) for i, d in enumerate([three, three, two, three])]
    schedule = plan(round_robin, problem(ops, machines=[machine(name) for name in "abc"]))
    assert [placed.machine for placed in schedule] == ["a", "b", "a", "b"]


def test_a_chain_with_costly_transfers_is_one_cluster_and_clusters_are_shared_out() -> None:
    lanes = [machine("a"), machine("b")]
    both = {"a": 3, "b": 3}
    ops = [operation(name, durations=both) for name in ("x0", "y0", "x1", "y1")]
    edges = [("x0", "x1", 9), ("y0", "y1", 9)]
    schedule = plan(
        dominant_sequence, problem(ops, machines=lanes, edges=edges, links=all_links(lanes))
    )
    assert [placed.machine for placed in schedule] == ["a", "b", "a", "b"]


def test_placement_is_that_of_figure_3_of_the_paper() -> None:
    schedule = plan_of(topcuoglu())
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
        return plan_of(p)["short"].start_us

    assert (at(9), at(10), at(11)) == (0, 0, 30)


def test_a_lower_band_never_delays_a_higher_one() -> None:
    background = [operation(f"b{i}", job="bulk", durations={"m0": 9}) for i in range(5)]
    urgent = operation("urgent", job="urgent", durations={"m0": 1})
    p = problem(
        [*background, urgent],
        jobs=[job("bulk", band=Band.BACKGROUND), job("urgent", band=Band.CRITICAL)],
    )
    assert where(plan_of(p), "urgent") == ("m0", 0)


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
    assert plan_of(p)["critical"].end_us == 2


def test_ties_go_to_the_earlier_mode_and_the_earlier_operation() -> None:
    p = problem([operation(f"o{i}", durations={"b": 3, "a": 3}) for i in range(2)])
    assert where(plan_of(p), "o0") == ("b", 0)
    assert where(plan_of(p), "o1") == ("a", 0)


def test_a_slow_transfer_keeps_a_chain_on_its_device() -> None:
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 5}), operation("y", durations={"a": 5, "b": 2})]
    for size_bytes, chosen in ((2, "b"), (4, "a")):
        p = problem(ops, machines=lanes, edges=[("x", "y", size_bytes)], links=all_links(lanes))
        assert plan_of(p)["y"].machine == chosen


def test_a_started_operation_keeps_its_place_and_holds_its_machine_until_now_at_least() -> None:
    # Expected until 4, but it still runs at 7.
    p = problem(
        [
            operation("ran", durations={"m0": 4}, progress=Progress(mode=0, start_us=0)),
            operation("next", durations={"m0": 4}),
        ],
        now_us=7,
    )
    assert (plan_of(p)["ran"].start_us, plan_of(p)["ran"].end_us) == (0, 7)
    assert plan_of(p)["next"].start_us == 7


def test_windows_and_releases_are_waited_for() -> None:
    p = problem(
        [operation(durations={"m0": 4})],
        machines=[machine(unavailable=[(5, 9), (12, 20)])],
        jobs=[job(release_us=2)],
    )
    assert plan_of(p)["o0"].start_us == 20


def test_a_group_stays_on_the_device_where_its_first_operation_went() -> None:
    p = problem(
        [
            operation("x", durations={"a": 4, "b": 9}, colocation="g"),
            operation("y", durations={"a": 3, "b": 1}, colocation="g"),
        ]
    )
    assert (plan_of(p)["x"].machine, plan_of(p)["y"].machine) == ("a", "a")


def test_a_one_way_link_is_not_used_the_other_way() -> None:
    lanes = [machine("a"), machine("b")]
    p = problem(
        [operation("x", durations={"a": 1, "b": 5}), operation("y", durations={"a": 9, "b": 1})],
        machines=lanes,
        edges=[("x", "y")],
        links=[link("b", "a")],
    )
    assert (plan_of(p)["x"].machine, plan_of(p)["y"].machine) == ("a", "a")


def test_a_mode_that_does_not_fit_the_memory_is_left_alone() -> None:
    modes = [mode("small", 1, peak_bytes=11), mode("large", 9, peak_bytes=11)]
    lanes = [machine("small", memory_bytes=10), machine("large", memory_bytes=11)]
    assert plan_of(problem([operation(modes=modes)], machines=lanes))["o0"].machine == "large"
