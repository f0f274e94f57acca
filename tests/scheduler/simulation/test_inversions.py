"""If work takes its predicted time, nothing less urgent goes before work that is ready."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from random import Random

import pytest

from scheduler.control.brain import Brain
from scheduler.control.records import InversionKind
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import added, agent_joined, brain, chain, fan, nature, single, submitted

ONE_BOX, TWO_BOXES = ("a",), ("a", "b")
SINGLES, CHAINS, ALL = ("one@1",), ("one@1", "chain@1"), ("one@1", "chain@1", "fan@1")
AT_ONCE_US, ONE_BY_ONE_US = 1, 300_000
TAKES_US = {"work": 10_000, "crop": 10_000, "join": 2_000}
"""As the workloads declare it: so nothing that is predicted turns out otherwise."""
LEFT = {
    InversionKind.SAME_MACHINE: "put ahead of a plan, a run moves only what its machine has",
    InversionKind.SAME_AGENT: "the same, until all is planned anew some milliseconds later",
    InversionKind.ELSEWHERE: "what was sent to an agent stays with it",
}
"""Kinds that still happen where runs of all kinds come one by one, and why."""


def after_a_mix(
    seed: int, workloads: Sequence[str], *, boxes: Sequence[str], within_us: int
) -> Brain:
    """A site of two lanes a box after 30 runs of all bands, which came within that time."""
    random, told = Random(seed), brain()
    exact = replace(nature(), duration_us=lambda dispatch, _: TAKES_US[dispatch.work.name])
    world = World(told, nature=exact, seed=seed)
    for box in boxes:
        world.join(box, f"box-{box}", agent_joined(box, lanes=2).machines, 0)
    for workload in (single(), chain(), fan()):
        world.send(added(workload))
    for i in range(30):
        at_us, band = random.randrange(within_us), Band(random.randrange(4))
        world.send(submitted(f"r-{i}", random.choice(workloads), at_us=at_us, band=band))
    world.run()
    return told


@pytest.mark.parametrize("boxes", [ONE_BOX, TWO_BOXES])
@pytest.mark.parametrize(
    ("workloads", "within_us"), [(SINGLES, ONE_BY_ONE_US), (CHAINS, AT_ONCE_US)]
)
def test_no_lower_work_begins_where_higher_work_is_ready(
    workloads: Sequence[str], within_us: int, boxes: Sequence[str]
) -> None:
    for seed in range(3):
        told = after_a_mix(seed, workloads, boxes=boxes, within_us=within_us)
        assert list(told.state.inversions) == []


@pytest.mark.parametrize("boxes", [ONE_BOX, TWO_BOXES])
@pytest.mark.parametrize("within_us", [AT_ONCE_US, ONE_BY_ONE_US])
def test_nothing_that_is_ready_is_overtaken_because_its_agent_was_not_told(
    within_us: int, boxes: Sequence[str]
) -> None:
    for seed in range(3):
        told = after_a_mix(seed, ALL, boxes=boxes, within_us=within_us)
        assert {found.kind for found in told.state.inversions} <= set(LEFT)


@pytest.mark.parametrize(("boxes", "most"), [(ONE_BOX, 7), (TWO_BOXES, 0)])
def test_what_is_left_where_runs_of_all_kinds_come_one_by_one_grows_no_further(
    boxes: Sequence[str], most: int
) -> None:
    found = [
        inversion
        for seed in range(4)
        for inversion in after_a_mix(
            seed, ALL, boxes=boxes, within_us=ONE_BY_ONE_US
        ).state.inversions
    ]
    assert len(found) <= most
