"""The story of a run tells each transition with its cause, is bounded, and goes out at the end."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from scheduler.control import checkpoint
from scheduler.control.brain import Brain
from scheduler.control.commands import Command, KeepStory
from scheduler.control.records import OperationState, RunState, RunStory, Trigger
from scheduler.control.state.story import FIRST_LINES, LAST_LINES
from scheduler.model.messages import AgentLost, FailureReason
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import (
    SECOND_US,
    added,
    agent_joined,
    brain,
    fan,
    nature,
    single,
    submitted,
)
from tests.scheduler.watched import Watched, dispatch_of, fail, finish, start

LONG = "r-18"
"""A run whose list has more than 70 items; `nature` goes by its name."""


@pytest.fixture
def watched() -> Watched:
    """Two agents on two boxes, each with one lane."""
    found = Watched()
    found.feed(agent_joined("a"), agent_joined("b"), added(single()))
    return found


def told(brain: Brain, run: str = "r-1") -> RunStory:
    story = brain.story(run)
    assert story is not None
    return story


def kept(said: Iterable[list[Command]]) -> dict[str, RunStory]:
    """Stories that went out, by run."""
    stories = [each.story for told in said for each in told if isinstance(each, KeepStory)]
    assert len({story.run for story in stories}) == len(stories)
    return {story.run: story for story in stories}


def steps(story: RunStory) -> list[tuple[str, str, Trigger, int, str]]:
    return [(x.operation, x.after, x.trigger, x.attempt, x.machine) for x in story.lines]


def test_a_run_that_was_tried_again_tells_both_attempts(watched: Watched) -> None:
    first = dispatch_of(watched.handle(submitted("r-1", at_us=100)), "r-1/only")
    commands = watched.feed(start(first, 200), fail(first, 900, message="bad sum"))
    second = dispatch_of(commands, "r-1/only")
    watched.feed(start(second, 1_000), finish(second, 1_900))
    op = "r-1/only"
    assert steps(told(watched)) == [
        ("", RunState.QUEUED, Trigger.SUBMITTED, 0, ""),
        (op, OperationState.DISPATCHED, Trigger.SENT, 1, "a/cpu0"),
        (op, OperationState.RUNNING, Trigger.STARTED, 1, "a/cpu0"),
        ("", RunState.RUNNING, Trigger.STARTED, 0, ""),
        (op, OperationState.WAITING, Trigger.FAULT, 1, "a/cpu0"),
        (op, OperationState.DISPATCHED, Trigger.SENT, 2, "b/cpu0"),
        (op, OperationState.RUNNING, Trigger.STARTED, 2, "b/cpu0"),
        (op, OperationState.DONE, Trigger.FINISHED, 2, "b/cpu0"),
        ("", RunState.FINISHED, Trigger.FINISHED, 0, ""),
    ]
    (fault,) = [line for line in told(watched).lines if line.trigger is Trigger.FAULT]
    assert (fault.at_us, fault.before, fault.detail) == (900, "running", "error: bad sum")


def test_a_lost_agent_is_the_cause_of_another_attempt(watched: Watched) -> None:
    first = dispatch_of(watched.handle(submitted("r-1", at_us=100)), "r-1/only")
    watched.feed(start(first, 200), AgentLost(at_us=900, agent="a", incarnation="1"))
    (lost,) = [line for line in told(watched).lines if line.trigger is Trigger.LOST]
    assert lost.detail == f"{FailureReason.AGENT_LOST.value}: agent a was lost"


def test_an_operation_that_gave_way_names_the_more_urgent_one() -> None:
    world = World(Watched(), nature=nature(), seed=0)
    world.join("a", "box-a", agent_joined("a").machines, 0)
    world.send(added(single("long", declared_us=10 * SECOND_US)))
    world.send(added(single("short", declared_us=100_000)))
    world.send(submitted("r-long", "long@1", at_us=1_000, band=Band.BACKGROUND))
    world.send(submitted("r-now", "short@1", at_us=200_000, band=Band.CRITICAL))
    world.run()
    (way,) = [
        line for line in kept(world.commands)["r-long"].lines if line.trigger is Trigger.GAVE_WAY
    ]
    assert (way.before, way.after, way.detail) == ("running", "waiting", "r-now/only")


def test_of_a_long_story_the_oldest_lines_of_the_middle_go_and_are_counted() -> None:
    most_items = 120
    world = World(brain(), nature=nature(most_items=most_items), seed=0)
    world.join("a", "box-a", agent_joined("a", lanes=2).machines, 0)
    world.send(added(fan()))
    world.send(submitted(LONG, "fan@1", at_us=1_000))
    world.run()
    found = kept(world.commands)[LONG]
    assert len(found.lines) == FIRST_LINES + LAST_LINES
    # Each of at least 150 operations was sent, started and done.
    sent_us = [line.at_us for line in found.lines]
    assert found.left_out + len(found.lines) > 450
    assert found.left_out_after == FIRST_LINES
    assert sent_us == sorted(sent_us)
    assert found.lines[0].trigger is Trigger.SUBMITTED
    assert found.lines[-1].after == RunState.FINISHED


def test_the_story_goes_out_once_with_the_record_of_the_end(watched: Watched) -> None:
    first = dispatch_of(watched.handle(submitted("r-1", at_us=100)), "r-1/only")
    watched.feed(start(first, 200), finish(first, 900))
    watched.handle(submitted("r-2", at_us=1_000))
    assert kept(watched.commands) == {"r-1": told(watched)}


def test_a_checkpoint_keeps_the_story(watched: Watched) -> None:
    first = dispatch_of(watched.handle(submitted("r-1", at_us=100)), "r-1/only")
    watched.feed(start(first, 200))
    other = Watched()
    checkpoint.resume(other, checkpoint.taken(watched))
    assert told(other) == told(watched)


def test_nobody_knows_the_story_of_an_unknown_run(watched: Watched) -> None:
    assert watched.story("r-9") is None
