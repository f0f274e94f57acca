"""Circumstances of runs, as the agent's state tells them."""

from __future__ import annotations

from dataclasses import replace

from devices.agent.brain import events
from devices.agent.brain.context import WINDOW_US, RecentRuns
from devices.agent.brain.instructions import Emit
from devices.agent.brain.state import AgentState
from scheduler.model.measuring import Kind, Load, Neighbour
from scheduler.model.messages import (
    AgentPlan,
    Dispatch,
    OperationFinished,
    Profile,
    Verdict,
    Work,
    WorkKind,
)
from tests.agents import call, cpu_machines, dispatch

ZERO, ONE = "a/cpu0", "a/cpu1"
MODEL = Work(kind=WorkKind.MODEL, name="net", digest="d")
SENSED = Load(foreign=0.25)


def work(name: str = "op", machine: str = ZERO, kind: Kind = Kind.UNKNOWN) -> Dispatch:
    return replace(dispatch(name, machine, MODEL), provider="openvino", kind=kind)


def context() -> RecentRuns:
    return RecentRuns(cpu_machines("a", 2))


def told(context: RecentRuns, at_us: int, machine: str = ZERO) -> Load:
    return context.load(machine, at_us, sensed=SENSED, is_cold=False)


def test_what_ran_beside_is_a_neighbour_and_what_the_sensor_saw_stays() -> None:
    now = context()
    now.started(ONE, work(machine=ONE, kind=Kind.MEMORY), 0, queue=0)
    now.started(ZERO, work(), 10, queue=3)
    load = told(now, 110)
    assert load.neighbours == (Neighbour(kind=Kind.MEMORY, provider="openvino", cores=1),)
    assert (load.foreign, load.queue) == (0.25, 3)


def test_company_for_less_than_a_quarter_of_a_run_is_passed_over() -> None:
    now = context()
    now.started(ONE, work(machine=ONE), 0, queue=0)
    now.started(ZERO, work(), 0, queue=0)
    now.ended(ONE, 25)
    assert told(now, 100).neighbours == ()
    assert len(told(now, 99).neighbours) == 1


def test_of_several_that_ran_beside_the_longest_counts() -> None:
    now = context()
    now.started(ZERO, work(), 0, queue=0)
    now.started(ONE, work(machine=ONE, kind=Kind.COMPUTE), 0, queue=0)
    now.started(ONE, work(machine=ONE, kind=Kind.MEMORY), 40, queue=0)
    assert [n.kind for n in told(now, 100).neighbours] == [Kind.MEMORY]


def test_utilisation_is_the_share_of_the_last_second_before_the_run() -> None:
    now = context()
    now.started(ZERO, work(), 0, queue=0)
    now.ended(ZERO, 500_000)  # half of it falls into the window
    now.started(ZERO, work(), 1_250_000, queue=0)
    load = told(now, 1_300_000)
    assert (load.utilisation, load.idle_us) == (0.25, 750_000)


def test_utilisation_forgets_what_is_long_ago() -> None:
    now = context()
    for start_us in range(0, 3 * WINDOW_US, 1_000):
        now.started(ZERO, work(), start_us, queue=0)
        now.ended(ZERO, start_us + 100)
    now.started(ZERO, work(), 3 * WINDOW_US, queue=0)
    assert abs(told(now, 3 * WINDOW_US).utilisation - 0.1) < 0.001
    now.started(ZERO, work(), 9 * WINDOW_US, queue=0)
    assert told(now, 9 * WINDOW_US).utilisation == 1.0  # it ran until now


def test_the_first_run_has_rested_for_no_time() -> None:
    now = context()
    now.started(ZERO, work(), 7, queue=0)
    assert (told(now, 9).idle_us, told(now, 9).utilisation) == (0, 0.0)


def finished(state: AgentState, load: Load | None, **fields: object) -> OperationFinished:
    """Run one operation and give the report of its end."""
    one = dispatch("one", ZERO, call("arg_max"))
    plan = AgentPlan(agent="a", epoch=1, version=1, queues={ZERO: (one,)})
    state.handle(events.WorkerReady(at_us=0, machine=ZERO))
    state.handle(events.PlanReceived(at_us=1, plan=plan))
    ended = events.WorkerFinishedOperation(
        at_us=9,
        machine=ZERO,
        operation=one.operation,
        attempt=1,
        started_us=2,
        compute_us=5,
        load_us=3,
        outputs={},
        load=load,
    )
    (said,) = state.handle(replace(ended, **fields))  # type: ignore[arg-type]
    assert isinstance(said, Emit)
    assert isinstance(said.report, OperationFinished)
    return said.report


def test_the_report_of_an_end_carries_the_load_and_whether_the_session_was_new() -> None:
    report = finished(AgentState("a", "box", cpu_machines("a", 2)), SENSED)
    assert report.load == replace(SENSED, is_cold=True)


def test_a_profile_carries_the_load_too() -> None:
    profile = Profile(digest="d", machine=ZERO, provider="cpu", verdict=Verdict.USABLE)
    report = finished(
        AgentState("a", "box", cpu_machines("a", 2)), SENSED, profile=profile, load_us=0
    )
    assert report.profile is not None
    assert report.profile.load == SENSED


def test_where_nobody_looked_no_load_is_told() -> None:
    assert finished(AgentState("a", "box", cpu_machines("a", 2)), None).load is None
