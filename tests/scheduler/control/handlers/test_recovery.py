"""Failures, lost machines and agents, late reports: the first result wins, and nothing is lost."""

from __future__ import annotations

import pytest

from scheduler.control.events import ControllerStarted
from scheduler.control.records import OperationState, Reason, RunState
from scheduler.model.messages import (
    AgentDraining,
    AgentLost,
    FailureReason,
    MachineDown,
    MachineUp,
)
from tests.scheduler.site import added, agent_joined, chain, single, submitted, value
from tests.scheduler.watched import Watched, dispatch_of, fail, finish, plans, queue, start


@pytest.fixture
def brain() -> Watched:
    """Two agents on two boxes, each with one lane."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined("a"), agent_joined("b"))
    watched.feed(added(single()), added(chain()))
    return watched


def test_failed_operation_is_tried_on_another_machine_then_the_run_tells_the_story(
    brain: Watched,
) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    told = brain.feed(start(first, 200), fail(first, 900, message="bad sum"))
    second = dispatch_of(told, "r-1/only")
    assert (first.machine, second.machine, second.attempt) == ("a/cpu0", "b/cpu0", 2)
    reasons = {c.machine: c.reason for c in brain.op("r-1/only").candidates}
    assert reasons == {"b/cpu0": None, "a/cpu0": Reason.FAILED_BEFORE}
    brain.feed(start(second, 1_000), fail(second, 1_900, FailureReason.OUT_OF_MEMORY, "no room"))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.OUT_OF_MEMORY.value)
    assert run.detail == "r-1/only: no other machine can run it; no room"
    assert [(f.attempt, f.machine, f.message) for f in run.operations[0].failures] == [
        (1, "a/cpu0", "bad sum"),
        (2, "b/cpu0", "no room"),
    ]


def test_invalid_input_is_not_tried_again(brain: Watched) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    brain.handle(fail(first, 900, FailureReason.INVALID, "rank 3, not 4"))
    run = brain.run("r-1")
    assert (run.state, run.detail) == (RunState.FAILED, "r-1/only: rank 3, not 4")


def test_crash_is_tried_again_on_the_same_machine_if_there_is_no_other() -> None:
    brain = Watched()
    brain.feed(agent_joined("a"), added(single()))
    only = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    for attempt in range(1, 3):
        assert only.attempt == attempt
        at_us = attempt * 1_000
        brain.feed(
            start(only, at_us),
            MachineDown(at_us=at_us + 100, machine="a/cpu0", reason="crashed"),
            fail(only, at_us + 200, FailureReason.WORKER_CRASHED),
        )
        assert brain.run("r-1").reason == Reason.MACHINE_DOWN.value
        only = dispatch_of(brain.handle(MachineUp(at_us=at_us + 300, machine="a/cpu0")), "r-1/only")
    brain.handle(fail(only, 5_000, FailureReason.WORKER_CRASHED))
    assert brain.run("r-1").state is RunState.FAILED


def test_machine_down_gives_its_work_to_others_and_is_not_the_works_fault(brain: Watched) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    brain.handle(start(first, 200))
    told = brain.handle(MachineDown(at_us=300, machine="a/cpu0", reason="worker died"))
    assert dispatch_of(told, "r-1/only").machine == "b/cpu0"
    assert brain.op("r-1/only").failures[0].reason is FailureReason.MACHINE_DOWN
    machine = next(m for m in brain.view(400).machines if m.report.id == "a/cpu0")
    assert (machine.state, machine.reason, machine.running) == ("down", "worker died", "")


def test_what_brought_its_machine_down_is_blamed_when_that_is_reported_after(
    brain: Watched,
) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    brain.feed(
        start(first, 200),
        MachineDown(at_us=300, machine="a/cpu0", reason="worker died"),
        fail(first, 310, FailureReason.WORKER_CRASHED, "signal 11"),
        MachineUp(at_us=400, machine="a/cpu0"),
    )
    live = brain.state.operations["r-1/only"]
    assert (live.own_failures, live.lost_attempts) == (1, 0)
    assert ("a/cpu0", "python") in live.excluded


def test_lost_agent_has_its_running_and_queued_work_done_by_others(brain: Watched) -> None:
    told = brain.feed(*(submitted(f"r-{i}", at_us=100) for i in range(6)))
    on_a = queue(told, "a/cpu0")
    assert len(on_a) == 3
    brain.handle(start(dispatch_of(told, on_a[0]), 200))
    told = brain.handle(AgentLost(at_us=3_000_000, agent="a"))
    assert set(queue(told, "b/cpu0")) >= set(on_a)
    assert brain.agents() == {"b": "1"}


def test_what_only_a_lost_box_held_is_made_again(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "chain@1", at_us=100, forbid=("b/*",)))
    for stage in ("s0", "s1"):
        out = {"out": value(box="box-a")}
        brain.handle(finish(dispatch_of(told, f"r-1/{stage}"), 10_000, outputs=out))
    brain.handle(AgentLost(at_us=20_000, agent="a"))
    states = [op.state for op in brain.run("r-1").operations]
    assert states == [OperationState.WAITING] * 3
    told = brain.handle(agent_joined("a", incarnation="2", at_us=30_000))
    assert queue(told, "a/cpu0") == ["r-1/s0", "r-1/s1", "r-1/s2"]


def test_what_was_made_again_is_shown_as_it_is_now(brain: Watched) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", "chain@1", at_us=100)), "r-1/s0")
    brain.handle(finish(first, 10_000, outputs={"out": value(box=f"box-{first.machine[0]}")}))
    assert "r-1/s0" in {bar.operation for bar in brain.view(15_000).bars if bar.ended_us == 10_000}
    told = brain.handle(AgentLost(at_us=20_000, agent=first.machine[0]))
    second = dispatch_of(told, "r-1/s0")
    brain.handle(finish(second, 40_000, outputs={"out": value()}))
    bar = next(bar for bar in brain.view(50_000).bars if bar.operation == "r-1/s0")
    assert (bar.machine, bar.ended_us) == (second.machine, 40_000)


def test_what_travels_inside_messages_survives_its_box(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "chain@1", at_us=100, forbid=("b/*",)))
    brain.handle(finish(dispatch_of(told, "r-1/s0"), 10_000))
    brain.handle(AgentLost(at_us=20_000, agent="a"))
    assert brain.op("r-1/s0").state is OperationState.DONE


def test_unreadable_input_is_made_again_without_blame(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "chain@1", at_us=100, forbid=("b/*",)))
    out = {"out": value(box="box-a")}
    brain.handle(finish(dispatch_of(told, "r-1/s0"), 10_000, outputs=out))
    second = dispatch_of(told, "r-1/s1")
    told = brain.handle(fail(second, 11_000, FailureReason.INPUT_LOST, "no such file"))
    assert queue(told, "a/cpu0") == ["r-1/s0", "r-1/s1", "r-1/s2"]
    assert brain.state.operations["r-1/s1"].own_failures == 0


def test_late_result_of_a_given_up_attempt_wins_and_stops_the_newer(brain: Watched) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    told = brain.handle(AgentLost(at_us=200, agent=first.machine.split("/")[0]))
    second = dispatch_of(told, "r-1/only")
    told = brain.handle(finish(first, 300, took_us=100))
    assert brain.run("r-1").state is RunState.FINISHED
    assert plans(told)[0].stop == (("r-1/only", 2),)
    assert not plans(brain.handle(finish(second, 400, took_us=100)))


def test_late_result_on_a_lost_box_is_of_no_use(brain: Watched) -> None:
    first = dispatch_of(brain.handle(submitted("r-1", at_us=100)), "r-1/only")
    brain.handle(AgentLost(at_us=200, agent="a"))
    brain.handle(finish(first, 300, took_us=100, outputs={"out": value(box="box-a")}))
    assert brain.op("r-1/only").state is OperationState.DISPATCHED


def test_draining_agent_keeps_what_runs_and_gives_up_what_does_not(brain: Watched) -> None:
    told = brain.feed(*(submitted(f"r-{i}", at_us=100) for i in range(4)))
    runs, waits = queue(told, "a/cpu0")
    brain.handle(start(dispatch_of(told, runs), 200))
    told = brain.handle(AgentDraining(at_us=300, agent="a"))
    assert brain.op(runs).machine == "a/cpu0"
    assert brain.op(waits).machine == "b/cpu0"
    plan = next(plan for plan in plans(told) if plan.agent == "a")
    assert (plan.stop, plan.queues) == (((waits, 1),), {})


def test_consumer_elsewhere_is_told_by_the_peer_or_else_by_the_brain() -> None:
    brain = Watched()
    brain.feed(agent_joined("a"), agent_joined("b"), added(chain()))
    told = brain.handle(submitted("r-1", "chain@1", at_us=100))
    brain.handle(fail(dispatch_of(told, "r-1/s1"), 200))
    live = brain.state.operations
    assert [live[f"r-1/s{i}"].agent for i in range(2)] == ["a", "b"]
    assert live["r-1/s0"].notify == ()
    told = brain.handle(finish(dispatch_of(told, "r-1/s0"), 10_100))
    source = dispatch_of(told, "r-1/s1").inputs[0].sources[0]
    assert source.value == value()
    assert live["r-1/s1"].notify == ("a",)
