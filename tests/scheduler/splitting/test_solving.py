"""Splits are as good as the best of all splits, and bounds never exceed it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import product

import pytest

from scheduler.instances.network import PlacementProblem
from scheduler.model.errors import InvalidInput, UnknownName
from scheduler.model.schedule import Limits, Status
from scheduler.splitting import MEMBERS, Answer, Goal, Report, check, solve
from scheduler.splitting.values import latency, max_load
from tests.scheduler.splitting.networks import drawn, network


def solved(placement: PlacementProblem, goal: Goal, solver: str = "auto") -> Answer:
    return solve(placement, goal, clock=lambda: 0.0, solver=solver)


def every_value(placement: PlacementProblem, goal: Goal) -> Iterator[float]:
    """Values of all splits that keep the rules."""
    devices = range(-1, placement.accelerators)
    numbers = [node.number for node in placement.nodes]
    for split in product(devices, repeat=len(numbers)):
        if not check(placement, zip(numbers, split, strict=True), goal):
            value = (latency if goal is Goal.LATENCY else max_load)(placement, split)
            assert value is not None
            yield value


@pytest.mark.parametrize("seed", range(25))
def test_the_greatest_load_is_the_least_of_all_splits_and_proven(seed: int) -> None:
    placement = drawn(seed)
    least = min(every_value(placement, Goal.MAX_LOAD), default=None)
    answer = solved(placement, Goal.MAX_LOAD)
    assert answer.value == (None if least is None else pytest.approx(least))
    proof = Status.INFEASIBLE if least is None else Status.OPTIMAL
    assert answer.status is proof


@pytest.mark.parametrize("seed", range(8))
def test_a_network_in_training_goes_back_the_way_it_came(seed: int) -> None:
    placement = drawn(seed, nodes=3, training=True)
    least = min(every_value(placement, Goal.MAX_LOAD), default=None)
    answer = solved(placement, Goal.MAX_LOAD)
    assert answer.value == (None if least is None else pytest.approx(least))


@pytest.mark.parametrize("seed", range(25))
def test_no_latency_is_below_its_bound(seed: int) -> None:
    placement = drawn(seed)
    least = min(every_value(placement, Goal.LATENCY), default=float("inf"))
    answer = solved(placement, Goal.LATENCY)
    assert answer.bound <= least * (1 + 1e-9)
    assert answer.value is None or answer.value >= least * (1 - 1e-9)


@pytest.mark.parametrize(
    ("name", "goal", "published"),
    [
        ("bert24_inference.json", Goal.LATENCY, 100.2185),
        ("bert24_inference_throughput.json", Goal.MAX_LOAD, 17.7899),
    ],
)
def test_a_published_network_is_split_as_well_as_was_published_and_proven(
    name: str, goal: Goal, published: float
) -> None:
    answer = solved(network(name), goal)
    assert answer.value == pytest.approx(published, abs=5e-4)
    assert answer.status is Status.OPTIMAL


@pytest.mark.parametrize("name", MEMBERS)
def test_each_solver_serves_the_goals_that_it_declares(name: str) -> None:
    bert = network("bert24_inference.json")
    for goal in Goal:
        if goal in MEMBERS[name].goals:
            assert solved(bert, goal, name).value is not None
        else:
            with pytest.raises(InvalidInput, match="solver must be auto or order_cuts"):
                solved(bert, goal, name)


def test_a_name_that_nobody_has_is_refused_with_the_choices() -> None:
    with pytest.raises(UnknownName, match="must be one of auto, ideals, order_cuts"):
        solved(drawn(0), Goal.LATENCY, "magic")


def test_without_time_there_is_an_answer_all_the_same() -> None:
    limits = Limits(time_s=0)
    answer = solve(network("bert24_inference.json"), Goal.LATENCY, limits, clock=lambda: 0.0)
    assert (answer.status, len(answer.split)) == (Status.FEASIBLE, 32)


def test_a_search_that_is_ended_says_so() -> None:
    bert = network("bert24_inference.json")
    bert = replace(bert, memory_bytes=bert.memory_bytes // 2)
    answer = solve(bert, Goal.LATENCY, clock=lambda: 0.0, is_cancelled=lambda: True)
    assert answer.status is Status.CANCELLED


def test_a_listener_hears_of_each_improvement() -> None:
    heard: list[Report] = []
    bert = network("bert24_inference.json")
    answer = solve(bert, Goal.LATENCY, clock=lambda: 0.0, listener=heard.append)
    assert [value for _, value in answer.trace] == list(
        dict.fromkeys(report.value for report in heard if report.value is not None)
    )
    assert (heard[-1].value, heard[-1].found_by) == (answer.value, answer.found_by)


def test_a_node_that_runs_nowhere_leaves_no_split() -> None:
    placement = replace(drawn(0), cores=0)
    alone = replace(placement.nodes[0], accelerator_time=None)
    placement = replace(placement, nodes=(alone, *placement.nodes[1:]))
    for goal in Goal:
        assert solved(placement, goal).status is Status.INFEASIBLE
