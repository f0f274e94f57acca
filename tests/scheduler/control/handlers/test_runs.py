"""Runs that come, go on, fan out, are overtaken, cancelled or too late."""

from __future__ import annotations

import pytest

from scheduler.control.brain import BrainSettings
from scheduler.control.commands import Command, ForgetRun, ReleaseInputs, WakeAt
from scheduler.control.events import ControllerStarted, RunCancelled, Tick
from scheduler.control.records import OperationState, Reason, RunState
from scheduler.model.errors import UnknownName
from scheduler.model.messages import FailureReason, TensorRef, Value, WorkKind
from scheduler.model.problem import Band
from scheduler.simulation.world import World
from tests.scheduler.site import (
    added,
    agent_joined,
    chain,
    fan,
    nature,
    single,
    submitted,
    value,
)
from tests.scheduler.watched import (
    Watched,
    dispatch_of,
    dispatches,
    finish,
    plans,
    queue,
    records,
    start,
)


@pytest.fixture
def brain() -> Watched:
    """One agent with one lane, and three workloads."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined())
    watched.feed(added(single()), added(chain()), added(fan()))
    return watched


def test_run_is_sent_at_once_and_ends_with_its_output(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", at_us=100))
    only = dispatch_of(told, "r-1/only")
    assert (only.machine, only.provider, only.work.kind) == (
        "a/cpu0",
        "python",
        WorkKind.FUNCTION,
    )
    assert only.work.outputs == ("out",)
    assert only.timeout_us == 30_000_000
    assert only.inputs[0].sources[0].value == value()
    brain.handle(start(only, 200))
    assert brain.run("r-1").state is RunState.RUNNING
    told = brain.handle(finish(only, 10_200, outputs={"out": value(box="box-a")}))
    run = brain.run("r-1")
    assert run.state is RunState.FINISHED
    assert run.outputs == {"y": value(box="box-a")}
    assert [c.release.run for c in told if isinstance(c, ReleaseInputs)] == ["r-1"]
    # No other plan takes the release along, so it gets one of its own.
    due_us = next(c.at_us for c in told if isinstance(c, WakeAt))
    told = brain.handle(Tick(at_us=due_us))
    assert plans(told)[0].release[0].keep == ("box-a/x",)


def test_finish_on_plan_does_not_plan_again(brain: Watched) -> None:
    told = brain.feed(submitted("r-1", at_us=100), submitted("r-2", at_us=100))
    replans = brain.state.counters["replans"]
    first, second = dispatch_of(told, "r-1/only"), dispatch_of(told, "r-2/only")
    brain.feed(start(first, 100), finish(first, 10_100), start(second, 10_200))
    assert brain.state.counters["replans"] == replans
    assert brain.op("r-2/only").planned_start_us == 10_100


def test_finish_far_off_plan_plans_again(brain: Watched) -> None:
    told = brain.feed(submitted("r-1", at_us=100), submitted("r-2", at_us=100))
    first = dispatch_of(told, "r-1/only")
    brain.feed(start(first, 100), finish(first, 90_000, took_us=89_900))
    planned = brain.op("r-2/only").planned_start_us
    assert planned is not None
    assert planned >= 90_000


def test_finishes_off_a_fresh_plan_are_planned_for_once(brain: Watched) -> None:
    told = brain.feed(*(submitted(f"r-{i:02}", at_us=100) for i in range(30)))
    replans = brain.state.counters["replans"]
    # The plan is as long as 300 ms, so it has 30 ms; operations take a tenth of what they should.
    at_us = 100
    for sent in dispatches(told)[-10:]:
        told = brain.feed(start(sent, at_us), finish(sent, at_us + 1_000, took_us=1_000))
        at_us += 1_000
    assert brain.state.counters["replans"] == replans
    due_us = min(c.at_us for each in brain.commands for c in each if isinstance(c, WakeAt))
    assert due_us == 100 + 30_000
    brain.handle(Tick(at_us=due_us))
    assert brain.state.counters["replans"] == replans + 1


def test_fan_out_as_long_as_expected_is_sent_without_planning_again(brain: Watched) -> None:
    split = dispatch_of(brain.handle(submitted("r-1", "fan@1", at_us=0)), "r-1/split")
    brain.handle(start(split, 0))
    replans = brain.state.counters["replans"]
    told = brain.handle(finish(split, 10_000, outputs={"out": value(3)}))
    assert [d.operation for d in dispatches(told)][:3] == [f"r-1/read[{i}]" for i in range(3)]
    assert brain.state.counters["replans"] == replans


def test_overdue_operation_does_not_make_its_machine_look_free() -> None:
    brain = Watched()
    brain.feed(agent_joined(lanes=2), added(single(declared_us=10_000)))
    told = brain.feed(submitted("r-1"), submitted("r-2"))
    first, second = dispatch_of(told, "r-1/only"), dispatch_of(told, "r-2/only")
    brain.feed(start(first, 0), start(second, 28_000))
    # Expected 10 ms, p95 20 ms: after 30 ms it may take as long again, the other ends at 38 ms.
    told = brain.handle(submitted("r-3", at_us=30_000, band=Band.CRITICAL))
    assert dispatch_of(told, "r-3/only").machine == second.machine != first.machine


def test_work_behind_an_overdue_operation_moves_to_the_machine_that_frees_first() -> None:
    brain = Watched()
    brain.feed(agent_joined(lanes=2), added(single(declared_us=10_000)))
    told = brain.feed(*(submitted(f"r-{i}") for i in range(4)))
    by_machine = {
        machine: queue(told, machine) for plan in plans(told)[-1:] for machine in plan.queues
    }
    stuck, freed = ([dispatch_of(told, name) for name in names] for names in by_machine.values())
    brain.feed(start(stuck[0], 0), start(freed[0], 0), finish(freed[0], 10_000))
    brain.handle(start(freed[1], 10_000))
    told = brain.handle(finish(freed[1], 40_000, took_us=30_000))
    assert queue(told, freed[0].machine) == [stuck[1].operation]


def test_what_overtook_keeps_the_next_slot_that_it_was_promised() -> None:
    brain = Watched()
    brain.feed(agent_joined(lanes=2), added(single(declared_us=10_000)))
    told = brain.feed(*(submitted(f"r-{i}", band=Band.BACKGROUND) for i in range(6)))
    first, second = dispatch_of(told, "r-0/only"), dispatch_of(told, "r-1/only")
    brain.feed(start(first, 0), start(second, 0))
    told = brain.handle(submitted("urgent", at_us=1_000, band=Band.CRITICAL))
    promised = dispatch_of(told, "urgent/only").machine
    other = second if promised == first.machine else first
    # Its agent has begun the next operation there by the time that it tells of this one.
    brain.handle(finish(other, 300_000, took_us=300_000))
    assert brain.op("urgent/only").machine == promised


def test_critical_run_overtakes_all_queued_background_runs(brain: Watched) -> None:
    world = World(brain, nature=nature(spread=0.3), seed=5)
    world.join("a", "box-a", agent_joined().machines, 0)
    for i in range(30):
        world.send(submitted(f"b-{i}", at_us=1_000 + i, band=Band.BACKGROUND))
    world.send(submitted("critical", at_us=60_000, band=Band.CRITICAL))
    world.run()
    ended = [r.run for c in brain.commands for r in records(c) if r.state is RunState.FINISHED]
    order = list(dict.fromkeys(ended))
    was_ahead = order.index("critical")
    began_before = sum(
        (run := brain_run_started(brain, f"b-{i}")) is not None and run < 60_200 for i in range(30)
    )
    assert was_ahead <= began_before < 30
    assert brain.state.counters["preemptions"] >= 20
    assert len(order) == 31
    assert not brain.state.inversions


def brain_run_started(brain: Watched, run: str) -> int | None:
    started = [r.started_us for c in brain.commands for r in records(c) if r.run == run]
    return next((at_us for at_us in started if at_us is not None), None)


def test_window_holds_eight_and_is_refilled_when_half_is_gone(brain: Watched) -> None:
    brain.feed(added(single("long", declared_us=20_000)))
    runs = [f"r-{i:02}" for i in range(20)]
    told = brain.feed(*(submitted(run, "long@1", at_us=100) for run in runs))
    assert len(queue(told, "a/cpu0")) == 8
    sent = {d.run: d for d in dispatches(told)}
    for i in range(3):
        at_us = 100 + 20_000 * i
        assert not plans(brain.feed(start(sent[runs[i]], at_us)))
        assert not plans(brain.feed(finish(sent[runs[i]], at_us + 20_000, took_us=20_000)))
    told = brain.handle(start(sent["r-03"], 60_100))
    assert queue(told, "a/cpu0") == [f"{run}/only" for run in runs[4:12]]
    # The release of tensors rides along: it was not worth a plan of its own.
    assert [release.run for release in plans(told)[0].release] == runs[:3]


def test_window_of_short_operations_holds_a_tenth_of_a_second_of_work(brain: Watched) -> None:
    brain.feed(added(single("short", declared_us=5_000)))
    told = brain.feed(*(submitted(f"r-{i:02}", "short@1", at_us=100) for i in range(40)))
    assert len(queue(told, "a/cpu0")) == 20


def test_window_is_short_while_critical_runs_come_and_go(brain: Watched) -> None:
    brain.feed(added(single("short", declared_us=5_000)))
    told = brain.handle(submitted("urgent", "short@1", at_us=100, band=Band.CRITICAL))
    only = dispatch_of(told, "urgent/only")
    brain.feed(start(only, 200), finish(only, 5_200, took_us=5_000))
    told = brain.feed(*(submitted(f"r-{i:02}", "short@1", at_us=6_000) for i in range(40)))
    assert len(queue(told, "a/cpu0")) == 4
    told = brain.handle(submitted("later", "short@1", at_us=2_000_000))
    assert len(queue(told, "a/cpu0")) == 20


def test_window_never_holds_more_than_the_most(brain: Watched) -> None:
    brain.feed(added(single("tiny", declared_us=100)))
    told = brain.feed(*(submitted(f"r-{i:02}", "tiny@1", at_us=100) for i in range(80)))
    assert len(queue(told, "a/cpu0")) == 64


def test_lanes_do_not_wait_for_the_brain_between_short_operations() -> None:
    """A plan takes 20 ms to come and go: longer than eight operations of a millisecond."""
    brain = Watched()
    world = World(brain, nature=nature(), hop_us=10_000)
    world.join("a", "box-a", agent_joined().machines, 0)
    world.send(added(single("short", declared_us=1_000)))
    for i in range(200):
        world.send(submitted(f"r-{i:03}", "short@1", at_us=1_000))
    world.run()
    ended_us = max(record.ended_us or 0 for each in brain.commands for record in records(each))
    # One way for the plan, 200 ms of work, one way for the last report.
    assert ended_us <= 1_000 + 10_000 + 200_000 + 10_000 + 5_000


def test_fan_out_grows_to_its_real_length_and_gathers_in_order(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "fan@1", at_us=0))
    split = dispatch_of(told, "r-1/split")
    assert [d.operation for d in dispatches(told)] == ["r-1/split"]
    expected = [op for op in brain.run("r-1").operations if op.state is OperationState.EXPECTED]
    assert len(expected) == 6
    told = brain.handle(finish(split, 10_000, outputs={"out": value(4)}))
    reads = [op.operation for op in brain.run("r-1").operations if op.stage == "read"]
    assert reads == [f"r-1/read[{i}]" for i in range(4)]
    finish_all(brain, told, 10_000)
    ended = brain.run("r-1")
    assert ended.state is RunState.FINISHED
    assert [tensor.key for tensor in ended.outputs["parts"].tensors] == [
        f"r-1/score[{i}]" for i in range(4)
    ]


def finish_all(brain: Watched, told: list[Command], at_us: int) -> None:
    """Finish whatever is sent, in order; each output's key is the name of its operation."""
    todo = {d.operation: d for d in dispatches(told)}
    while todo:
        dispatch = todo.pop(next(iter(todo)))
        at_us += 10_000
        key = dispatch.operation
        ref = TensorRef(dtype="uint8", shape=(1,), size_bytes=1, box="box-a", key=key)
        output = {"out": Value(tensors=(ref,))}
        told = brain.handle(finish(dispatch, at_us, outputs=output))
        todo |= {d.operation: d for d in dispatches(told)}


