"""Schedulers without a list: each rule by the smallest problem on which it shows."""

from __future__ import annotations

from scheduler.model.problem import Band, Problem, Window
from scheduler.solvers.heuristics.ready import (
    atc,
    covert,
    edd,
    etf,
    least_slack,
    lpt,
    max_min,
    min_min,
    mor,
    mwkr,
    spt,
    sufferage,
)
from scheduler.solvers.registry import Searcher
from tests.builders import all_links, job, machine, operation, problem
from tests.scheduler.solvers.heuristics.plans import plan, starts, where


def queue(**durations_us: int) -> Problem:
    """Operations of one job each, all on one machine."""
    ops = [operation(name, job=name, durations={"m0": us}) for name, us in durations_us.items()]
    return problem(ops)


def due(durations_us: dict[str, int], due_us: dict[str, int], **weights: int) -> Problem:
    ops = [operation(name, job=name, durations={"m0": us}) for name, us in durations_us.items()]
    return problem(
        ops,
        jobs=[
            job(name, due_us=due_us.get(name), weight=weights.get(name, 1)) for name in durations_us
        ],
    )


def order(solver: Searcher, p: Problem) -> str:
    """Operations by start, joined."""
    return "".join(sorted(found := starts(plan(solver, p)), key=found.__getitem__))


def test_short_ones_first_or_long_ones_first() -> None:
    p = queue(b=5, a=2, c=9)
    assert (order(spt, p), order(lpt, p)) == ("abc", "cba")
    assert (order(min_min, p), order(max_min, p)) == ("abc", "cba")


def test_what_has_most_work_or_most_operations_to_follow_goes_first() -> None:
    ops = [operation("x"), operation("y"), operation("x1", durations={"m1": 9})]
    ops += [operation(f"y{i}", durations={"m1": 2}) for i in (1, 2)]
    p = problem(ops, edges=[("x", "x1"), ("y", "y1"), ("y1", "y2")])
    assert starts(plan(mwkr, p))["x"] == 0
    assert starts(plan(mor, p))["y"] == 0


def test_the_earliest_due_date_goes_first_and_none_comes_last() -> None:
    p = due({"a": 1, "b": 1, "c": 1}, {"b": 9, "c": 4})
    assert order(edd, p) == "cba"


def test_the_least_slack_goes_first() -> None:
    # a is due sooner, but b has less time to spare.
    p = due({"a": 1, "b": 8}, {"a": 8, "b": 10})
    assert (order(edd, p), order(least_slack, p)) == ("ab", "ba")


def test_tardiness_rules_weigh_what_is_late_and_leave_what_has_time() -> None:
    late = due({"a": 4, "b": 4}, {"a": 0, "b": 0}, b=3)
    relaxed = due({"a": 4, "b": 4}, {"a": 0, "b": 500}, b=3)
    for rule in (atc, covert):
        assert (order(rule, late), order(rule, relaxed)) == ("ba", "ab")


def test_who_suffers_most_gets_its_machine() -> None:
    ops = [
        operation("x", durations={"a": 3, "b": 4}),
        operation("y", durations={"a": 3, "b": 20}),
    ]
    p = problem(ops, machines=[machine("a"), machine("b")])
    schedule = plan(sufferage, p)
    assert (where(schedule, "x"), where(schedule, "y")) == (("b", 0), ("a", 0))
    assert where(plan(min_min, p), "x") == ("a", 0)


def test_what_can_start_earliest_goes_first_even_where_it_runs_long() -> None:
    lanes = [machine("a"), machine("b", unavailable=[(0, 2)])]
    p = problem([operation("x", durations={"a": 9, "b": 1})], machines=lanes)
    assert lanes[1].unavailable == (Window(start_us=0, end_us=2),)
    assert where(plan(etf, p), "x") == ("a", 0)
    assert where(plan(min_min, p), "x") == ("b", 2)


def test_rules_compare_only_what_can_start_soonest() -> None:
    # The long one is preferred, but it is not there yet: a machine does not wait for it.
    ops = [operation("short", durations={"m0": 2}), operation("long", job="l", durations={"m0": 9})]
    p = problem(ops, jobs=[job("j0"), job("l", release_us=1)])
    assert starts(plan(lpt, p)) == {"short": 0, "long": 2}


def test_a_lower_band_never_delays_a_higher_one() -> None:
    lanes = [machine("a"), machine("b")]
    ops = [operation("urgent1", job="u"), operation("urgent2", job="u", durations={"a": 1})]
    ops += [operation("bulk", job="bulk", durations={"a": 9})]
    ops[0] = operation("urgent1", job="u", durations={"b": 4})
    p = problem(
        ops,
        machines=lanes,
        jobs=[job("u", band=Band.CRITICAL), job("bulk", band=Band.BACKGROUND)],
        edges=[("urgent1", "urgent2")],
        links=all_links(lanes),
    )
    for rule in (spt, min_min, max_min, sufferage, etf, atc):
        assert starts(plan(rule, p))["urgent2"] == 4
