"""Models are measured where they may run, visibly, and refused where they may not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.events import ControllerStarted, ModelRemoved
from scheduler.control.records import OperationState, Reason, RunState
from scheduler.model.messages import (
    AgentJoined,
    AgentLost,
    Dispatch,
    FailureReason,
    OperationFinished,
    Profile,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Band
from tests.scheduler.site import DIGEST, added, lane, model_added, model_workload, submitted
from tests.scheduler.watched import (
    Watched,
    dispatch_of,
    dispatches,
    fail,
    finish,
    plans,
    queue,
    start,
)

RUN = "p-dddddddddddd"


@pytest.fixture
def brain() -> Watched:
    """One lane with two usable providers and one that is not."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), joined(), added(model_workload()))
    return watched


def joined(
    incarnation: str = "1", at_us: int = 0, *, runtime: str = "1.31.1", plug_in: str = "1.24.1"
) -> AgentJoined:
    machine = lane("a/cpu0", providers=("cpu", "openvino", "webgpu"), unusable=("webgpu",))
    versions = {"cpu": runtime, "openvino": plug_in, "webgpu": ""}
    reports = (
        replace(report, runtime=runtime, version=versions[report.provider])
        for report in machine.providers
    )
    machine = replace(machine, providers=tuple(reports))
    return AgentJoined(
        at_us=at_us,
        agent="a",
        incarnation=incarnation,
        box="box-a",
        url="http://a",
        machines=(machine,),
    )


def measured(
    dispatch: Dispatch, at_us: int, verdict: Verdict = Verdict.USABLE, reason: str = ""
) -> OperationFinished:
    profile = Profile(
        digest=DIGEST,
        machine=dispatch.machine,
        provider=dispatch.provider,
        verdict=verdict,
        reason=reason,
        samples_us=(2_000,) * 10,
    )
    event = finish(dispatch, at_us, outputs={}, took_us=50_000)
    return OperationFinished(
        at_us=event.at_us,
        operation=event.operation,
        attempt=event.attempt,
        run=event.run,
        machine=event.machine,
        started_us=event.started_us,
        compute_us=event.compute_us,
        outputs={},
        profile=profile,
    )


def test_new_model_is_measured_on_each_usable_provider_as_a_run(brain: Watched) -> None:
    told = brain.handle(model_added(100))
    assert queue(told, "a/cpu0") == [f"{RUN}/a.cpu0.cpu", f"{RUN}/a.cpu0.openvino"]
    first = dispatches(told)[0]
    assert (first.work.kind, first.provider, first.band) == (
        WorkKind.PROFILE,
        "cpu",
        Band.BACKGROUND,
    )
    assert first.work.params == {"shapes": {"x": [1, 3]}, "repeats": 10, "budget_us": 1_000_000}
    run = brain.run(RUN)
    assert (run.kind, run.workload, run.state) == ("profile", "profile:det", RunState.QUEUED)


def test_run_waits_for_the_profile_and_raises_it(brain: Watched) -> None:
    brain.handle(submitted("r-1", "detect@1", at_us=50))
    told = brain.handle(model_added(100))
    assert {d.band for d in dispatches(told)} == {Band.NORMAL}
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.QUEUED, Reason.NOT_PROFILED.value)
    assert run.detail == ("waits for det to be profiled on any of a/cpu0:cpu, a/cpu0:openvino")
    told = brain.handle(measured(dispatches(told)[0], 60_000))
    only = dispatch_of(told, "r-1/only")
    assert (only.provider, only.expected_us) == ("cpu", 2_000)
    assert brain.op("r-1/only").provenance == "measured"