def test_gather_of_no_items_is_an_empty_list(brain: Watched) -> None:
    split = dispatch_of(brain.handle(submitted("r-1", "fan@1", at_us=0)), "r-1/split")
    told = brain.handle(finish(split, 10_000, outputs={"out": value(0)}))
    gather = dispatch_of(told, "r-1/gather")
    assert gather.inputs[0].gather
    assert gather.inputs[0].sources == ()
    brain.handle(finish(gather, 12_000))
    assert brain.run("r-1").outputs["parts"] == value(0)


def test_lengths_that_were_seen_are_expected_of_the_next_run(brain: Watched) -> None:
    split = dispatch_of(brain.handle(submitted("r-1", "fan@1", at_us=0)), "r-1/split")
    brain.handle(finish(split, 10_000, outputs={"out": value(7)}))
    brain.handle(submitted("r-2", "fan@1", at_us=11_000))
    assert sum(op.stage == "read" for op in brain.run("r-2").operations) == 7


def test_run_is_dropped_at_its_deadline_and_never_sent_after(brain: Watched) -> None:
    told = brain.feed(
        submitted("r-1", "chain@1", at_us=0, deadline_us=15_000),
        submitted("r-2", "chain@1", at_us=0, deadline_us=15_000, drop_late=False),
    )
    assert [c.at_us for c in told if isinstance(c, WakeAt)] == [15_000]
    told = brain.handle(Tick(at_us=15_000))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.DEADLINE.value)
    assert {name for plan in plans(told) for name, _ in plan.stop} >= {"r-1/s0"}
    assert brain.run("r-2").state is RunState.QUEUED


