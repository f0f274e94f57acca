"""A verdict holds for a file with its shapes and example values, and each name has its own."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.events import (
    ControllerStarted,
    ModelAdded,
    ModelRemoved,
    ProfileRequested,
    Tick,
)
from scheduler.control.records import RunState
from scheduler.model.messages import (
    Dispatch,
    FailureReason,
    OperationFinished,
    Profile,
    TensorRef,
    Value,
    Verdict,
)
from tests.scheduler.site import DIGEST, added, agent_joined, model_added, model_workload, submitted
from tests.scheduler.watched import Watched, dispatches, finish

OTHER = {"x": (4, 3)}
RATE = Value(tensors=(TensorRef(dtype="int64", shape=(), size_bytes=8, inline=b"8" * 8),))


@pytest.fixture
def brain() -> Watched:
    """One lane, and a workload of the model ``det``."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(), added(model_workload()))
    return watched


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
    return replace(finish(dispatch, at_us, outputs={}, took_us=50_000), profile=profile)


def with_other(at_us: int, name: str = "det", **more: object) -> ModelAdded:
    """The same file with other shapes."""
    settings: dict[str, object] = {"profile_shapes": OTHER, **more}
    return replace(model_added(at_us, name=name), **settings)  # type: ignore[arg-type]


def test_upload_with_other_shapes_is_measured_anew_and_its_verdict_counts(brain: Watched) -> None:
    first = dispatches(brain.handle(model_added(100)))[-1]
    brain.handle(measured(first, 60_000, Verdict.FAILED, "does not fit"))
    again = dispatches(brain.handle(with_other(70_000)))[-1]
    assert again.work.params["shapes"] == {"x": [4, 3]}
    brain.handle(measured(again, 140_000))
    told = brain.handle(submitted("r-1", "detect@1", at_us=150_000))
    assert dispatches(told)[-1].run == "r-1"


def test_measuring_that_an_upload_made_pointless_ends(brain: Watched) -> None:
    first = dispatches(brain.handle(model_added(100)))[-1]
    brain.handle(with_other(200))
    assert brain.run(first.run).state is RunState.CANCELLED


def test_example_values_travel_as_inputs_and_count_for_the_verdict(brain: Watched) -> None:
    first = dispatches(brain.handle(model_added(100)))[-1]
    brain.handle(measured(first, 60_000))
    told = brain.handle(replace(model_added(70_000), examples={"rate": RATE}))
    again = dispatches(told)[-1]
    assert [(each.name, each.sources[0].value) for each in again.inputs] == [("rate", RATE)]


def test_names_of_one_file_have_verdicts_of_their_own(brain: Watched) -> None:
    first = dispatches(brain.handle(model_added(100)))[-1]
    brain.handle(measured(first, 60_000))
    second = dispatches(brain.handle(with_other(70_000, "other")))[-1]
    assert second.work.params["shapes"] == {"x": [4, 3]}
    brain.handle(measured(second, 140_000, Verdict.WRONG, "is off"))
    told = brain.handle(submitted("r-1", "detect@1", at_us=150_000))
    assert dispatches(told)[-1].run == "r-1"
    brain.handle(ModelRemoved(at_us=160_000, name="other", digest=DIGEST))
    assert [each.verdict for each in brain.state.profiles.values()] == [Verdict.USABLE]


def test_asked_measurement_takes_the_examples_that_fit_its_shapes(brain: Watched) -> None:
    settings = {"rate": RATE, "x": replace(RATE, tensors=(replace(RATE.tensors[0], shape=(1, 3)),))}
    event = replace(model_added(100), examples=settings, profile_shapes={"x": (1, 3), "rate": ()})
    brain.handle(measured(dispatches(brain.handle(event))[-1], 60_000))
    asked = ProfileRequested(
        at_us=70_000, run="r-p", digest=DIGEST, name="det", shapes={**OTHER, "rate": ()}
    )
    found = dispatches(brain.handle(asked))[-1]
    assert [each.name for each in found.inputs] == ["rate"]


def test_run_of_a_model_that_every_machine_refused_fails_at_once(brain: Watched) -> None:
    only = dispatches(brain.handle(model_added(100)))[-1]
    brain.handle(measured(only, 60_000, Verdict.WRONG, "is off"))
    brain.handle(submitted("r-1", "detect@1", at_us=70_000))
    assert brain.state.wake_us == 70_000
    brain.handle(Tick(at_us=70_000))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.UNPLACEABLE.value)
    assert run.detail == "no machine can run det: a/cpu0:cpu: is off"


def test_agent_is_told_where_a_nan_becomes_a_number(brain: Watched) -> None:
    only = dispatches(brain.handle(model_added(100)))[-1]
    event = measured(only, 60_000)
    assert event.profile is not None
    brain.handle(replace(event, profile=replace(event.profile, hides_nan="Relu 'r'")))
    told = brain.handle(submitted("r-1", "detect@1", at_us=70_000))
    assert dispatches(told)[-1].hides_nan == "Relu 'r'"
