"""A machine is kept free for the next run of an urgent stream, where that run would be late."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import msgspec
import pytest

from scheduler.control.commands import Command, WakeAt
from scheduler.control.events import Event, Tick, WorkloadRemoved
from scheduler.control.records import Reason, RunRecord, RunState
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.control.planning.test_preemption import site
from tests.scheduler.site import added, agent_joined, model_workload, nature, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, folded, records, start

MS = 1_000
PERIOD_US = 50 * MS
ALARM_US, ALLOWED_US = 2 * MS, 8 * MS
LONG_US = 40 * MS
FILLED_US = 450 * MS
"""Arrival of long work for all machines: the stream has been there for a while."""


def world_of(
    times_us: Sequence[int],
    *,
    lanes: int = 2,
    longs: int = 10,
    more: dict[str, object] | None = None,
) -> World:
    """A critical stream with deadlines, and long work that fills all lanes."""
    world = World(Watched(), nature=nature())
    world.join("a", "box-a", agent_joined("a", lanes=lanes).machines, 0)
    world.send(added(single("alarm", "decode", declared_us=ALARM_US)))
    world.send(added(single("long", declared_us=LONG_US)))
    for i, at_us in enumerate(times_us):
        world.send(alarm(i, at_us, **more or {}))
    for i in range(longs):
        # Not in step with the stream: that would be another one.
        world.send(submitted(f"long-{i}", "long@1", at_us=FILLED_US + 7 * MS + i**2))
    world.run()
    return world


def alarm(number: int, at_us: int, **more: object) -> Event:
    settings = {"band": Band.CRITICAL, "deadline_us": at_us + ALLOWED_US, **more}
    return submitted(f"alarm-{number}", "alarm@1", at_us=at_us, drop_late=False, **settings)


def even(count: int = 24) -> list[int]:
    return [PERIOD_US * i for i in range(1, 1 + count)]


def chance(count: int = 24) -> list[int]:
    random = Random(3)
    return [PERIOD_US * i + random.randrange(40 * MS) for i in range(1, 1 + count)]


def last_records(world: World) -> dict[str, RunRecord]:
    said = world.commands
    return {record.run: record for told in said for record in records(told)}


def missed(world: World) -> int:
    found = last_records(world).values()
    return sum((r.ended_us or 0) > r.deadline_us for r in found if r.deadline_us is not None)


def longs_end_us(world: World) -> int:
    found = last_records(world).items()
    return max(record.ended_us or 0 for name, record in found if name.startswith("long"))


def test_a_critical_stream_keeps_its_deadlines_beside_long_work_on_all_machines() -> None:
    assert missed(world_of(even())) == 0


def test_without_a_rhythm_some_of_the_same_runs_are_late() -> None:
    assert missed(world_of(chance())) >= 2


def test_jittered_releases_are_kept_too() -> None:
    random = Random(5)
    times_us = [at_us + random.randrange(2 * MS) for at_us in even()]
    assert missed(world_of(times_us)) == 0


def test_the_long_work_is_held_up_by_less_than_half() -> None:
    alone_us = longs_end_us(world_of([])) - FILLED_US
    assert longs_end_us(world_of(even())) - FILLED_US <= 1.5 * alone_us


def test_long_work_that_fits_nowhere_between_releases_is_done_all_the_same() -> None:
    times_us = [30 * MS * i for i in range(1, 120)]
    world = world_of(times_us, lanes=1, longs=6)
    assert {record.state for record in last_records(world).values()} == {RunState.FINISHED}
    alone_us = 6 * LONG_US
    assert longs_end_us(world) - FILLED_US <= 5 * alone_us
    assert longs_end_us(world) < times_us[-1]


@pytest.mark.parametrize(
    "more", [{"deadline_us": None}, {"band": Band.NORMAL}, {"band": Band.BACKGROUND}]
)
def test_nothing_is_kept_for_a_stream_without_deadlines_or_no_more_urgent(
    more: dict[str, object],
) -> None:
    world = world_of(even(), more=more)
    assert "kept_free" not in world.brain.state.counters


def test_a_machine_that_is_free_in_time_by_itself_loses_nothing() -> None:
    world = world_of(even(), lanes=3, longs=2)
    assert "kept_free" not in world.brain.state.counters
    assert longs_end_us(world) <= FILLED_US + 10 * MS + LONG_US


def test_a_brain_that_folds_the_log_keeps_the_same_free() -> None:
    world = world_of(even(12), longs=4)
    assert isinstance(world.brain, Watched)
    said = [msgspec.json.encode(told) for told in world.brain.commands]
    assert folded(world.brain.log) == said


def filled(*, band: Band = Band.CRITICAL) -> tuple[Watched, int]:
    """Two lanes, a stream whose next run is due in 10 ms, and two long operations that came now."""
    brain = Watched()
    brain.feed(agent_joined(lanes=2), added(single("alarm", "decode", declared_us=ALARM_US)))
    brain.feed(added(single("long", declared_us=LONG_US)))
    for i, at_us in enumerate(even(8)):
        (sent,) = dispatches(brain.handle(alarm(i, at_us, band=band)))
        brain.feed(start(sent, at_us + 100), finish(sent, at_us + ALARM_US))
    now_us = 9 * PERIOD_US - 10 * MS
    (sent,) = dispatches(brain.handle(submitted("long-0", "long@1", at_us=now_us)))
    brain.handle(start(sent, now_us + 100))
    assert not dispatches(brain.handle(submitted("long-1", "long@1", at_us=now_us + 200)))
    return brain, now_us + 200


def sent_after(brain: Watched, event: Event) -> list[str]:
    return [dispatch.operation for dispatch in dispatches(brain.handle(event))]


def test_what_waits_says_for_what_its_machine_is_kept_free() -> None:
    brain, _ = filled()
    record = brain.run("long-1")
    assert record.reason == Reason.KEPT_FREE
    assert record.detail == "a/cpu1 is kept free for the next run of alarm@1"


def test_what_waits_goes_after_the_run_that_it_waited_for() -> None:
    brain, _ = filled()
    assert sent_after(brain, alarm(9, 9 * PERIOD_US)) == ["alarm-9/only", "long-1/only"]


def test_a_more_urgent_run_does_not_wait() -> None:
    brain, now_us = filled(band=Band.HIGH)
    urgent = submitted("now", "long@1", at_us=now_us + 100, band=Band.CRITICAL)
    assert dispatch_of(brain.handle(urgent), "now/only").planned_start_us == now_us + 100


def test_waiting_ends_when_the_stream_stops() -> None:
    brain, _ = filled()
    over_us = woken_us(brain.commands)
    assert 9 * PERIOD_US < over_us <= 9 * PERIOD_US + 10 * MS
    assert sent_after(brain, Tick(at_us=over_us)) == ["long-1/only"]


def test_waiting_ends_after_twice_what_it_takes_itself() -> None:
    brain = Watched()
    brain.feed(agent_joined(), added(single("alarm", "decode", declared_us=ALARM_US)))
    brain.feed(added(single("short", declared_us=5 * MS)))
    # Gaps of 80 to 120 ms: the next is expected for 40 ms.
    for i, at_ms in enumerate((0, 100, 180, 300, 390, 510, 600)):
        (sent,) = dispatches(brain.handle(alarm(i, at_ms * MS)))
        brain.feed(start(sent, at_ms * MS + 100), finish(sent, at_ms * MS + ALARM_US))
    brain.handle(Tick(at_us=650 * MS))  # the time that it was to be woken at before
    now_us = 681 * MS
    assert sent_after(brain, submitted("short", "short@1", at_us=now_us)) == []
    enough_us = woken_us(brain.commands)
    assert enough_us == now_us + 2 * (brain.op("short/only").duration_p95_us or 0) < 720 * MS
    assert sent_after(brain, Tick(at_us=enough_us)) == ["short/only"]


def test_waiting_ends_when_the_workload_is_removed() -> None:
    brain, now_us = filled()
    removed = WorkloadRemoved(at_us=now_us + 100, key="alarm@1")
    assert sent_after(brain, removed) == ["long-1/only"]


def test_a_dry_run_of_another_critical_run_counts_on_what_is_kept_free() -> None:
    brain, now_us = filled(band=Band.HIGH)
    question = submitted("dry", "long@1", at_us=now_us + 100, band=Band.CRITICAL)
    answer, _ = brain.preview(question)
    assert answer.record.operations[0].planned_start_us == now_us + 100


@pytest.mark.parametrize("terminates", [True, False])
def test_only_what_could_not_give_way_waits(terminates: bool) -> None:
    brain = site(terminates=terminates, functions=("decode",))
    brain.handle(added(single("alarm", "decode", declared_us=ALARM_US)))
    brain.handle(added(model_workload()))
    for i in range(1, 8):
        at_us = 1_000 * MS * i
        event = alarm(i, at_us, deadline_us=at_us + 100 * MS)
        (sent,) = dispatches(brain.handle(event))
        brain.feed(start(sent, at_us + 100), finish(sent, at_us + ALARM_US))
    slow = submitted("slow", "detect@1", at_us=7_990 * MS)
    assert sent_after(brain, slow) == (["slow/only"] if terminates else [])


def woken_us(said: list[list[Command]]) -> int:
    return [c.at_us for told in said for c in told if isinstance(c, WakeAt)][-1]