def test_wrong_provider_is_refused_for_that_model_with_the_reason(brain: Watched) -> None:
    told = brain.handle(model_added(100))
    cpu, openvino = dispatches(told)[-2:]
    brain.handle(measured(cpu, 60_000))
    brain.handle(measured(openvino, 120_000, Verdict.WRONG, "differs by 0.4"))
    run = brain.run(RUN)
    assert (run.state, run.detail) == (RunState.FINISHED, "2 of 2 measured, usable on 1")
    brain.handle(submitted("r-1", "detect@1", at_us=130_000))
    refused = {c.provider: (c.reason, c.detail) for c in brain.op("r-1/only").candidates}
    assert refused == {
        "cpu": (None, ""),
        "openvino": (Reason.REFUSED, "differs by 0.4"),
        "webgpu": (Reason.PROVIDER_UNUSABLE, "fell_back"),
    }


@pytest.mark.parametrize(
    ("reason", "tries"),
    [(FailureReason.WORKER_CRASHED, 2), (FailureReason.TIMEOUT, 1), (FailureReason.ERROR, 1)],
)
def test_profile_that_fails_refuses_the_provider(
    brain: Watched, reason: FailureReason, tries: int
) -> None:
    told = brain.handle(model_added(100))
    for attempt in range(1, tries + 1):
        profile = dispatch_of(told, f"{RUN}/a.cpu0.openvino")
        assert profile.attempt == attempt
        told = brain.handle(fail(profile, attempt * 1_000, reason, "what it said"))
    assert brain.op(f"{RUN}/a.cpu0.openvino").state is OperationState.FAILED
    (known,) = brain.view(5_000).profiles
    assert (known.verdict, known.reason) == (Verdict.FAILED, f"{reason.value}: what it said")


def test_provider_that_fails_the_canary_later_is_refused_from_then_on(brain: Watched) -> None:
    told = brain.handle(model_added(100))
    cpu, openvino = dispatches(told)[-2:]
    brain.feed(measured(cpu, 60_000), measured(openvino, 120_000))
    only = dispatch_of(brain.handle(submitted("r-1", "detect@1", at_us=130_000)), "r-1/only")
    told = brain.handle(fail(only, 131_000, FailureReason.PROVIDER_REFUSED, "3 nodes elsewhere"))
    assert dispatch_of(told, "r-1/only").provider != only.provider
    told = brain.handle(submitted("r-2", "detect@1", at_us=132_000))
    assert dispatch_of(told, "r-2/only").provider != only.provider


def test_what_was_measured_outlives_the_agents_restart(brain: Watched) -> None:
    cpu, openvino = dispatches(brain.handle(model_added(100)))[-2:]
    brain.handle(measured(cpu, 60_000))
    brain.handle(AgentLost(at_us=70_000, agent="a"))
    assert brain.run(RUN).state is RunState.FINISHED
    told = brain.handle(joined("2", 80_000))
    assert [d.operation for d in dispatches(told)] == [f"{RUN}-2/a.cpu0.openvino"]
    assert brain.run(f"{RUN}-2").state is RunState.QUEUED
    assert openvino.attempt == 1


@pytest.mark.parametrize(
    ("runtime", "plug_in", "again"),
    [("1.31.1", "1.25.0", ["openvino"]), ("1.32.0", "1.24.1", ["cpu", "openvino"])],
    ids=["plug-in", "runtime"],
)
def test_what_another_version_changes_is_measured_anew(
    brain: Watched, runtime: str, plug_in: str, again: list[str]
) -> None:
    for sent in dispatches(brain.handle(model_added(100))):
        brain.handle(measured(sent, 60_000))
    brain.handle(joined("2", 80_000, runtime=runtime, plug_in=plug_in))
    run = brain.run(f"{RUN}-2")
    assert [op.item or op.stage for op in run.operations] == [f"a.cpu0.{name}" for name in again]


def test_run_tells_the_versions_that_it_is_planned_on_and_ran_on(brain: Watched) -> None:
    for sent in dispatches(brain.handle(model_added(100))):
        brain.handle(measured(sent, 60_000))
    sent = dispatch_of(brain.handle(submitted("r-1", "detect@1", at_us=70_000)), "r-1/only")
    (planned,) = brain.run("r-1").operations
    plug_in = {"cpu": "1.31.1", "openvino": "1.24.1"}[sent.provider]
    assert (planned.runtime, planned.plug_in) == ("1.31.1", plug_in)
    brain.handle(start(sent, 71_000))
    brain.handle(finish(sent, 73_000))
    brain.handle(joined("2", 80_000, runtime="1.32.0", plug_in="1.25.0"))
    (ran,) = brain.run("r-1").operations
    assert (ran.runtime, ran.plug_in) == ("1.31.1", plug_in)


