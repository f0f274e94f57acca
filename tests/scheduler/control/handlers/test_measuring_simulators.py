"""Simulators are measured after the devices of their box, and hold up nobody who wants to run."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.control.commands import Command
from scheduler.control.events import ControllerStarted
from scheduler.control.records import OperationState, Reason
from scheduler.model.messages import AgentJoined, Dispatch, OperationFinished, Profile, Verdict
from tests.scheduler.site import (
    DIGEST,
    added,
    agent_joined,
    lane,
    model_added,
    model_workload,
    submitted,
)
from tests.scheduler.watched import Watched, dispatch_of, dispatches, finish, start

RUN = "p-dddddddddddd"
SIMULATOR = f"{RUN}/a.qnn0.qnn"


@pytest.fixture
def brain() -> Watched:
    """One lane of the processor with two providers, and a simulator beside it."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), joined("a"), added(model_workload()))
    return watched


def joined(agent: str, at_us: int = 0) -> AgentJoined:
    machines = (
        lane(f"{agent}/qnn0", providers=("qnn",), simulated=("qnn",)),
        lane(f"{agent}/cpu0", providers=("cpu", "openvino")),
    )
    return replace(agent_joined(agent, at_us=at_us), machines=machines)


def measured(dispatch: Dispatch, at_us: int) -> OperationFinished:
    profile = Profile(
        digest=DIGEST,
        machine=dispatch.machine,
        provider=dispatch.provider,
        verdict=Verdict.USABLE,
        samples_us=(2_000,) * 10,
    )
    return replace(finish(dispatch, at_us, outputs={}, took_us=50_000), profile=profile)


def test_a_simulator_is_measured_when_no_device_is_left_to_be(brain: Watched) -> None:
    given = brain.handle(model_added(100))
    cpu, openvino = dispatches(given)
    assert (cpu.provider, openvino.provider) == ("cpu", "openvino")
    (told,) = (op for op in brain.run(RUN).operations if op.operation == SIMULATOR)
    assert (told.machine, told.provider) == ("a/qnn0", "qnn")
    assert [c.reason for c in told.candidates] == [Reason.AFTER_DEVICES]
    last = measure_devices(brain, given)
    assert dispatch_of(last, SIMULATOR).machine == "a/qnn0"


def measure_devices(brain: Watched, told: list[Command]) -> list[Command]:
    """Measure the model on both providers of the processor of box `a`."""
    first, second = (dispatch_of(told, f"{RUN}/a.cpu0.{name}") for name in ("cpu", "openvino"))
    return brain.feed(measured(first, 60_000), measured(second, 120_000))


def test_a_run_starts_while_a_simulator_is_still_measured(brain: Watched) -> None:
    told = measure_devices(brain, brain.handle(model_added(100)))
    brain.handle(start(dispatch_of(told, SIMULATOR), 130_000))
    told = brain.handle(submitted("r-1", "detect@1", at_us=140_000))
    assert dispatch_of(told, "r-1/only").machine == "a/cpu0"


def test_a_simulator_that_has_not_begun_waits_for_the_devices_of_a_new_model(
    brain: Watched,
) -> None:
    measure_devices(brain, brain.handle(model_added(100)))
    assert brain.op(SIMULATOR).state is OperationState.DISPATCHED
    brain.handle(model_added(130_000, digest="e" * 64, name="rec"))
    assert brain.op(SIMULATOR).state is OperationState.WAITING


def test_devices_of_other_boxes_are_not_waited_for(brain: Watched) -> None:
    brain.handle(joined("b", at_us=50))
    measure_devices(brain, brain.handle(model_added(100)))
    assert brain.op(SIMULATOR).state is OperationState.DISPATCHED
    assert brain.op(f"{RUN}/b.qnn0.qnn").state is OperationState.WAITING
