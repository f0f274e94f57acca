"""Running work gives way to a critical run, or does not, by gain and cost."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from scheduler.control.commands import Command, WakeAt
from scheduler.control.events import RunCancelled, Tick
from scheduler.control.planning.preemption import has_given_way_enough
from scheduler.control.records import OperationState, RunState
from scheduler.model.messages import (
    AgentJoined,
    Dispatch,
    FailureReason,
    MachineDown,
    MachineReport,
    MachineUp,
    OperationFailed,
    OperationFinished,
    Profile,
    ProviderReport,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Band
from tests.scheduler.site import DIGEST, added, model_added, model_workload, submitted, value
from tests.scheduler.watched import (
    Watched,
    dispatch_of,
    dispatches,
    finish,
    folded,
    plans,
    records,
    start,
)

S = 1_000_000


def site(
    *,
    terminates: bool,
    duration_us: int = 5 * S,
    longest_us: int = 0,
    functions: tuple[str, ...] = (),
) -> Watched:
    """One machine that runs one model, whose runs its provider can or cannot stop."""
    cpu = ProviderReport(
        provider="cpu", device_class="cpu", verdict=Verdict.USABLE, terminates=terminates
    )
    lane = MachineReport(
        id="a/cpu0",
        device="a/cpu0",
        device_class="cpu",
        cores=(0,),
        memory_bytes=1 << 30,
        providers=(cpu,),
        functions=functions,
    )
    joined = AgentJoined(
        at_us=0, agent="a", incarnation="1", box="box-a", url="http://a", machines=(lane,)
    )
    brain = Watched()
    told = brain.feed(joined, model_added(), added(model_workload()))
    (profiling,) = dispatches(told)
    measured = Profile(
        digest=DIGEST,
        machine="a/cpu0",
        provider="cpu",
        verdict=Verdict.USABLE,
        samples_us=(*(duration_us,) * 5, longest_us or duration_us),
        load_us=400_000,
    )
    assert profiling.work.kind is WorkKind.PROFILE
    brain.feed(start(profiling, 1), replace(finish(profiling, 1_000), profile=measured))
    return brain


def run_of(brain: Watched, name: str, band: Band, at_us: int) -> Dispatch:
    told = brain.handle(submitted(name, "detect@1", at_us=at_us, band=band))
    return dispatch_of(told, f"{name}/only")


def running(brain: Watched) -> Dispatch:
    """A run of the background band that began at 10 ms."""
    sent = run_of(brain, "slow", Band.BACKGROUND, 10_000)
    brain.handle(start(sent, 10_000))
    return sent


def test_what_has_just_begun_gives_way_to_a_critical_run_and_comes_back() -> None:
    brain = site(terminates=True)
    slow = running(brain)
    told = brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    assert ("slow/only", slow.attempt) in plans(told)[-1].stop
    assert dispatch_of(told, "now/only").planned_start_us == 240_000  # a stop takes 30 ms
    assert brain.op("slow/only").failures[0].message == "gave way to now/only"
    brain.handle(stopped(slow, 225_000))
    urgent = dispatch_of(told, "now/only")
    brain.feed(start(urgent, 226_000), finish(urgent, 5 * S))
    again = dispatch_of(latest(brain), "slow/only")
    assert again.attempt == slow.attempt + 1
    brain.feed(start(again, 5 * S + 10), finish(again, 10 * S))
    assert brain.run("slow").state is RunState.FINISHED


def latest(brain: Watched) -> list[Command]:
    return [command for commands in brain.commands[::-1] for command in commands]


def stopped(sent: Dispatch, at_us: int) -> OperationFailed:
    return OperationFailed(
        at_us=at_us,
        operation=sent.operation,
        attempt=sent.attempt,
        run=sent.run,
        machine=sent.machine,
        reason=FailureReason.CANCELLED,
        message="stopped",
    )


def test_what_is_nearly_through_is_left_to_finish_with_the_figures() -> None:
    brain = site(terminates=True)
    running(brain)
    question = submitted("now", "detect@1", at_us=4 * S, band=Band.CRITICAL)
    answer, _ = brain.preview(question)
    (way,) = answer.preemptions
    assert way.lost_us == 4 * S - 10_000
    assert way.refused == f"it would cost {way.cost_us} us to gain {way.gain_us} us"
    brain.handle(question)
    assert brain.op("slow/only").state is OperationState.RUNNING
    assert brain.state.counters["preemptions_refused"] == 1


def test_dry_run_says_who_would_be_stopped_and_what_that_would_cost_them() -> None:
    brain = site(terminates=True)
    running(brain)
    question = submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL)
    answer, _ = brain.preview(question)
    (way,) = answer.preemptions
    assert (way.victim, way.run, way.ends_worker, way.refused) == ("slow/only", "slow", False, "")
    assert (way.lost_us, way.stop_us, way.restart_us, way.load_us) == (200_000, 30_000, 0, 0)
    assert way.provenance == "assumed"
    assert answer.preempted["slow"] == pytest.approx(5 * S + 200_000, rel=0.1)
    assert brain.op("slow/only").state is OperationState.RUNNING


def test_ending_a_worker_costs_its_restart_and_the_sessions() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    running(brain)
    answer, _ = brain.preview(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    (way,) = answer.preemptions
    assert way.ends_worker
    assert (way.restart_us, way.load_us) == (2 * S, 800_000)
    assert way.refused == ""
    (op,) = answer.record.operations
    assert op.planned_start_us == 210_000 + way.stop_us + way.restart_us


@pytest.mark.parametrize("terminates", [True, False])
def test_a_worker_ends_for_critical_runs_only(terminates: bool) -> None:
    brain = site(terminates=terminates)
    running(brain)
    brain.state.allowance.earn(60 * S)
    brain.handle(submitted("soon", "detect@1", at_us=210_000, band=Band.HIGH))
    still = OperationState.DISPATCHED if terminates else OperationState.RUNNING
    assert brain.op("slow/only").state is still


def test_less_than_critical_stops_nothing_once_much_was_thrown_away() -> None:
    brain = site(terminates=True)
    running(brain)
    brain.state.allowance.spend(S)
    brain.handle(submitted("soon", "detect@1", at_us=210_000, band=Band.HIGH))
    assert brain.op("slow/only").state is OperationState.RUNNING


def test_critical_work_stops_what_runs_at_a_loss_as_far_as_that_is_allowed() -> None:
    # With its session it takes until 710 ms: a stop saves 230 ms and throws away 440.
    question = submitted("now", "detect@1", at_us=450_000, band=Band.CRITICAL)
    for is_allowed in (True, False):
        brain = site(terminates=True, duration_us=300_000)
        running(brain)
        if is_allowed:
            brain.state.allowance.earn(60 * S)
        brain.handle(question)
        assert bool(brain.op("slow/only").failures) is is_allowed


def test_what_is_through_before_it_would_have_stopped_is_left_to_finish() -> None:
    brain = site(terminates=True, duration_us=300_000)
    running(brain)
    answer, _ = brain.preview(submitted("now", "detect@1", at_us=700_000, band=Band.CRITICAL))
    assert answer.preemptions[0].refused == "slow/only is through before it would have stopped"


def test_a_run_says_what_was_thrown_away_for_it() -> None:
    brain = site(terminates=True)
    running(brain)
    brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    assert brain.run("now").thrown_away_us == 200_000 + 30_000  # done, and until it stops
    assert brain.run("slow").thrown_away_us == 0
    assert brain.state.allowance.thrown_us == 230_000


@pytest.mark.parametrize(("band", "times"), [(Band.BACKGROUND, 3), (Band.NORMAL, 2)])
def test_each_stop_counts_as_one_band_more_urgent(band: Band, times: int) -> None:
    brain = site(terminates=True)
    sent = run_of(brain, "slow", band, 10_000)
    brain.handle(start(sent, 10_000))
    op, critical = brain.state.operations["slow/only"], Band.CRITICAL
    op.gave_way = times - 1
    assert not has_given_way_enough(op, critical)
    op.gave_way = times
    assert has_given_way_enough(op, critical)


def test_what_gave_way_often_enough_is_left_to_finish() -> None:
    brain = site(terminates=True)
    running(brain)
    brain.state.operations["slow/only"].gave_way = 3
    answer, _ = brain.preview(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    assert answer.preemptions[0].refused == "slow/only has given way 3 times already"


def test_stops_that_happened_say_what_the_next_one_takes() -> None:
    brain = site(terminates=True)
    slow = running(brain)
    brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    brain.handle(stopped(slow, 290_000))
    figure = brain.state.stops.stop("a/cpu0", "cpu", S)
    assert (figure.us, figure.provenance.value) == (80_000, "measured")
    elsewhere = brain.state.stops.stop("b/cpu0", "cpu", S)
    assert (elsewhere.us, elsewhere.provenance.value) == (80_000, "assumed")


def test_restarts_that_happened_say_what_the_next_one_takes() -> None:
    brain = site(terminates=False)
    brain.handle(MachineDown(at_us=1 * S, machine="a/cpu0", reason="crashed"))
    brain.handle(MachineUp(at_us=1 * S + 700_000, machine="a/cpu0"))
    figure = brain.state.stops.restart("a/cpu0")
    assert (figure.us, figure.provenance.value) == (700_000, "measured")


def test_what_finished_before_it_could_be_stopped_teaches_nothing() -> None:
    brain = site(terminates=True)
    slow = running(brain)
    brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    done = OperationFinished(
        at_us=220_000,
        operation=slow.operation,
        attempt=slow.attempt,
        run="slow",
        machine="a/cpu0",
        started_us=10_000,
        compute_us=1,
        outputs={"out": value()},
    )
    brain.handle(done)
    assert brain.state.stops.stop("a/cpu0", "cpu", S).provenance.value == "assumed"
    assert brain.run("slow").state is RunState.FINISHED


def ended(brain: Watched, *, at_us: int = 250_000) -> tuple[Dispatch, Dispatch]:
    """Work that gave way with its worker, and the critical operation that waits for another."""
    slow = running(brain)
    told = brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    urgent = dispatch_of(told, "now/only")
    brain.feed(stopped(slow, at_us), down(at_us))
    return slow, urgent


def down(at_us: int, *, is_planned: bool = True) -> MachineDown:
    return MachineDown(at_us=at_us, machine="a/cpu0", reason="ended", is_planned=is_planned)


def up(at_us: int) -> MachineUp:
    return MachineUp(at_us=at_us, machine="a/cpu0")


def test_worker_that_ends_to_make_way_costs_nobody_an_attempt() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    _, urgent = ended(brain)
    view = brain.view(300_000)
    assert [(m.state, m.reason) for m in view.machines] == [("restarting", "ended")]
    assert brain.run("now").detail == "planned on a/cpu0, whose worker is started again"
    brain.feed(up(700_000), start(urgent, 700_000), finish(urgent, 20 * S))
    assert (brain.op("now/only").attempt, brain.op("now/only").failures) == (urgent.attempt, ())
    again = dispatch_of(latest(brain), "slow/only")
    (record,) = records(brain.handle(start(again, 20 * S)))
    assert [op.state for op in record.operations] == [OperationState.RUNNING]
    brain.handle(finish(again, 40 * S))
    assert [each.message for each in brain.op("slow/only").failures] == ["gave way to now/only"]
    live = brain.state.operations["slow/only"]
    assert (live.own_failures, live.lost_attempts, live.excluded) == (0, 0, {})
    assert "retries" not in brain.state.counters


def test_machine_counts_from_when_its_next_worker_should_be_there() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    slow = running(brain)
    told = brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    assert dispatch_of(told, "now/only").planned_start_us == 210_000 + 30_000 + 2 * S
    brain.feed(stopped(slow, 250_000), down(250_000))
    assert brain.op("now/only").planned_start_us == 250_000 + 2 * S
    brain.handle(up(700_000))
    assert brain.op("now/only").planned_start_us == 700_000


@pytest.mark.parametrize("terminates", [True, False])
def test_a_worker_that_is_to_end_holds_no_sessions_any_more(terminates: bool) -> None:
    brain = site(terminates=terminates, duration_us=20 * S)
    running(brain)
    brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    assert brain.op("now/only").load_us == (0 if terminates else 400_000)


def test_machine_that_is_long_in_letting_go_is_expected_half_as_much_later() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    ended(brain, at_us=S)
    brain.handle(submitted("later", "detect@1", at_us=7 * S, band=Band.CRITICAL))
    assert brain.op("now/only").planned_start_us == 10 * S


def test_worker_that_ends_for_a_cancelled_run_costs_nobody_an_attempt() -> None:
    brain = site(terminates=False)
    slow = running(brain)
    brain.handle(RunCancelled(at_us=100_000, run="slow"))
    after = run_of(brain, "after", Band.NORMAL, 110_000)
    brain.feed(stopped(slow, 120_000), down(120_000), up(600_000))
    brain.feed(start(after, 600_000), finish(after, 6 * S))
    assert brain.run("after").state is RunState.FINISHED
    assert (brain.op("after/only").attempt, brain.op("after/only").failures) == (1, ())


@pytest.mark.parametrize("cancelled", ["slow", "now"])
def test_run_that_is_cancelled_while_one_gives_way_to_the_other_leaves_the_other_whole(
    cancelled: str,
) -> None:
    brain = site(terminates=False, duration_us=20 * S)
    ended(brain)
    told = brain.handle(RunCancelled(at_us=300_000, run=cancelled))
    brain.handle(up(700_000))
    (other,) = {"slow", "now"} - {cancelled}
    left = dispatch_of(told, f"{other}/only")
    brain.feed(start(left, 700_000), finish(left, 21 * S))
    assert brain.run(other).state is RunState.FINISHED
    assert brain.run(cancelled).state is RunState.CANCELLED


def test_machine_that_breaks_while_it_restarts_loses_what_waited_for_it() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    ended(brain)
    brain.handle(down(300_000, is_planned=False))
    assert [machine.state for machine in brain.view(300_000).machines] == ["down"]
    (lost,) = brain.op("now/only").failures
    assert lost.reason is FailureReason.MACHINE_DOWN
    urgent = dispatch_of(brain.handle(up(900_000)), "now/only")
    brain.feed(start(urgent, 900_000), finish(urgent, 21 * S))
    assert brain.run("now").state is RunState.FINISHED


def test_agent_that_begins_anew_while_its_worker_restarts_has_a_free_machine() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    joined = brain.log[0]
    assert isinstance(joined, AgentJoined)
    ended(brain)
    told = brain.handle(replace(joined, at_us=400_000, incarnation="2"))
    urgent = dispatch_of(told, "now/only")
    assert urgent.planned_start_us == 400_000
    brain.feed(start(urgent, 400_000), finish(urgent, 21 * S))
    assert brain.run("now").state is RunState.FINISHED


def test_crash_of_what_was_told_to_give_way_counts_once() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    slow = running(brain)
    brain.handle(submitted("now", "detect@1", at_us=210_000, band=Band.CRITICAL))
    crashed = replace(stopped(slow, 220_000), reason=FailureReason.WORKER_CRASHED)
    brain.feed(crashed, down(220_000, is_planned=False), up(800_000))
    live = brain.state.operations["slow/only"]
    # The attempt that waited for the machine is another one, which was lost with it.
    assert (live.own_failures, live.lost_attempts, slow.attempt in live.lost) == (1, 1, False)


def test_start_that_was_under_way_when_a_critical_run_came_gives_way_too() -> None:
    brain = site(terminates=True)
    slow = run_of(brain, "slow", Band.BACKGROUND, 10_000)
    brain.handle(submitted("now", "detect@1", at_us=10_100, band=Band.CRITICAL))
    told = brain.handle(start(slow, 10_050))
    assert ("slow/only", slow.attempt) in plans(told)[-1].stop
    assert brain.op("slow/only").failures[0].message == "gave way to now/only"


def test_what_was_left_to_finish_and_does_not_gives_way_after_all() -> None:
    brain = site(terminates=False, longest_us=60 * S)
    running(brain)
    brain.handle(submitted("now", "detect@1", at_us=4_500_000, band=Band.CRITICAL))
    assert brain.op("slow/only").state is OperationState.RUNNING
    for _ in range(2):  # the first wake was asked for when the machine was idle
        wake_us = next(each.at_us for each in latest(brain) if isinstance(each, WakeAt))
        brain.handle(Tick(at_us=wake_us))
    assert brain.op("slow/only").failures[0].message == "gave way to now/only"


def test_brain_that_folds_the_log_sees_the_same_stops() -> None:
    brain = site(terminates=False, duration_us=20 * S)
    _, urgent = ended(brain)
    brain.feed(up(700_000), start(urgent, 700_000))
    assert folded(brain.log) == [msgspec.json.encode(told) for told in brain.commands]


def test_stop_that_this_brain_did_not_ask_for_counts_for_nothing() -> None:
    """Decisions are not in the log: the brain before it may have had other figures."""
    brain = site(terminates=True)
    slow = running(brain)
    told = brain.handle(stopped(slow, 300_000))
    live = brain.state.operations["slow/only"]
    assert (live.own_failures, live.lost_attempts) == (0, 0)
    assert dispatch_of(told, "slow/only").attempt == slow.attempt + 1
