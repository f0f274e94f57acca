"""Runs that no machine can ever take fail with their reason; what may still change waits."""

from __future__ import annotations

import msgspec
import pytest

from scheduler.control.brain import BrainSettings
from scheduler.control.events import ControllerStarted, Tick
from scheduler.control.records import Reason, RunState
from scheduler.model.messages import AgentLost, FailureReason, MachineDown
from tests.scheduler.site import added, agent_joined, model_added, model_workload, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, folded

GRACE_US = BrainSettings().unplaceable_us
LATE_US = 100 + 2 * GRACE_US


@pytest.fixture
def brain() -> Watched:
    """One lane, and a workload whose function no machine has."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined())
    watched.feed(added(single()), added(single("odd", "unheard")))
    return watched


def test_run_that_no_joined_machine_can_take_fails_with_its_reason_after_a_grace(
    brain: Watched,
) -> None:
    brain.handle(submitted("r-1", "odd@1", at_us=100))
    assert brain.state.wake_us is not None
    assert brain.state.wake_us <= 100 + GRACE_US
    brain.handle(Tick(at_us=99 + GRACE_US))
    assert brain.run("r-1").state is RunState.QUEUED
    brain.handle(Tick(at_us=100 + GRACE_US))
    run = brain.run("r-1")
    assert (run.state, run.reason) == (RunState.FAILED, FailureReason.UNPLACEABLE.value)
    assert run.detail == (
        "waits for a machine that runs function unheard; there are a/cpu0:python; "
        "none joined within 60 s"
    )


def test_machine_that_joins_within_the_grace_takes_the_run(brain: Watched) -> None:
    brain.handle(submitted("r-1", "one@1", at_us=100, forbid=("a/*",)))
    told = brain.handle(agent_joined("b", at_us=50_000_000))
    assert dispatch_of(told, "r-1/only").machine == "b/cpu0"
    brain.handle(Tick(at_us=LATE_US))
    assert brain.run("r-1").reason != Reason.FORBIDDEN.value


def test_machine_that_joins_as_the_grace_ends_takes_the_run(brain: Watched) -> None:
    brain.handle(submitted("r-1", "one@1", at_us=100, forbid=("a/*",)))
    told = brain.handle(agent_joined("b", at_us=LATE_US))
    assert dispatch_of(told, "r-1/only").machine == "b/cpu0"


def test_run_on_a_site_without_an_agent_stays_queued() -> None:
    brain = Watched()
    brain.feed(added(single()), submitted("r-1", at_us=100), Tick(at_us=LATE_US))
    assert brain.run("r-1").state is RunState.QUEUED


def test_run_that_a_lost_agent_could_take_stays_queued(brain: Watched) -> None:
    brain.handle(agent_joined("b"))
    brain.handle(AgentLost(at_us=50, agent="b", incarnation="1"))
    brain.handle(submitted("r-1", "one@1", at_us=100, forbid=("a/*",)))
    brain.handle(Tick(at_us=LATE_US))
    assert (brain.run("r-1").state, brain.run("r-1").reason) == (
        RunState.QUEUED,
        Reason.NOT_CONNECTED.value,
    )


def test_run_whose_machine_is_down_stays_queued(brain: Watched) -> None:
    brain.handle(MachineDown(at_us=50, machine="a/cpu0", reason="its worker ended"))
    brain.feed(submitted("r-1", at_us=100), Tick(at_us=LATE_US))
    assert brain.run("r-1").state is RunState.QUEUED


def test_run_of_a_model_that_is_still_to_be_measured_stays_queued(brain: Watched) -> None:
    brain.feed(added(model_workload()), model_added(90), submitted("r-1", "detect@1", at_us=100))
    brain.handle(Tick(at_us=LATE_US))
    assert brain.run("r-1").state is RunState.QUEUED


def test_same_log_gives_up_the_same_runs(brain: Watched) -> None:
    brain.feed(submitted("r-1", "odd@1", at_us=100), submitted("r-2", at_us=200))
    brain.handle(Tick(at_us=LATE_US))
    said = [msgspec.json.encode(commands) for commands in brain.commands]
    assert b"none joined within" in b"".join(said)
    assert folded(brain.log) == said
