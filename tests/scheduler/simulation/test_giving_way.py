"""Critical runs come to busy machines: what gives way comes back, and nothing else is touched."""

from __future__ import annotations

import msgspec
import pytest

from scheduler.control.events import RunCancelled
from scheduler.control.records import RunRecord, RunState
from scheduler.model.messages import MachineDown
from scheduler.model.problem import Band
from scheduler.simulation.agent import Faults
from scheduler.simulation.world import World
from tests.scheduler.site import SECOND_US, added, agent_joined, nature, single, submitted
from tests.scheduler.watched import Watched, folded, records

LONG, SHORT = 10 * SECOND_US, 100_000
COMES_US = 200_000
"""Arrival of critical runs: all machines have just begun something long."""


def world_of(*, machines: int = 2, faults: Faults | None = None, seed: int = 0) -> World:
    """A box whose workers have to end to stop what runs, with more long work than machines."""
    world = World(Watched(), nature=nature(), faults=faults, seed=seed)
    world.join("a", "box-a", agent_joined("a", lanes=machines).machines, 0)
    world.send(added(single("long", declared_us=LONG)))
    world.send(added(single("short", declared_us=SHORT)))
    for i in range(machines + 1):
        world.send(submitted(f"long-{i}", "long@1", at_us=1_000 * i, band=Band.BACKGROUND))
    return world


def critical(world: World, *names: str, workload: str = "short", at_us: int = COMES_US) -> None:
    for name in names:
        world.send(submitted(name, f"{workload}@1", at_us=at_us, band=Band.CRITICAL))


def watched(world: World) -> Watched:
    assert isinstance(world.brain, Watched)
    return world.brain


def last_records(world: World) -> dict[str, RunRecord]:
    """Last record of each run; the brain itself forgets them after a while."""
    said = watched(world).commands
    return {record.run: record for told in said for record in records(told)}


def stories(world: World) -> dict[str, list[str]]:
    """Failures of each operation, of those that had any."""
    return {
        op.operation: [each.message for each in op.failures]
        for record in last_records(world).values()
        for op in record.operations
        if op.failures
    }


def states(world: World) -> set[RunState]:
    return {record.state for record in last_records(world).values()}


def test_only_what_gave_way_has_a_story() -> None:
    world = world_of(machines=1)
    critical(world, "now")
    world.run()
    assert stories(world) == {"long-0/only": ["gave way to now/only"]}
    assert states(world) == {RunState.FINISHED}
    assert [e.is_planned for e in world.log if isinstance(e, MachineDown)] == [True]


def test_one_stop_does_for_two_short_critical_runs() -> None:
    world = world_of()
    critical(world, "first", "second")
    world.run()
    assert list(stories(world).values()) == [["gave way to first/only"]]
    assert states(world) == {RunState.FINISHED}


def test_critical_work_on_all_machines_has_all_give_way_once() -> None:
    world = world_of()
    critical(world, "first", "second", workload="long")
    world.run()
    gave = stories(world)
    assert sorted(gave) == ["long-0/only", "long-1/only"]
    assert all(len(story) == 1 for story in gave.values())
    assert states(world) == {RunState.FINISHED}


@pytest.mark.parametrize("later_us", [0, 10_000, 25_000, 300_000])
@pytest.mark.parametrize("who", ["long-0", "now"])
def test_cancelling_either_at_any_moment_leaves_the_others_whole(who: str, later_us: int) -> None:
    world = world_of(machines=1)
    critical(world, "now")
    world.send(RunCancelled(at_us=COMES_US + later_us, run=who))
    world.run()
    ended = {name: record.state for name, record in last_records(world).items()}
    assert ended["long-1"] is RunState.FINISHED
    assert ended[who] in {RunState.CANCELLED, RunState.FINISHED}
    assert set(stories(world)) <= {"long-0/only"}


@pytest.mark.parametrize("seed", range(3))
def test_faults_in_between_lose_no_run_and_the_log_folds_to_the_same(seed: int) -> None:
    world = world_of(machines=3, faults=Faults(crash=0.1, twice=0.3), seed=seed)
    for i in range(6):
        critical(world, f"now-{i}", at_us=COMES_US + 150_000 * i, workload=("short", "long")[i % 2])
    world.restart_controller(COMES_US + 5_000)
    world.kill("a", COMES_US + 330_000, back_us=COMES_US + 600_000)
    world.run()
    brain = watched(world)
    assert states(world) == {RunState.FINISHED}
    assert brain.state.counters["preempted"] > 0
    assert folded(brain.log) == [msgspec.json.encode(told) for told in brain.commands]