def test_dropped_missed_and_met_deadlines_are_counted(brain: Watched) -> None:
    brain.handle(submitted("r-1", at_us=0, deadline_us=15_000))
    brain.handle(Tick(at_us=15_000))
    for run, deadline_us in (("r-2", 100_000), ("r-3", 20_000)):
        told = brain.handle(submitted(run, at_us=16_000, deadline_us=deadline_us, drop_late=False))
        only = dispatch_of(told, f"{run}/only")
        brain.handle(start(only, 17_000))
        brain.handle(finish(only, 25_000, outputs={"out": value(box="box-a")}))
    counters = brain.view(25_000).counters
    told_of = {name: counters[f"runs_{name}"] for name in ("failed", "dropped", "missed", "met")}
    assert told_of == {"failed": 1, "dropped": 1, "missed": 2, "met": 1}


def test_cancelled_run_is_stopped_wherever_it_is(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "chain@1", at_us=0))
    first = dispatch_of(told, "r-1/s0")
    brain.handle(start(first, 100))
    told = brain.handle(RunCancelled(at_us=200, run="r-1", reason="changed my mind"))
    plan = plans(told)[0]
    assert plan.stop[0] == ("r-1/s0", 1)
    assert not plan.queues
    run = brain.run("r-1")
    assert (run.state, run.detail) == (RunState.CANCELLED, "changed my mind")
    assert not plans(brain.handle(finish(first, 10_000)))
    assert brain.run("r-1").state is RunState.CANCELLED


