"""Leases of capacity for calls: granted, renewed, ended, moved and accounted."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import msgspec
import pytest

from scheduler.control.commands import Command, TellLease, WakeAt
from scheduler.control.events import CallsWanted, ControllerStarted, ModelRemoved, Tick
from scheduler.model.messages import AgentLost, CallLease, CallsReported, MachineDown, MachineUp
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.control.checkpoint.test_checkpoint import resumed, stored
from tests.scheduler.site import DIGEST, SECOND_US, agent_joined, model_added, nature
from tests.scheduler.watched import Watched, folded, plans

AT_US = 5_000 * SECOND_US
"""Long after all that there was to measure."""


@pytest.fixture
def brain() -> Watched:
    """One agent with two lanes, on which a model has been measured."""
    brain = Watched()
    world = World(brain, nature=nature())
    world.send(ControllerStarted(at_us=0, epoch=1))
    world.join("a", "box-a", agent_joined(lanes=2).machines, 0)
    world.send(model_added())
    world.run()
    return brain


def wanted(*, at_us: int = AT_US, lanes: int = 1, **fields: Any) -> CallsWanted:
    return CallsWanted(at_us=at_us, digest=DIGEST, box="box-a", lanes=lanes, **fields)


def told(commands: Iterable[Command]) -> list[CallLease]:
    return [each.lease for each in commands if isinstance(each, TellLease)]


def machines(lease: CallLease) -> list[str]:
    return [place.machine for place in lease.places]


def report(lease: CallLease, **fields: Any) -> CallsReported:
    machine = lease.places[0].machine
    given: dict[str, Any] = {
        "at_us": AT_US + SECOND_US,
        "agent": "a",
        "machine": machine,
        "lease": lease.id,
        "digest": DIGEST,
        "provider": "cpu",
        "band": Band.NORMAL,
        "since_us": AT_US + 800_000,
        "done": 100,
        "busy_us": 150_000,
        "p50_us": 1_500,
        "p95_us": 1_700,
    }
    return CallsReported(**{**given, **fields})


def test_a_lease_is_told_to_agents_and_callers_alike(brain: Watched) -> None:
    commands = brain.handle(wanted(lanes=5))
    (lease,) = told(commands)
    assert (lease.epoch, lease.band, lease.until_us) == (1, Band.NORMAL, AT_US + 10 * SECOND_US)
    assert machines(lease) == ["a/cpu0", "a/cpu1"]
    (plan,) = plans(commands)
    assert plan.leases == (lease,)


def test_a_lease_has_as_many_machines_as_are_wanted(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    assert len(lease.places) == 1
    (more,) = told(brain.handle(wanted(at_us=AT_US + 1, lanes=2)))
    assert more.id == lease.id
    assert set(machines(more)) == {"a/cpu0", "a/cpu1"}


def test_calls_of_another_band_have_a_lease_of_their_own(brain: Watched) -> None:
    (first,) = told(brain.handle(wanted()))
    (second,) = told(brain.handle(wanted(band=Band.CRITICAL)))
    assert first.id != second.id


def test_a_lease_that_nobody_wants_any_more_ends(brain: Watched) -> None:
    commands = brain.handle(wanted())
    (lease,) = told(commands)
    (wake,) = [each for each in commands if isinstance(each, WakeAt)]
    assert wake.at_us == lease.until_us
    commands = brain.handle(Tick(at_us=lease.until_us))
    assert [each.places for each in told(commands)] == [()]
    assert [plan.leases for plan in plans(commands)] == [()]


def test_a_lease_that_is_renewed_goes_on(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    (renewed,) = told(brain.handle(wanted(at_us=AT_US + 5 * SECOND_US)))
    assert renewed.id == lease.id
    assert renewed.until_us == lease.until_us + 5 * SECOND_US
    assert told(brain.handle(Tick(at_us=lease.until_us))) == []


def test_a_lease_moves_off_a_machine_that_goes_down_and_may_come_back(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    (name,) = machines(lease)
    (moved,) = told(brain.handle(MachineDown(at_us=AT_US + 1, machine=name, reason="killed")))
    assert len(moved.places) == 1
    assert machines(moved) != [name]
    brain.handle(MachineUp(at_us=AT_US + 2, machine=name))
    (both,) = told(brain.handle(wanted(at_us=AT_US + 3, lanes=2)))
    assert set(machines(both)) == {"a/cpu0", "a/cpu1"}


def test_a_lease_of_a_lost_agent_has_no_places(brain: Watched) -> None:
    brain.handle(wanted())
    (lease,) = told(brain.handle(AgentLost(at_us=AT_US + 1, agent="a")))
    assert lease.places == ()


def test_a_lease_of_a_deleted_model_ends(brain: Watched) -> None:
    brain.handle(wanted())
    gone = brain.handle(ModelRemoved(at_us=AT_US + 1, name="det", digest=DIGEST))
    assert [each.places for each in told(gone)] == [()]
    assert told(brain.handle(wanted(at_us=AT_US + 2))) == []


def test_a_new_controller_tells_every_lease_again_in_its_epoch(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    commands = brain.handle(ControllerStarted(at_us=AT_US + 1, epoch=2))
    (again,) = told(commands)
    assert (again.id, again.epoch, again.places) == (lease.id, 2, lease.places)
    assert [plan.leases for plan in plans(commands)] == [(again,)]


def test_calls_count_as_work_of_their_machine(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    before = {each.report.id: each.busy_us for each in brain.view(AT_US).machines}
    brain.handle(report(lease, failed=1, revocation_us=400))
    view = brain.view(AT_US + SECOND_US)
    after = {each.report.id: each.busy_us for each in view.machines}
    (name,) = machines(lease)
    assert after[name] - before[name] == 150_000
    assert (view.counters["calls"], view.counters["calls_failed"]) == (100, 1)
    assert view.counters["call_revocation_us"] == 400
    (bar,) = [each for each in view.bars if each.run == lease.id]
    assert (bar.work, bar.stage, bar.machine) == ("det", "100 calls", name)
    assert bar.ended_us == AT_US + SECOND_US


def test_predictions_follow_what_calls_take(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted()))
    for i in range(50):
        brain.handle(report(lease, at_us=AT_US + SECOND_US + i, p50_us=9_000))
    (later,) = told(brain.handle(wanted(at_us=AT_US + 2 * SECOND_US, lanes=2)))
    assert machines(later)[1:] == machines(lease)
    assert 8_000 <= later.places[1].expected_us <= 10_000
    pair = brain.state.accuracy.pairs[-1]
    assert (pair.work, pair.actual_us) == ("det", 9_000)


def test_a_fold_gives_the_same_leases_also_from_a_checkpoint(brain: Watched) -> None:
    (lease,) = told(brain.handle(wanted(lanes=2)))
    brain.handle(report(lease))
    kept = resumed(stored(brain))
    tick = Tick(at_us=lease.until_us)
    said = msgspec.json.encode(brain.handle(tick))
    assert msgspec.json.encode(kept.handle(tick)) == said
    assert folded(brain.log)[-1] == said
