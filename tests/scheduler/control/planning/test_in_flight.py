"""A machine is kept free for what is expected of a run in flight, and not for long."""

from __future__ import annotations

from scheduler.control.commands import Command, WakeAt
from scheduler.control.events import RunCancelled, RunSubmitted, Tick
from scheduler.control.records import Ahead, OperationState, Reason
from scheduler.model.messages import Dispatch
from scheduler.model.problem import Band
from tests.scheduler.site import added, agent_joined, chain, fan, single, submitted, value
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, start

MS = 1_000
NOW_US = 100 * MS
LONG_US, SHORT_US, TINY_US = 60 * MS, 8 * MS, 2 * MS


def site(lanes: int = 2) -> Watched:
    brain = Watched()
    brain.feed(agent_joined(lanes=lanes), added(fan(expected=4)), added(chain()))
    brain.feed(added(single("long", declared_us=LONG_US)))
    brain.feed(added(single("short", declared_us=SHORT_US)))
    brain.feed(added(single("tiny", declared_us=TINY_US)))
    return brain


def splitting(band: Band = Band.CRITICAL) -> tuple[Watched, Dispatch]:
    """A page whose list is there in 10 ms, by the plan; it fans out over both lanes then."""
    brain = site()
    page = submitted("page", "fan@1", at_us=NOW_US, band=band)
    split = dispatch_of(brain.handle(page), "page/split")
    brain.handle(start(split, NOW_US))
    return brain, split


def sent(told: list[Command]) -> list[str]:
    return [dispatch.operation for dispatch in dispatches(told)]


def background(name: str, workload: str, after_us: int = 0) -> RunSubmitted:
    return submitted(name, f"{workload}@1", at_us=NOW_US + after_us, band=Band.BACKGROUND)


def test_long_work_does_not_begin_just_before_a_fan_out_that_is_expected() -> None:
    brain, _ = splitting()
    assert sent(brain.handle(background("slow", "long"))) == []
    record = brain.run("slow")
    assert record.reason == Reason.KEPT_FREE
    assert record.detail.endswith("is kept free for page")


def test_short_work_goes_before_it_and_has_to_begin_in_time() -> None:
    brain, _ = splitting()
    told = brain.handle(background("quick", "short"))
    gate = dispatch_of(told, "quick/only").gate
    assert gate is not None
    assert gate.operation.startswith("page/read")
    assert gate.from_us == NOW_US + 10 * MS - SHORT_US
    assert gate.until_us == NOW_US + 10 * MS + brain.state.settings.late_floor_us


def test_what_waited_goes_after_what_it_waited_for() -> None:
    brain, split = splitting()
    brain.handle(background("slow", "long"))
    told = brain.handle(finish(split, NOW_US + 10 * MS, outputs={"out": value(4)}))
    machine = dispatch_of(told, "slow/only").machine
    there = [d.operation for d in dispatches(told) if d.machine == machine]
    assert there[0].startswith("page/read")
    assert there[-1] == "slow/only"


def test_nothing_waits_for_a_run_that_was_cancelled() -> None:
    brain, _ = splitting()
    brain.handle(background("slow", "long"))
    assert "slow/only" in sent(brain.handle(RunCancelled(at_us=NOW_US + MS, run="page")))


def test_nothing_is_kept_free_for_what_is_no_more_urgent() -> None:
    brain, _ = splitting(Band.BACKGROUND)
    assert sent(brain.handle(background("slow", "long"))) == ["slow/only"]


def test_no_operation_waits_longer_than_twice_what_it_takes() -> None:
    brain, _ = splitting()
    brain.handle(Tick(at_us=NOW_US + 9 * MS))
    # The list is late from now on, again and again; by the plan it comes in a moment.
    brain.handle(background("small", "tiny", 9 * MS + 500))
    since_us = brain.state.now_us
    for _ in range(50):
        if brain.op("small/only").state is OperationState.DISPATCHED:
            break
        brain.handle(Tick(at_us=woken_us(brain)))
    assert brain.op("small/only").state is OperationState.DISPATCHED
    p95_us = brain.op("small/only").duration_p95_us or 0
    late_us = brain.state.settings.late_floor_us
    assert brain.state.now_us - since_us <= 2 * p95_us + late_us


def test_a_start_that_was_under_way_says_what_it_went_ahead_of() -> None:
    brain = site(lanes=1)
    slow = dispatch_of(brain.handle(background("slow", "long")), "slow/only")
    brain.handle(submitted("page", "chain@1", at_us=NOW_US + 100, band=Band.CRITICAL))
    brain.handle(start(slow, NOW_US + 200))
    op = brain.op("slow/only")
    assert (op.ahead_of, op.ahead_why) == ("page/s0", Ahead.UNDER_WAY)


def woken_us(brain: Watched) -> int:
    return [c.at_us for told in brain.commands for c in told if isinstance(c, WakeAt)][-1]