def test_duplicate_of_any_event_changes_nothing(brain: Watched) -> None:
    told = brain.handle(submitted("r-1", "chain@1", at_us=100))
    first = dispatch_of(told, "r-1/s0")
    for event in (
        submitted("r-1", "chain@1", at_us=100),
        agent_joined(),
        ControllerStarted(at_us=0, epoch=1),
    ):
        assert not brain.handle(event)
    brain.handle(start(first, 200))
    assert not brain.handle(start(first, 200))
    brain.handle(finish(first, 10_100))
    assert not brain.handle(finish(first, 10_100))


def test_run_without_a_machine_says_what_would_unblock_it() -> None:
    brain = Watched()
    brain.feed(added(single()), submitted("r-1", at_us=100))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.QUEUED, Reason.NO_MACHINE.value)
    assert run.detail == "waits for a machine to join that runs function work"
    told = brain.handle(agent_joined(at_us=200))
    assert dispatch_of(told, "r-1/only").machine == "a/cpu0"


def test_run_rules_bar_machines_and_are_shown(brain: Watched) -> None:
    brain.handle(agent_joined("b"))
    told = brain.handle(submitted("r-1", at_us=100, forbid=("a/*",)))
    assert dispatch_of(told, "r-1/only").machine == "b/cpu0"
    chosen, *others = brain.op("r-1/only").candidates
    assert (chosen.machine, chosen.reason) == ("b/cpu0", None)
    assert [(c.machine, c.reason) for c in others] == [("a/cpu0", Reason.FORBIDDEN)]


