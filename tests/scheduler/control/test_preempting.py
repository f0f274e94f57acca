"""Whether what runs gives way to a critical run, by what that gains and what it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.commands import Command
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
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, plans, start

S = 1_000_000


def site(*, terminates: bool, duration_us: int = 5 * S) -> Watched:
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
        samples_us=(duration_us,) * 5,
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
    assert dispatch_of(told, "now/only").planned_start_us == 210_000
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


def test_only_critical_runs_stop_what_runs() -> None:
    brain = site(terminates=True)
    running(brain)
    brain.handle(submitted("soon", "detect@1", at_us=210_000, band=Band.HIGH))
    assert brain.op("slow/only").state is OperationState.RUNNING


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
    figure = brain.state.stops.stop("a/cpu0", "cpu")
    assert (figure.us, figure.provenance.value) == (80_000, "measured")
    elsewhere = brain.state.stops.stop("b/cpu0", "cpu")
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
    assert brain.state.stops.stop("a/cpu0", "cpu").provenance.value == "assumed"
    assert brain.run("slow").state is RunState.FINISHED
