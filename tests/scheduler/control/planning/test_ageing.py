"""Runs that have waited long count as more urgent: no stream keeps them waiting for ever."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.control.events import Tick
from scheduler.control.records import RunState
from scheduler.control.settings import BrainSettings
from scheduler.model.messages import Dispatch
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import added, agent_joined, nature, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, records, start

S = 1_000_000
AGE_US = S
SLACK_US = 10_000
"""Messages to the agent and back."""


def starved(
    *, band: Band, lanes: int, stream_us: int, own_us: int, count: int = 1, age_us: int = AGE_US
) -> Watched:
    """A stream of high runs that asks for twice what the machines can do, and some of a band."""
    brain = Watched(BrainSettings(age_us=age_us))
    world = World(brain, nature=nature())
    world.join("a", "box-a", agent_joined("a", lanes=lanes).machines, 0)
    world.send(added(single("stream", declared_us=stream_us)))
    world.send(added(single("own", declared_us=own_us)))
    last_us = (2 + count) * AGE_US + 4 * (stream_us + own_us)
    for i, at_us in enumerate(range(0, last_us, stream_us // (2 * lanes))):
        world.send(submitted(f"s{i}", "stream@1", at_us=at_us, band=Band.HIGH))
    for i in range(count):
        world.send(submitted(f"own{i}", "own@1", at_us=S // 2, band=band))
    world.run()
    return brain


def waited_us(brain: Watched, name: str = "own0") -> int:
    told = [record for commands in brain.commands for record in records(commands)]
    starts = (r.started_us for r in told if r.run == name and r.started_us is not None)
    return next(starts) - S // 2


@settings(max_examples=5)
@given(
    band=st.sampled_from([Band.NORMAL, Band.BACKGROUND]),
    lanes=st.integers(1, 2),
    stream_us=st.integers(100_000, 300_000),
    own_us=st.integers(10_000, 500_000),
)
def test_a_run_starts_within_the_bound_under_a_saturating_stream_of_high(
    band: Band, lanes: int, stream_us: int, own_us: int
) -> None:
    brain = starved(band=band, lanes=lanes, stream_us=stream_us, own_us=own_us)
    steps = band - Band.HIGH
    assert waited_us(brain) <= steps * AGE_US + stream_us + SLACK_US


def test_of_several_one_is_raised_at_a_time() -> None:
    brain = starved(band=Band.NORMAL, lanes=1, stream_us=200_000, own_us=50_000, count=3)
    waits = sorted(waited_us(brain, f"own{i}") for i in range(3))
    for i, wait_us in enumerate(waits):
        assert (i + 1) * AGE_US <= wait_us <= (i + 2) * AGE_US


def test_nothing_ages_where_that_is_turned_off() -> None:
    brain = starved(band=Band.NORMAL, lanes=1, stream_us=200_000, own_us=50_000, age_us=0)
    assert waited_us(brain) > 2 * AGE_US
    assert "aged" not in brain.state.counters


def waiting(band: Band, in_front: Band) -> tuple[Watched, Dispatch]:
    """A run of a band that waits behind one that runs for long and ten more of another band."""
    brain = Watched(BrainSettings(age_us=AGE_US))
    brain.feed(agent_joined(), added(single(declared_us=20 * S)))
    told = brain.handle(submitted("first", at_us=0, band=in_front))
    running = dispatch_of(told, "first/only")
    brain.handle(start(running, 0))
    brain.feed(*(submitted(f"r{i}", at_us=1, band=in_front) for i in range(10)))
    brain.handle(submitted("old", at_us=2, band=band))
    for at_us in range(S, 10 * S, S // 2):
        brain.handle(Tick(at_us=at_us))
    return brain, running


def sent_last(brain: Watched) -> Dispatch:
    """Latest message to the agent about the run that waited."""
    told = [d for commands in brain.commands for d in dispatches(commands)]
    return [each for each in told if each.operation == "old/only"][-1]


def test_a_run_that_has_aged_shows_what_it_counts_as_and_is_never_critical() -> None:
    brain, running = waiting(Band.BACKGROUND, Band.HIGH)
    record = brain.run("old")
    assert (record.band, record.effective_band) == (Band.BACKGROUND, Band.HIGH)
    brain.handle(finish(running, 10 * S))
    assert sent_last(brain).band is Band.HIGH
    assert brain.state.plan.queues["a/cpu0"][0] == "old/only"


def test_what_is_critical_comes_before_what_has_aged_and_is_not_stopped_for_it() -> None:
    brain, running = waiting(Band.BACKGROUND, Band.CRITICAL)
    assert brain.run("old").effective_band is Band.HIGH
    assert brain.state.plan.queues["a/cpu0"][-1] == "old/only"
    brain.handle(finish(running, 10 * S))
    assert "preempted" not in brain.state.counters


def test_once_it_has_started_it_is_what_it_was() -> None:
    brain, running = waiting(Band.BACKGROUND, Band.HIGH)
    brain.feed(finish(running, 10 * S), start(sent_last(brain), 10 * S))
    record = brain.run("old")
    assert (record.state, record.effective_band) == (RunState.RUNNING, Band.BACKGROUND)