def test_run_of_an_unknown_workload_fails_with_the_reason(brain: Watched) -> None:
    brain.handle(submitted("r-1", "gone@1", at_us=100))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.INVALID.value)


def test_controller_that_takes_office_sends_every_plan_again(brain: Watched) -> None:
    before = brain.feed(submitted("r-1", "chain@1", at_us=100))
    told = brain.handle(ControllerStarted(at_us=500, epoch=2))
    (plan,) = plans(told)
    assert plan.epoch == 2
    assert plan.version > plans(before)[-1].version
    assert queue(told, "a/cpu0") == queue(before, "a/cpu0")
    assert [record.run for record in records(told)] == ["r-1"]


def test_ended_runs_are_forgotten_when_their_time_is_over(brain: Watched) -> None:
    only = dispatch_of(brain.handle(submitted("r-1", at_us=0)), "r-1/only")
    brain.handle(finish(only, 10_000))
    told = brain.handle(Tick(at_us=10_000 + 600_000_000))
    assert [c.release.run for c in told if isinstance(c, ForgetRun)] == ["r-1"]
    assert plans(told)[0].release[0].keep == ()
    assert brain.record("r-1") is None


def test_preview_predicts_and_changes_nothing(brain: Watched) -> None:
    brain.feed(*(submitted(f"b-{i}", at_us=100, band=Band.BACKGROUND) for i in range(3)))
    before = brain.view(200)
    answer, problem = brain.preview(
        submitted("r-1", "fan@1", at_us=200, band=Band.CRITICAL, inputs={})
    )
    assert brain.view(200) == before
    assert brain.record("r-1") is None
    assert answer.record.predicted_p50_us is not None
    assert answer.makespan_us >= answer.bound_us > 0
    assert set(answer.preempted) == {"b-0", "b-1", "b-2"}
    assert len(problem.operations) == 3 + 8


def test_preview_without_an_eligible_machine_gives_the_reason() -> None:
    brain = Watched()
    brain.handle(added(single()))
    answer, _ = brain.preview(submitted("r-1", at_us=5))
    assert (answer.makespan_us, answer.record.reason) == (0, Reason.NO_MACHINE.value)


def test_preview_of_an_unknown_workload_names_the_choices(brain: Watched) -> None:
    with pytest.raises(UnknownName, match="one of one@1, chain@1, fan@1; got 'x@1'"):
        brain.preview(submitted("r-1", "x@1"))


def test_no_more_than_the_horizon_is_planned() -> None:
    brain = Watched(BrainSettings(plan_horizon_operations=10))
    brain.feed(agent_joined(), added(single()))
    brain.feed(*(submitted(f"r-{i}", at_us=100) for i in range(15)))
    assert len(brain.state.plan.planned) == 10
    waiting = brain.run("r-14")
    assert waiting.reason == Reason.WAITS_FOR_MACHINE.value
    assert "10 most urgent operations" in waiting.detail


def test_what_was_beyond_the_horizon_is_planned_when_there_is_room() -> None:
    brain = Watched(BrainSettings(plan_horizon_operations=10))
    world = World(brain, nature=nature(), seed=1)
    world.join("a", "box-a", agent_joined().machines, 0)
    world.send(added(single()))
    for i in range(40):
        world.send(submitted(f"r-{i}", at_us=100))
    world.run()
    assert brain.state.counters["runs_finished"] == 40
    assert brain.state.counters["replans"] < 40


def test_a_wake_up_for_what_is_through_by_then_is_put_off() -> None:
    brain = Watched()
    sent = dispatch_of(brain.feed(agent_joined(), added(single()), submitted("r")), "r/only")
    brain.feed(start(sent, 100))
    looks_us = brain.state.wake_us
    told = brain.feed(finish(sent, 200))
    wakes = [each.at_us for each in told if isinstance(each, WakeAt)]
    assert looks_us is not None
    assert brain.state.wake_us == wakes[-1] != looks_us
