"""Each way in which a split can be broken is found, and called by its name."""

from __future__ import annotations

import json
from collections.abc import Mapping

import pytest

from scheduler.instances.dnn_placement import read_placement
from scheduler.instances.network import PlacementProblem
from scheduler.instances.reading import Node
from scheduler.splitting import Goal, SplitViolationKind, check
from tests.scheduler.instances.files import PLACEMENT
from tests.scheduler.splitting.networks import expert_split, network

HOST = -1
GOOD = {10: 0, 11: 0, 12: HOST, 13: 1}


def tiny(**changes: Mapping[int, object]) -> PlacementProblem:
    """10 -> 11 -> 13 and 10 -> 12 -> 13, with fields of some nodes changed."""
    document = json.loads(PLACEMENT)
    for name, values in changes.items():
        for node in document["nodes"]:
            node[name] = values.get(node["id"], node[name])
    return read_placement(Node(document))


def kinds(
    placement: PlacementProblem, places: Mapping[int, int], goal: Goal
) -> set[SplitViolationKind]:
    return {violation.kind for violation in check(placement, places.items(), goal)}


@pytest.mark.parametrize("goal", Goal)
def test_a_split_that_keeps_all_rules_is_not_refused(goal: Goal) -> None:
    assert check(tiny(), GOOD.items(), goal) == ()


@pytest.mark.parametrize("goal", Goal)
@pytest.mark.parametrize(
    ("changed", "kind"),
    [
        ({12: 1}, SplitViolationKind.SUPPORT),
        ({13: 0, 12: HOST}, SplitViolationKind.MEMORY),
        ({13: 2}, SplitViolationKind.DEVICE),
        ({13: -9}, SplitViolationKind.DEVICE),
        ({14: 0}, SplitViolationKind.UNKNOWN),
        # 10 -> 12 -> 13 leaves the accelerator and comes back.
        ({11: 1, 13: 0}, SplitViolationKind.CONTIGUITY),
    ],
)
def test_a_broken_split_is_refused_by_name(
    changed: Mapping[int, int], kind: SplitViolationKind, goal: Goal
) -> None:
    assert kind in kinds(tiny(), {**GOOD, **changed}, goal)


@pytest.mark.parametrize("goal", Goal)
def test_a_node_in_two_places_or_in_none_is_refused(goal: Goal) -> None:
    (twice,) = check(tiny(), [*GOOD.items(), (10, 1)], goal)
    assert (twice.kind, twice.message) == (SplitViolationKind.TWICE, "node 10 is in 2 places")
    missing = {number: device for number, device in GOOD.items() if number != 11}
    assert kinds(tiny(), missing, goal) == {SplitViolationKind.MISSING}


@pytest.mark.parametrize("goal", Goal)
def test_colours_that_are_apart_are_refused(goal: Goal) -> None:
    assert kinds(tiny(colorClass={13: 1}), GOOD, goal) == {SplitViolationKind.COLOCATION}


def test_a_network_that_waits_for_itself_through_two_accelerators_is_refused() -> None:
    # Each is contiguous by itself: 10 -> 11 goes one way and 12 -> 13 the other.
    document = json.loads(PLACEMENT)
    document["edges"] = [
        {"sourceId": 10, "destId": 11, "cost": 1}, {"sourceId": 12, "destId": 13, "cost": 1}
    ]  # fmt: skip
    for node in document["nodes"]:
        node.update(supportedOnFpga=1, size=1.0)
    placement = read_placement(Node(document))
    around = {10: 0, 11: 1, 12: 1, 13: 0}
    assert kinds(placement, around, Goal.LATENCY) == {SplitViolationKind.CONTIGUITY}
    assert kinds(placement, around, Goal.MAX_LOAD) == {SplitViolationKind.CONTIGUITY}


def test_a_core_is_a_device_of_a_pipeline_and_the_host_is_none() -> None:
    # 10 -> 11 -> 13 with 11 elsewhere: a core would be left and come back to.
    around = {10: HOST, 11: 0, 12: HOST, 13: HOST}
    assert kinds(tiny(), around, Goal.LATENCY) == set()
    assert kinds(tiny(), around, Goal.MAX_LOAD) == {SplitViolationKind.CONTIGUITY}
    cores = {10: -1, 11: 0, 12: -2, 13: -3}
    assert kinds(tiny(), cores, Goal.LATENCY) == {SplitViolationKind.DEVICE}
    assert kinds(tiny(), cores, Goal.MAX_LOAD) == set()


def test_an_expert_who_takes_an_accelerator_too_many_is_refused() -> None:
    bert = network("bert24_inference.json")
    places = zip((node.number for node in bert.nodes), expert_split(bert), strict=True)
    assert {v.kind for v in check(bert, places, Goal.LATENCY)} >= {SplitViolationKind.DEVICE}
