"""The agent's state: events in, instructions out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from devices.agent.brain import events
from devices.agent.brain.instructions import (
    CancelOnWorker,
    Emit,
    Exit,
    FetchModel,
    FetchTensors,
    Instruction,
    KillWorker,
    NotifyPeer,
    ReleaseTensors,
    StartOnWorker,
    UnloadModel,
    WarmOnWorker,
)
from devices.agent.brain.state import AgentState
from devices.agent.brain.stopping import STOP_GRACE_US
from scheduler.model.messages import (
    AgentDraining,
    AgentPlan,
    Binding,
    Dispatch,
    FailureReason,
    Gate,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    PeerOutputs,
    Release,
    Source,
    TensorRef,
    Value,
    Work,
    WorkKind,
)
from tests.agents import call, cpu_machines, dispatch, given, output_of

MODEL = Work(kind=WorkKind.MODEL, name="net", digest="d")
HERE = Value(tensors=(TensorRef(dtype="uint8", shape=(9,), size_bytes=9, box="box", key="r-1/a"),))
AWAY = Value(tensors=(TensorRef(dtype="uint8", shape=(9,), size_bytes=9, box="far", key="r-1/b"),))
PAIR = Value(tensors=HERE.tensors + AWAY.tensors, is_list=True)


@dataclass
class Driver:
    """Feeds a state and keeps its instructions; a microsecond passes per event."""

    state: AgentState
    at_us: int = 0
    version: int = 0
    said: list[Instruction] = field(default_factory=list)

    def plan(self, *dispatches: Dispatch, epoch: int = 1, **rest: Any) -> list[Instruction]:
        self.version += 1
        queues: dict[str, tuple[Dispatch, ...]] = {}
        for each in dispatches:
            queues[each.machine] = (*queues.get(each.machine, ()), each)
        plan = AgentPlan(agent="a", epoch=epoch, version=self.version, queues=queues, **rest)
        return self.feed(events.PlanReceived, plan=plan)

    def feed(self, kind: type, **fields: Any) -> list[Instruction]:
        self.at_us += 1
        said = self.state.handle(kind(at_us=self.at_us, **fields))
        assert self.state.violations() == []
        self.said += said
        return said

    def ready(self, *machines: str) -> None:
        for machine in machines:
            self.feed(events.WorkerReady, machine=machine)

    def finish(self, operation: str, value: Value = HERE, attempt: int = 1) -> list[Instruction]:
        start = next(
            i.dispatch
            for i in self.said
            if isinstance(i, StartOnWorker)
            and i.dispatch.attempt == attempt
            and i.dispatch.operation == f"r-1/{operation}"
        )
        return self.feed(
            events.WorkerFinishedOperation,
            machine=start.machine,
            operation=start.operation,
            attempt=attempt,
            started_us=self.at_us,
            compute_us=1,
            load_us=0,
            outputs={"y": value},
        )

    def die(self, machine: str, reason: str = "signal 9") -> list[Instruction]:
        return self.feed(events.WorkerDied, machine=machine, reason=reason)


@pytest.fixture
def driver() -> Iterator[Driver]:
    driver = Driver(AgentState("a", "box", cpu_machines("a", 2)))
    yield driver
    assert driver.state.violations() == []


def started(said: list[Instruction]) -> list[str]:
    return [i.dispatch.operation for i in said if isinstance(i, StartOnWorker)]


def reports(said: list[Instruction]) -> list[object]:
    return [i.report for i in said if isinstance(i, Emit)]


def step(name: str, machine: str = "a/cpu0", **rest: Any) -> Dispatch:
    return dispatch(name, machine, rest.pop("work", call("arg_max")), **rest)


def test_the_head_starts_when_its_worker_is_ready(driver: Driver) -> None:
    assert started(driver.plan(step("one"), step("two"))) == []
    said = driver.feed(events.WorkerReady, machine="a/cpu0")
    assert started(said) == ["r-1/one"]
    assert [type(report) for report in reports(said)] == [OperationStarted]
    said = driver.finish("one")
    assert started(said) == ["r-1/two"]
    assert [type(report) for report in reports(said)] == [OperationFinished, OperationStarted]


def test_an_agent_is_busy_while_every_machine_runs_something(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    driver.plan(step("a"), step("b", "a/cpu1"), step("c", "a/cpu1"))
    assert driver.state.is_busy
    driver.finish("b")  # the next one has begun there by the time that its end is told
    assert driver.state.is_busy
    driver.finish("c")
    assert not driver.state.is_busy


def test_a_machine_waits_rather_than_let_one_overtake(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    waits = step("waits", inputs={"x": output_of("other", "y")})
    assert started(driver.plan(waits, step("free"), step("other", "a/cpu1"))) == ["r-1/other"]
    assert started(driver.finish("other")) == ["r-1/waits"]


def gated(name: str, *, for_: str = "urgent", from_us: int = 0, until_us: int = 50) -> Dispatch:
    gate = Gate(operation=f"r-1/{for_}", from_us=from_us, until_us=until_us)
    return step(name, gate=gate)


def test_what_would_not_be_through_in_time_lets_more_urgent_work_go_first(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    urgent = step("urgent", inputs={"x": output_of("other", "y")})
    assert started(driver.plan(gated("long"), urgent, step("other", "a/cpu1"))) == ["r-1/other"]
    assert started(driver.finish("other")) == ["r-1/urgent"]
    assert started(driver.finish("urgent")) == ["r-1/long"]


def test_what_would_be_through_in_time_starts_before_more_urgent_work(driver: Driver) -> None:
    driver.ready("a/cpu0")
    assert started(driver.plan(gated("long", from_us=40), step("urgent"))) == ["r-1/long"]


def test_nothing_waits_for_more_urgent_work_that_does_not_come(driver: Driver) -> None:
    driver.ready("a/cpu0")
    assert started(driver.plan(gated("long", for_="expected"))) == []
    assert driver.state.wake_us == 50
    driver.at_us = 49
    assert started(driver.feed(events.Tick)) == ["r-1/long"]
    assert driver.state.wake_us != 50


def test_what_a_stopped_operation_had_made_is_handed_to_nobody(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    reader = step("reader", "a/cpu1", inputs={"x": output_of("one", "y")})
    driver.plan(step("one"), reader)
    driver.plan(reader, stop=(("r-1/one", 1),))
    said = driver.feed(
        events.WorkerFailedOperation,
        machine="a/cpu0",
        operation="r-1/one",
        attempt=1,
        reason=FailureReason.CANCELLED,
        message="stopped",
    )
    assert started(said) == []
    assert started(driver.plan(step("one", attempt=2), reader)) == ["r-1/one"]


def test_a_newer_plan_replaces_what_has_not_started(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"), step("two"))
    driver.plan(step("one"), step("three"), step("one", "a/cpu1"))
    assert started(driver.finish("one")) == ["r-1/three"]


def test_an_attempt_runs_once_however_often_it_is_planned(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"))
    driver.finish("one")
    assert started(driver.plan(step("one"))) == []
    assert started(driver.plan(step("one", attempt=2))) == ["r-1/one"]


@pytest.mark.parametrize(("epoch", "version"), [(1, 9), (2, 3), (2, 4)])
def test_a_plan_of_a_stale_epoch_or_version_changes_nothing(
    driver: Driver, epoch: int, version: int
) -> None:
    driver.version = 3
    driver.plan(epoch=2)
    driver.ready("a/cpu0")
    driver.version = version - 1
    assert driver.plan(step("one"), epoch=epoch) == []


def test_remote_inputs_are_fetched_before_the_operation_is_due(driver: Driver) -> None:
    driver.ready("a/cpu0")
    said = driver.plan(step("one"), step("two", inputs={"x": given(AWAY)}))
    assert [i.inputs for i in said if isinstance(i, FetchTensors)] == [{"x": AWAY}]
    said = driver.plan(step("one"), step("two", inputs={"x": given(AWAY)}))
    assert said == []  # asked for once
    driver.finish("one")
    said = driver.feed(events.Fetched, operation="r-1/two", attempt=1, inputs={"x": HERE})
    assert [i.inputs for i in said if isinstance(i, StartOnWorker)] == [{"x": HERE}]


def test_an_input_that_cannot_be_had_fails_its_operation_alone(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one", inputs={"x": given(AWAY)}), step("two"))
    lost = FailureReason.INPUT_LOST
    said = driver.feed(
        events.FetchFailed, operation="r-1/one", attempt=1, reason=lost, message="gone"
    )
    (failed, _) = reports(said)
    assert isinstance(failed, OperationFailed)
    assert (failed.reason, failed.message) == (lost, "gone")
    assert started(said) == ["r-1/two"]


def test_items_are_taken_from_lists_and_gathered_again_in_order(driver: Driver) -> None:
    driver.ready("a/cpu0")
    item = replace(output_of("cut", "y"), item=0)
    join = replace(
        step("join"),
        inputs=(Binding(name="x", sources=(item, given(HERE)), gather=True),),
    )
    driver.plan(step("cut"), join)
    (start,) = [i for i in driver.finish("cut", PAIR) if isinstance(i, StartOnWorker)]
    assert start.inputs["x"] == Value(tensors=HERE.tensors * 2, is_list=True)


@pytest.mark.parametrize(
    "source",
    [replace(output_of("one", "y"), item=2), output_of("one", "absent")],
    ids=["item", "output"],
)
def test_what_a_producer_did_not_give_is_invalid(driver: Driver, source: Source) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"), step("two", inputs={"x": source}))
    failed = reports(driver.finish("one", PAIR))[-1]
    assert isinstance(failed, OperationFailed)
    assert failed.reason is FailureReason.INVALID


def test_a_missing_model_is_fetched_once_and_its_session_warmed(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    waits = step("one", work=MODEL, inputs={"x": output_of("other", "y")})
    said = driver.plan(waits, step("two", work=MODEL), step("other", "a/cpu1"))
    assert [i for i in said if isinstance(i, FetchModel)] == [FetchModel(digest="d")]
    said = driver.feed(events.ModelReady, digest="d", path="/m")
    assert [type(i) for i in said] == [WarmOnWorker]
    (start,) = [i for i in driver.finish("other") if isinstance(i, StartOnWorker)]
    assert start.model_path == "/m"


def test_a_model_that_cannot_be_had_fails_all_that_need_it_and_is_asked_for_again(
    driver: Driver,
) -> None:
    driver.plan(step("one", work=MODEL), step("two", work=MODEL), step("three"))
    said = driver.feed(
        events.ModelFailed, digest="d", reason=FailureReason.INPUT_LOST, message="no"
    )
    assert [type(report) for report in reports(said)] == [OperationFailed, OperationFailed]
    assert FetchModel(digest="d") in driver.plan(step("one", work=MODEL, attempt=2))


def test_outputs_of_peers_count_even_if_they_come_before_the_plan(driver: Driver) -> None:
    driver.ready("a/cpu0")
    peer = PeerOutputs(operation="r-1/far", attempt=1, run="r-1", outputs={"y": HERE})
    driver.feed(events.PeerReceived, peer=peer)
    said = driver.plan(step("one", inputs={"x": output_of("far", "y")}))
    assert started(said) == ["r-1/one"]


def test_agents_that_wait_are_told_and_we_are_not(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one", notify=("a", "b")))
    peers = [i for i in driver.finish("one") if isinstance(i, NotifyPeer)]
    assert [(i.agent, i.peer.outputs) for i in peers] == [("b", {"y": HERE})]


def test_a_dead_worker_fails_its_operation_then_the_machine_is_down_until_the_next(
    driver: Driver,
) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"), step("two"))
    failed, down = reports(driver.die("a/cpu0"))
    assert isinstance(failed, OperationFailed)
    assert failed.reason is FailureReason.WORKER_CRASHED
    assert isinstance(down, MachineDown)
    assert driver.die("a/cpu0") == []  # the brain knows
    said = driver.feed(events.WorkerReady, machine="a/cpu0")
    assert isinstance(reports(said)[0], MachineUp)
    assert started(said) == ["r-1/two"]


def test_an_operation_that_runs_too_long_takes_its_worker_with_it(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one", timeout_us=100))
    assert driver.state.wake_us == driver.at_us + 100
    driver.at_us += 99
    said = driver.feed(events.Tick)
    assert [type(i) for i in said] == [KillWorker]
    assert not driver.state.wake_us
    failed = reports(driver.die("a/cpu0"))[0]
    assert isinstance(failed, OperationFailed)
    assert failed.reason is FailureReason.TIMEOUT


def ending(driver: Driver) -> None:
    """Have `one` run, and its worker be ended to stop it, with `two` behind it."""
    driver.ready("a/cpu0")
    driver.plan(replace(step("one", expected_us=9_000_000), provider="openvino"))
    said = driver.plan(step("two"), stop=(("r-1/one", 1),))
    assert [type(i) for i in said] == [KillWorker]


def test_a_worker_that_is_ended_takes_nothing_with_it_that_waits(driver: Driver) -> None:
    ending(driver)
    failed, down = reports(driver.die("a/cpu0"))
    assert isinstance(failed, OperationFailed)
    assert (failed.operation, failed.reason) == ("r-1/one", FailureReason.CANCELLED)
    assert isinstance(down, MachineDown)
    assert down.is_planned
    said = driver.feed(events.WorkerReady, machine="a/cpu0")
    assert isinstance(reports(said)[0], MachineUp)
    assert started(said) == ["r-1/two"]


def test_what_is_through_before_its_worker_has_ended_counts_and_nothing_follows_it_there(
    driver: Driver,
) -> None:
    ending(driver)
    said = driver.finish("one")
    assert [type(report) for report in reports(said)] == [OperationFinished]
    assert started(said) == []
    (down,) = reports(driver.die("a/cpu0"))
    assert isinstance(down, MachineDown)
    assert down.is_planned


def test_a_machine_whose_next_worker_dies_too_is_down(driver: Driver) -> None:
    ending(driver)
    driver.die("a/cpu0")
    (down,) = reports(driver.die("a/cpu0"))
    assert isinstance(down, MachineDown)
    assert not down.is_planned
    assert driver.die("a/cpu0") == []  # the brain knows


def test_what_is_overdue_is_not_taken_for_nearly_done(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(replace(step("one", expected_us=1_000_000), provider="openvino"))
    driver.at_us += 4_000_000
    said = driver.plan(stop=(("r-1/one", 1),))
    assert [type(i) for i in said] == [KillWorker]


def test_a_stop_asks_a_provider_that_heeds_it_and_kills_after_a_grace(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one", expected_us=9_000_000))
    said = driver.plan(stop=(("r-1/one", 1),))
    assert said == [CancelOnWorker(machine="a/cpu0", operation="r-1/one", attempt=1)]
    driver.at_us += STOP_GRACE_US
    assert [type(i) for i in driver.feed(events.Tick)] == [KillWorker]
    failed = reports(driver.die("a/cpu0"))[0]
    assert isinstance(failed, OperationFailed)
    assert failed.reason is FailureReason.CANCELLED


@pytest.mark.parametrize(
    ("expected_us", "killed"), [(100_000, False), (9_000_000, True)], ids=["nearly done", "long"]
)
def test_a_stop_kills_what_cannot_be_asked_unless_it_is_nearly_done(
    driver: Driver, expected_us: int, killed: bool
) -> None:
    driver.ready("a/cpu0")
    one = replace(step("one", expected_us=expected_us), provider="openvino")
    driver.plan(one)
    said = driver.plan(stop=(("r-1/one", 1),))
    assert [type(i) for i in said] == ([KillWorker] if killed else [])


def test_what_is_nearly_done_and_does_not_end_is_killed_after_a_grace(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(replace(step("one", expected_us=100_000), provider="openvino"))
    driver.at_us += 1_100_000
    assert driver.plan(stop=(("r-1/one", 1),)) == []
    driver.at_us += STOP_GRACE_US
    assert [type(i) for i in driver.feed(events.Tick)] == [KillWorker]


def test_a_stopped_operation_that_has_not_started_is_forgotten(driver: Driver) -> None:
    driver.plan(step("one"))
    driver.plan(step("one"), step("two"), stop=(("r-1/one", 1),))
    assert started(driver.feed(events.WorkerReady, machine="a/cpu0")) == ["r-1/two"]


def test_tensors_written_after_a_release_are_deleted_too(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"))
    release = Release(run="r-1", keep=("r-1/kept",))
    assert driver.plan(release=(release,)) == [ReleaseTensors(release=release)]
    assert ReleaseTensors(release=release) in driver.finish("one")


def test_models_that_are_gone_are_unloaded(driver: Driver) -> None:
    driver.ready("a/cpu0")
    assert driver.plan(unload=("d",)) == [UnloadModel(digest="d")]


def test_a_plan_for_a_machine_that_is_not_here_is_answered(driver: Driver) -> None:
    (failed,) = reports(driver.plan(step("one", "a/gone0")))
    assert isinstance(failed, OperationFailed)
    assert failed.reason is FailureReason.MACHINE_DOWN


def test_a_draining_agent_leaves_when_nothing_runs_any_more(driver: Driver) -> None:
    driver.ready("a/cpu0", "a/cpu1")
    driver.plan(step("one"), step("two"), step("three", "a/cpu1"))
    said = driver.feed(events.DrainRequested)
    assert [type(report) for report in reports(said)] == [AgentDraining]
    assert driver.feed(events.DrainRequested) == []
    assert driver.plan(step("four")) == []
    driver.finish("three")
    assert driver.finish("one")[-1] == Exit()
    assert driver.die("a/cpu0")[-1] != Exit()  # said once


def test_an_idle_agent_leaves_at_once(driver: Driver) -> None:
    assert driver.feed(events.DrainRequested)[-1] == Exit()


def test_a_rejoined_agent_forgets_its_plans_but_not_what_runs(driver: Driver) -> None:
    driver.ready("a/cpu0")
    driver.plan(step("one"), step("two"))
    driver.feed(events.Rejoined)
    driver.version = 0
    assert started(driver.plan(step("one"), step("three"))) == []
    assert started(driver.finish("one")) == ["r-1/three"]


def test_a_rejoined_agent_says_again_which_machines_are_down(driver: Driver) -> None:
    driver.die("a/cpu1")
    (down,) = reports(driver.feed(events.Rejoined))
    assert isinstance(down, MachineDown)
    assert down.machine == "a/cpu1"
