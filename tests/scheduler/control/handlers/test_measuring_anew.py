"""Measuring anew, asked for or to fill gaps: bounded, and never beside a critical run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.commands import KeepProfile, WakeAt
from scheduler.control.events import ControllerStarted, ProfileRequested, Tick
from scheduler.control.records import OperationState, Reason, RunState
from scheduler.control.settings import BrainSettings
from scheduler.model.messages import (
    MOST_SESSIONS,
    Dispatch,
    FailureReason,
    MachineDown,
    MachineUp,
    OperationFinished,
    Profile,
    Value,
    Verdict,
)
from scheduler.model.problem import Band
from tests.scheduler.site import (
    DIGEST,
    SECOND_US,
    added,
    agent_joined,
    lane,
    model_added,
    model_workload,
    single,
    submitted,
    value,
)
from tests.scheduler.watched import Watched, dispatch_of, dispatches, fail, finish, plans, start

OTHER = {"x": (4, 3)}


def brain_with_model(settings: BrainSettings | None = None, *, lanes: int = 2) -> Watched:
    """One box whose model is measured on every lane, at one second."""
    watched = Watched(settings)
    watched.feed(
        ControllerStarted(at_us=0, epoch=1),
        agent_joined(lanes=lanes),
        added(single()),
        added(model_workload()),
    )
    for profile in dispatches(watched.handle(model_added(100)))[-lanes:]:
        watched.handle(measured(profile, SECOND_US))
    return watched


def measured(dispatch: Dispatch, at_us: int, took_us: int = 50_000) -> OperationFinished:
    shapes = {name: tuple(shape) for name, shape in dispatch.work.params["shapes"].items()}
    profile = Profile(
        digest=DIGEST,
        machine=dispatch.machine,
        provider=dispatch.provider,
        verdict=Verdict.USABLE,
        shapes=shapes,
        samples_us=(2_000,) * 10,
    )
    return replace(finish(dispatch, at_us, outputs={}, took_us=took_us), profile=profile)


def ask(run: str = "q-1", at_us: int = 2 * SECOND_US, **more: object) -> ProfileRequested:
    return ProfileRequested(at_us=at_us, run=run, digest=DIGEST, **more)  # type: ignore[arg-type]


def test_a_model_is_measured_anew_where_it_was_asked_for() -> None:
    brain = brain_with_model()
    told = brain.handle(ask(machines=("a/cpu1",), shapes=OTHER, operators=True))
    (only,) = dispatches(told)
    assert (only.machine, only.band) == ("a/cpu1", Band.BACKGROUND)
    assert only.work.params["shapes"] == {"x": [4, 3]}
    assert only.work.params["operators"] is True
    told = brain.handle(measured(only, 3 * SECOND_US))
    (kept,) = [c.profile for c in told if isinstance(c, KeepProfile)]
    assert (kept.shapes, kept.at_us, kept.provenance) == (OTHER, 3 * SECOND_US, "measured")
    assert brain.run("q-1").state is RunState.FINISHED
    assert {p.shapes["x"] for p in brain.view(4 * SECOND_US).profiles} == {(1, 3)}


def test_asking_for_what_is_nowhere_fails_with_a_reason() -> None:
    brain = brain_with_model()
    brain.handle(ask(machines=("b/*",)))
    run = brain.run("q-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.INVALID.value)
    assert run.detail == "nothing is usable there"


def test_nothing_is_measured_beside_a_critical_run_that_runs() -> None:
    brain = brain_with_model()
    told = brain.handle(submitted("r-1", at_us=2 * SECOND_US, band=Band.CRITICAL))
    critical = dispatch_of(told, "r-1/only")
    brain.handle(start(critical, 2 * SECOND_US))
    told = brain.handle(ask(at_us=2 * SECOND_US))
    assert [d for d in dispatches(told) if d.run == "q-1"] == []
    run = brain.run("q-1")
    assert (run.state, run.reason) == (RunState.QUEUED, Reason.BESIDE_CRITICAL.value)
    told = brain.handle(finish(critical, 3 * SECOND_US))
    assert {d.machine for d in dispatches(told) if d.run == "q-1"} == {"a/cpu0", "a/cpu1"}


def test_what_was_sent_to_be_measured_is_taken_back_when_a_critical_run_is_ready() -> None:
    brain = brain_with_model()
    sent = dispatches(brain.handle(ask()))
    told = brain.handle(submitted("r-1", at_us=2 * SECOND_US, band=Band.CRITICAL))
    (plan,) = plans(told)
    assert set(plan.stop) == {(d.operation, d.attempt) for d in sent}
    assert brain.op("q-1/a.cpu0.cpu").state is OperationState.WAITING


def test_a_normal_run_does_not_hold_up_measuring() -> None:
    brain = brain_with_model()
    told = brain.feed(submitted("r-1", at_us=2 * SECOND_US), ask(at_us=2 * SECOND_US))
    assert len({d.operation for d in dispatches(told) if d.run == "q-1"}) == 2


def test_a_critical_run_on_another_box_does_not_hold_up_measuring() -> None:
    brain = brain_with_model()
    brain.handle(agent_joined("b", at_us=SECOND_US))
    brain.handle(submitted("r-1", at_us=2 * SECOND_US, band=Band.CRITICAL, allow=("b/*",)))
    told = brain.handle(ask(machines=("a/*",)))
    assert len(dispatches(told)) >= 2


def test_a_critical_run_that_waits_for_a_model_gets_it_measured() -> None:
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(), added(model_workload()))
    brain.handle(submitted("r-1", "detect@1", at_us=50, band=Band.CRITICAL))
    (profile,) = dispatches(brain.handle(model_added(100)))
    told = brain.handle(measured(profile, SECOND_US))
    assert dispatch_of(told, "r-1/only")


def test_measuring_that_failed_beside_a_critical_run_is_tried_again_after_it() -> None:
    brain = brain_with_model(lanes=1)
    (profile,) = dispatches(brain.handle(ask()))
    brain.handle(start(profile, 2 * SECOND_US))
    told = brain.handle(submitted("r-1", at_us=2 * SECOND_US, band=Band.CRITICAL))
    critical = dispatch_of(told, "r-1/only")
    brain.handle(fail(profile, 3 * SECOND_US, FailureReason.WORKER_CRASHED))
    told = brain.handle(finish(critical, 4 * SECOND_US))
    assert dispatch_of(told, profile.operation).attempt == 2


def runs_of_shape(brain: Watched, count: int, at_us: int) -> int:
    """Have operations with a shape that the model was not measured with; when the last ended."""
    for i in range(count):
        only = dispatch_of(
            brain.handle(submitted(f"r-{i}", "detect@1", at_us=at_us)), f"r-{i}/only"
        )
        at_us += 10_000
        brain.handle(finish(only, at_us))
    return at_us


def wake_of(brain: Watched) -> int:
    return [c.at_us for told in brain.commands for c in told if isinstance(c, WakeAt)][-1]


@pytest.fixture
def idle() -> tuple[Watched, int]:
    """A brain that has seen a new shape three times, and when its machine may be measured on."""
    brain = brain_with_model(BrainSettings(fill_idle_us=5 * SECOND_US), lanes=1)
    # The measuring at the start took 50 ms of the machine: 2 % of 2.5 s.
    ended_us = runs_of_shape(brain, 3, 10 * SECOND_US)
    return brain, ended_us + 5 * SECOND_US


def test_a_shape_that_runs_have_is_measured_once_the_machine_is_idle(
    idle: tuple[Watched, int],
) -> None:
    brain, due_us = idle
    assert wake_of(brain) <= due_us
    assert dispatches(brain.handle(Tick(at_us=due_us - 1))) == []
    (profile,) = dispatches(brain.handle(Tick(at_us=due_us)))
    assert profile.work.params["shapes"] == {"x": [1]}
    brain.handle(measured(profile, due_us + 50_000))
    assert dispatches(brain.handle(Tick(at_us=due_us + 3_600 * SECOND_US))) == []


def test_gaps_take_no_more_than_their_share_of_a_machine(idle: tuple[Watched, int]) -> None:
    brain, due_us = idle
    (profile,) = dispatches(brain.handle(Tick(at_us=due_us)))
    # One second measured is 2 % of 50 s: the next 49 s belong to others.
    brain.handle(start(profile, due_us))
    end_us = due_us + SECOND_US
    brain.handle(measured(profile, end_us, took_us=SECOND_US))
    live = brain.state.machines["a/cpu0"]
    assert live.fill_from_us == end_us + 49 * SECOND_US


def test_gaps_are_left_alone_where_that_is_switched_off() -> None:
    brain = brain_with_model(BrainSettings(fill_share=0.0), lanes=1)
    ended_us = runs_of_shape(brain, 3, 10 * SECOND_US)
    assert dispatches(brain.handle(Tick(at_us=ended_us + 3_600 * SECOND_US))) == []


def test_what_is_old_is_measured_anew_once_it_is_used_again() -> None:
    brain = brain_with_model(BrainSettings(fill_seen=100), lanes=1)
    week_us = 8 * 86_400 * SECOND_US
    ended_us = runs_of_shape(brain, 1, week_us)
    (profile,) = dispatches(brain.handle(Tick(at_us=ended_us + 5 * SECOND_US)))
    assert profile.work.params["shapes"] == {"x": [1, 3]}


def test_what_drifted_is_measured_anew() -> None:
    brain = brain_with_model(BrainSettings(fill_seen=1_000), lanes=1)
    at_us = 10 * SECOND_US
    for i in range(60):
        told = brain.handle(submitted(f"r-{i}", "detect@1", at_us=at_us))
        took_us = 2_000 if i < 30 else 20_000
        at_us += 100_000
        brain.handle(finish(dispatch_of(told, f"r-{i}/only"), at_us, took_us=took_us))
    assert brain.state.oracle.report().drifts
    (profile,) = dispatches(brain.handle(Tick(at_us=at_us + 5 * SECOND_US)))
    assert profile.work.params["shapes"] == {"x": [1, 3]}


def two_providers() -> Watched:
    """A lane that runs a model in 1 ms on one provider, 2 ms on the other; loading takes 1 s."""
    brain = Watched(BrainSettings(fill_idle_us=5 * SECOND_US))
    joined = replace(agent_joined(), machines=(lane("a/cpu0", providers=("cpu", "openvino")),))
    told = brain.feed(joined, added(model_workload()), model_added(100))
    for profile in dispatches(told):
        brain.handle(loading(profile, SECOND_US))
    return brain


def loading(profile: Dispatch, at_us: int) -> OperationFinished:
    ended = measured(profile, at_us)
    assert ended.profile is not None
    run_us = 1_000 if profile.provider == "openvino" else 2_000
    found = replace(ended.profile, samples_us=(run_us,) * 10, load_us=SECOND_US)
    return replace(ended, profile=found)


def provider_of_run(brain: Watched, run: str, at_us: int) -> str:
    """Have a model run, at the shape that it was measured with; the provider that it ran on."""
    (given,) = value().tensors
    image = Value(tensors=(replace(given, shape=(1, 3)),))
    asked = submitted(run, "detect@1", at_us=at_us, inputs={"image": image})
    only = dispatch_of(brain.handle(asked), f"{run}/only")
    brain.feed(start(only, at_us), finish(only, at_us + 2_000, took_us=2_000))
    return only.provider


def test_single_runs_come_back_to_the_fastest_provider_after_a_restart() -> None:
    brain = two_providers()
    assert provider_of_run(brain, "before", 2 * SECOND_US) == "openvino"
    brain.handle(MachineDown(at_us=3 * SECOND_US, machine="a/cpu0", reason="it crashed"))
    brain.handle(MachineUp(at_us=4 * SECOND_US, machine="a/cpu0"))
    forbidden = submitted("first", "detect@1", at_us=5 * SECOND_US, forbid=("*:openvino",))
    first = dispatch_of(brain.handle(forbidden), "first/only")
    brain.feed(start(first, 5 * SECOND_US), finish(first, 7 * SECOND_US))
    runs = [provider_of_run(brain, f"r-{i}", (20 + i) * SECOND_US) for i in range(2)]
    assert runs == ["cpu", "cpu"]
    (profile,) = dispatches(brain.handle(Tick(at_us=30 * SECOND_US)))
    assert profile.provider == "openvino"
    brain.handle(loading(profile, 31 * SECOND_US))
    assert provider_of_run(brain, "after", 40 * SECOND_US) == "openvino"
    assert dispatches(brain.handle(Tick(at_us=50 * SECOND_US))) == []


def test_a_model_that_nobody_uses_is_not_loaded_again() -> None:
    brain = two_providers()
    brain.handle(MachineDown(at_us=3 * SECOND_US, machine="a/cpu0", reason="it crashed"))
    brain.handle(MachineUp(at_us=4 * SECOND_US, machine="a/cpu0"))
    assert dispatches(brain.handle(Tick(at_us=3_600 * SECOND_US))) == []


def test_nothing_is_measured_for_a_session_that_finds_no_room() -> None:
    brain = two_providers()
    for i in range(3):
        provider_of_run(brain, f"r-{i}", (2 + i) * SECOND_US)
    live = brain.state.machines["a/cpu0"]
    live.sessions = {(f"{i}", "cpu", ()): None for i in range(MOST_SESSIONS)}
    assert dispatches(brain.handle(Tick(at_us=3_600 * SECOND_US))) == []