def test_work_of_a_lost_agent_is_planned_by_the_versions_of_the_next(brain: Watched) -> None:
    for sent in dispatches(brain.handle(model_added(100))):
        brain.handle(measured(sent, 60_000))
    told = brain.handle(submitted("r-1", "detect@1", at_us=70_000))
    brain.handle(start(dispatch_of(told, "r-1/only"), 71_000))
    told = brain.handle(joined("2", 80_000, runtime="1.32.0"))
    for sent in dispatches(told):
        told = brain.handle(measured(sent, 140_000))
    (planned,) = brain.run("r-1").operations
    assert planned.runtime == "1.32.0"


def test_removed_model_is_measured_no_further(brain: Watched) -> None:
    brain.handle(model_added(100))
    brain.handle(ModelRemoved(at_us=200, name="det", digest=DIGEST))
    assert brain.run(RUN).state is RunState.CANCELLED


def test_model_that_comes_back_is_measured_anew(brain: Watched) -> None:
    for sent in dispatches(brain.handle(model_added(100))):
        brain.handle(measured(sent, 60_000))
    assert brain.state.profiles
    brain.handle(ModelRemoved(at_us=70_000, name="det", digest=DIGEST))
    assert not brain.state.profiles
    assert dispatches(brain.handle(model_added(80_000)))


def test_agents_are_told_once_to_unload_a_model_that_is_gone(brain: Watched) -> None:
    brain.handle(model_added(100))
    told = brain.handle(ModelRemoved(at_us=200, name="det", digest=DIGEST))
    assert [plan.unload for plan in plans(told)] == [(DIGEST,)]
    told = brain.handle(submitted("r-1", at_us=300))
    assert [plan.unload for plan in plans(told)] in ([], [()])


def test_model_that_has_another_name_stays_loaded(brain: Watched) -> None:
    brain.feed(model_added(100), model_added(110, name="other"))
    told = brain.handle(ModelRemoved(at_us=200, name="det", digest=DIGEST))
    assert [plan.unload for plan in plans(told)] in ([], [()])


def test_cold_start_of_a_run_moves_the_load_time_that_is_predicted(brain: Watched) -> None:
    cpu, openvino = dispatches(brain.handle(model_added(100)))[-2:]
    brain.feed(measured(cpu, 60_000), measured(openvino, 120_000))
    assert {known.load_provenance for known in brain.costs(120_000).known} == {"assumed"}
    sent = dispatch_of(brain.handle(submitted("r-1", "detect@1", at_us=130_000)), "r-1/only")
    cold = replace(finish(sent, 230_000, took_us=92_000), load_us=80_000)
    brain.feed(start(sent, 138_000), cold)
    (known,) = [each for each in brain.costs(230_000).known if each.load_provenance == "measured"]
    # Making the session, and 12 ms for a run of 2 ms.
    assert (known.machine, known.provider, known.load_us) == (sent.machine, sent.provider, 90_000)


def test_dry_run_names_where_work_was_not_considered_and_why(brain: Watched) -> None:
    told = brain.handle(model_added())
    cpu, openvino = dispatches(told)
    brain.feed(start(cpu, 1_000), measured(cpu, 2_000))
    question = submitted("r", "detect@1", at_us=3_000, forbid=("*:webgpu",))
    answer, _ = brain.preview(question)
    (place,) = answer.left_out
    assert (place.work, place.machine, place.provider) == ("det", "a/cpu0", openvino.provider)
    assert (place.reason, place.detail) == (
        Reason.NOT_PROFILED,
        "det was not measured there yet",
    )
    brain.feed(start(openvino, 3_000), measured(openvino, 4_000))
    answer, _ = brain.preview(replace(question, at_us=5_000))
    assert answer.left_out == ()
