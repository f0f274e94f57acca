"""Starts of less urgent work before more urgent work that was ready, and what is none."""

from __future__ import annotations

from dataclasses import replace

from scheduler.control.handlers.inversions import HEARD_US
from scheduler.control.records import InversionKind
from scheduler.model.messages import Dispatch
from scheduler.model.problem import Band
from tests.scheduler.site import added, agent_joined, single, submitted
from tests.scheduler.watched import Watched, dispatches, finish, start

MS = 1000


def site(*, lanes: int = 1) -> Watched:
    """A background run of 100 ms, and then a critical one of 100 ms."""
    brain = Watched()
    brain.feed(agent_joined("a", lanes=lanes), added(single(declared_us=100 * MS)))
    brain.feed(submitted("lower", at_us=0, band=Band.BACKGROUND))
    brain.feed(submitted("now", at_us=1 * MS, band=Band.CRITICAL))
    return brain


def sent(brain: Watched, run: str) -> Dispatch:
    """The latest that an agent was told of the only operation of a run."""
    told = [d for commands in brain.commands for d in dispatches(commands)]
    return [d for d in told if d.run == run][-1]


def ran_in_turn(brain: Watched, *, lower_us: int) -> None:
    """Have the background run begin at that time, and the critical one when it is through."""
    lower = sent(brain, "lower")
    brain.feed(start(lower, lower_us), finish(lower, lower_us + 100 * MS))
    brain.feed(start(sent(brain, "now"), lower_us + 101 * MS))


def test_lower_work_that_begins_where_higher_work_is_ready_is_counted_with_both_runs() -> None:
    brain = site()
    began_us = 1 * MS + HEARD_US + 1
    ran_in_turn(brain, lower_us=began_us)
    (found,) = brain.view(brain.state.now_us).inversions
    assert (found.run, found.lower_run, found.machine) == ("now", "lower", "a/cpu0")
    assert (found.ready_us, found.began_us) == (1 * MS, began_us)
    assert found.kind is InversionKind.SAME_MACHINE
    assert brain.run("now").inversions == (found,)
    assert brain.view(brain.state.now_us).counters["inversions_same_machine"] == 1


def test_lower_work_that_began_before_the_higher_was_there_is_no_inversion() -> None:
    brain = site()
    ran_in_turn(brain, lower_us=500)
    assert not brain.state.inversions


def test_lower_work_that_began_before_its_agent_can_have_heard_is_no_inversion() -> None:
    brain = site()
    ran_in_turn(brain, lower_us=1 * MS + HEARD_US)
    assert not brain.state.inversions


def test_lower_work_beside_a_lane_that_is_free_is_no_inversion() -> None:
    brain = site(lanes=2)
    brain.feed(start(sent(brain, "lower"), 50 * MS), start(sent(brain, "now"), 60 * MS))
    assert not brain.state.inversions


def test_lower_work_on_a_lane_that_would_have_served_the_higher_sooner_is_an_inversion() -> None:
    brain = Watched()
    brain.feed(agent_joined("a", lanes=2), added(single(declared_us=100 * MS)))
    brain.feed(submitted("first", at_us=0, band=Band.HIGH))
    brain.feed(submitted("lower", at_us=0, band=Band.BACKGROUND))
    first, lower = sent(brain, "first"), sent(brain, "lower")
    assert first.machine != lower.machine
    brain.feed(start(first, 1 * MS), submitted("now", at_us=50 * MS, band=Band.CRITICAL))
    now = replace(sent(brain, "now"), machine=first.machine)
    brain.feed(start(lower, 80 * MS))
    brain.feed(finish(first, 101 * MS), start(now, 102 * MS))
    (found,) = brain.state.inversions
    assert (found.kind, found.machine) == (InversionKind.SAME_AGENT, lower.machine)
