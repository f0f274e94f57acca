"""Bounds hold for every schedule, and are tight where a pencil is enough."""

from __future__ import annotations

from hypothesis import given, settings

from scheduler.model.bounds import lower_bound
from scheduler.model.checker import check
from scheduler.model.objectives import Objective, evaluate, horizon_us
from scheduler.model.problem import Problem, Progress
from tests.builders import (
    all_links,
    chain,
    job,
    machine,
    mode,
    operation,
    problem,
    resource,
)
from tests.scheduler.reference import home_schedule, optima
from tests.scheduler.strategies import Size, problems


@settings(max_examples=40)
@given(problems(deadlines=True, size=Size(operations=3, modes=3)))
def test_no_schedule_is_better_than_any_bound(p: Problem) -> None:
    for objective, value in optima(p).items():
        assert lower_bound(p, objective) <= value


@given(problems())
def test_a_schedule_lies_between_bound_and_horizon(p: Problem) -> None:
    made = home_schedule(p)
    assert check(p, made) == []
    assert made.makespan_us <= horizon_us(p)
    for objective in Objective:
        assert lower_bound(p, objective) <= evaluate(p, made, objective)


def test_bound_of_a_chain_is_its_length() -> None:
    assert lower_bound(chain(3, 4, 5)) == 12


def test_bound_counts_release_and_present() -> None:
    assert lower_bound(chain(3, jobs=[job(release_us=10)], now_us=4)) == 13
    assert lower_bound(chain(3, jobs=[job(release_us=1)], now_us=4)) == 7


def test_bound_shares_the_load_among_the_eligible_machines_only() -> None:
    # Three of 4 us on two machines need 6 each; the free third machine runs none of them.
    three = [operation(f"o{i}", durations={"a": 4, "b": 4}) for i in range(3)]
    assert lower_bound(problem(three, machines=[machine(n) for n in "abc"])) == 6


def test_bound_puts_heads_before_and_tails_after_the_load_of_a_machine() -> None:
    # On m0 4 + 4, each after 3 on a machine of its own, and before 2 there.
    ops = [
        operation(f"{step}{lane}", durations={place: us})
        for lane in ("x", "y")
        for step, place, us in (("head", lane, 3), ("mid", "m0", 4), ("tail", lane, 2))
    ]
    edges = [
        (f"{a}{lane}", f"{b}{lane}") for lane in "xy" for a, b in (("head", "mid"), ("mid", "tail"))
    ]
    assert lower_bound(problem(ops, edges=edges)) == 3 + 8 + 2


def test_bound_waits_for_what_runs() -> None:
    ran = operation("ran", durations={"m0": 10}, progress=Progress(mode=0, start_us=0))
    assert lower_bound(problem([ran, operation("next", durations={"m0": 3})], now_us=2)) == 13


def test_bound_counts_the_windows_in_the_load() -> None:
    # 6 of work, and before it is done the machine is away from 2 to 5 and from 7 to 9.
    ops = [operation(f"o{i}", durations={"m0": 2}) for i in range(3)]
    closed = [machine(unavailable=[(2, 5), (7, 9), (20, 30)])]
    assert lower_bound(problem(ops, machines=closed)) == 6 + 3 + 2


def test_bound_counts_the_least_transfer_between_eligible_devices() -> None:
    lanes = [machine(name) for name in "abc"]
    two = [operation("x", durations={"a": 2}), operation("y", durations={"b": 2, "c": 3})]
    links = all_links(lanes)
    far = problem(two, machines=lanes, edges=[("x", "y", 5)], links=links)
    assert lower_bound(far) == 2 + 5 + 2
    near = problem(
        [two[0], operation("y", durations={"a": 4, "b": 2})],
        machines=lanes,
        edges=[("x", "y", 5)],
        links=links,
    )
    assert lower_bound(near) == 2 + 0 + 2


def test_bound_spreads_what_is_demanded_of_a_resource_over_its_capacity() -> None:
    # 3 x 4 us x 2 cores on 3 cores take 8 us.
    ops = [operation(f"o{i}", modes=[mode(duration_us=4, demands={"cores": 2})]) for i in range(3)]
    shared = [machine(exclusive=False)]
    assert lower_bound(problem(ops, machines=shared, resources=[resource("cores", 3)])) == 8


def test_bounds_of_other_objectives_follow_from_the_earliest_ends() -> None:
    late = problem(
        [
            operation("x", job="a", modes=[mode("m0", 4, energy_uj=7), mode("m1", 5, energy_uj=2)]),
            operation("y", job="b", modes=[mode("m0", 2, duration_p95_us=6, energy_uj=1)]),
        ],
        jobs=[job("a", due_us=1, weight=3), job("b", due_us=10, deadline_us=5), job("c", due_us=0)],
    )
    bounds = {objective: lower_bound(late, objective) for objective in Objective}
    assert bounds == {
        Objective.MAKESPAN: 4,
        Objective.WEIGHTED_TARDINESS: 3 * 3,
        Objective.WEIGHTED_COMPLETION: 3 * 4 + 2,
        Objective.MAX_LATENESS: 3,
        Objective.ENERGY: 2 + 1,
        Objective.DEADLINE_MISSES: 1,
    }


def test_bound_of_nothing_is_zero() -> None:
    nothing = Problem(machines=(), jobs=(), operations=())
    assert {lower_bound(nothing, objective) for objective in Objective} == {0}
