"""Plans count what loading a session takes, once per machine, and only where it is not there."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from scheduler.control.commands import Command
from scheduler.control.events import ControllerStarted, ProfileRequested
from scheduler.control.planning.decoding import decode, fastest_modes
from scheduler.control.records import OperationRecord
from scheduler.control.state.sessions import used
from scheduler.model.checker import check
from scheduler.model.messages import (
    MOST_SESSION_BYTES,
    MOST_SESSIONS,
    AgentLost,
    Dispatch,
    FailureReason,
    MachineDown,
    MachineUp,
    Profile,
    Value,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Problem
from scheduler.solvers.registry import Feature
from tests.scheduler.site import (
    DIGEST,
    added,
    agent_joined,
    model_added,
    model_workload,
    submitted,
    value,
)
from tests.scheduler.strategies import problems
from tests.scheduler.watched import Watched, dispatch_of, dispatches, fail, finish, start

LOAD_US, RUN_US = 400_000, 10_000
OWN = (DIGEST, "cpu", ())
ALWAYS = {"drop_late": False}


def site(load_us: int = LOAD_US, lanes: int = 2) -> Watched:
    """Lanes on which a model was measured, and whose workers began anew since then."""
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(lanes=lanes))
    measure(brain, brain.feed(added(model_workload()), model_added()), 1_000, load_us)
    for name in brain.state.machines:
        restart(brain, name, 2_000)
    return brain


def measure(
    brain: Watched,
    told: list[Command],
    at_us: int,
    load_us: int = LOAD_US,
    **shapes: tuple[int, ...],
) -> None:
    """Answer what was asked to be measured: it began a millisecond before."""
    for sent in dispatches(told):
        assert sent.work.kind is WorkKind.PROFILE
        found = Profile(
            digest=DIGEST,
            machine=sent.machine,
            provider=sent.provider,
            verdict=Verdict.USABLE,
            samples_us=(RUN_US,) * 5,
            load_us=load_us,
            shapes=shapes,
        )
        ended = replace(finish(sent, at_us, took_us=1_000), profile=found)
        brain.feed(start(sent, at_us - 1_000), ended)


def measure_anew(brain: Watched, at_us: int) -> None:
    asked = ProfileRequested(at_us=at_us - 1_000, run=f"q-{at_us}", digest=DIGEST)
    measure(brain, brain.handle(asked), at_us)


def restart(brain: Watched, machine: str, at_us: int) -> None:
    brain.handle(MachineDown(at_us=at_us, machine=machine, reason="its worker ended"))
    brain.handle(MachineUp(at_us=at_us + 1_000, machine=machine))


def use(brain: Watched, digest: str) -> None:
    """Have something that the first run was, but of another model, run on its lane."""
    op = brain.state.operations["first/only"]
    other = replace(op, stage=replace(op.stage, digest=digest))
    used(brain.state, other, "a/cpu0", "cpu", 600_000)


@pytest.fixture
def brain() -> Watched:
    return site()


def send(brain: Watched, run: str, at_us: int) -> Dispatch:
    return dispatch_of(brain.handle(submitted(run, "detect@1", at_us=at_us)), f"{run}/only")


def warm_up(brain: Watched, at_us: int = 10_000) -> Dispatch:
    """Have a run load the session of one lane; it is through half a second later."""
    sent = send(brain, "first", at_us)
    ended = replace(finish(sent, at_us + 500_000, took_us=LOAD_US + RUN_US), load_us=LOAD_US)
    brain.feed(start(sent, at_us + 500_000 - LOAD_US - RUN_US), ended)
    return sent


def planned(record: OperationRecord) -> tuple[int, int]:
    """Planned time of a run in all, and the share of it that makes its session."""
    assert record.planned_end_us is not None
    assert record.planned_start_us is not None
    return record.planned_end_us - record.planned_start_us, record.load_us


def test_a_cold_run_is_predicted_to_load_first(brain: Watched) -> None:
    sent = send(brain, "r", 10_000)
    assert (sent.planned_start_us, sent.expected_us) == (10_000, LOAD_US + RUN_US)
    assert planned(brain.op("r/only")) == (LOAD_US + RUN_US, LOAD_US)
    assert brain.op("r/only").duration_p50_us == RUN_US
    assert brain.run("r").predicted_p50_us == 10_000 + LOAD_US + RUN_US


def test_a_short_series_stays_on_the_lane_that_is_warm(brain: Watched) -> None:
    warm = warm_up(brain)
    told = brain.feed(*(submitted(f"r-{i}", "detect@1", at_us=600_000) for i in range(5)))
    assert {sent.machine for sent in dispatches(told)} == {warm.machine}
    assert [planned(brain.op(f"r-{i}/only")) for i in range(5)] == [(RUN_US, 0)] * 5
    cold = next(c for c in brain.op("r-0/only").candidates if c.machine != warm.machine)
    assert cold.finish_us == 600_000 + LOAD_US + RUN_US


def test_a_long_series_is_worth_a_second_session(brain: Watched) -> None:
    warm = warm_up(brain)
    told = brain.feed(*(submitted(f"r-{i}", "detect@1", at_us=600_000) for i in range(60)))
    assert {sent.machine for sent in dispatches(told)} > {warm.machine}
    loads = [brain.op(f"r-{i}/only").load_us for i in range(60)]
    assert sorted(loads) == [0] * 59 + [LOAD_US]


def test_what_loads_now_is_expected_to_take_that_long() -> None:
    brain = site(lanes=1)
    brain.handle(start(send(brain, "first", 10_000), 10_000))
    sent = send(brain, "second", 20_000)
    assert sent.planned_start_us == 10_000 + LOAD_US + RUN_US
    assert sent.expected_us == RUN_US


def test_what_was_loaded_while_inputs_came_is_not_counted_again() -> None:
    brain = site(lanes=1)
    # Sent at 10 ms and begun 300 ms later: so much of the load is over.
    brain.handle(start(send(brain, "first", 10_000), 310_000))
    assert send(brain, "second", 320_000).planned_start_us == 310_000 + 100_000 + RUN_US


def test_a_chain_of_runs_pays_for_a_session_once() -> None:
    brain = site(lanes=1)
    brain.feed(*(submitted(f"r-{i}", "detect@1", at_us=10_000) for i in range(3)))
    assert [brain.op(f"r-{i}/only").load_us for i in range(3)] == [LOAD_US, 0, 0]
    assert brain.run("r-2").predicted_p50_us == 10_000 + LOAD_US + 3 * RUN_US


def test_a_worker_that_begins_anew_has_forgotten_its_sessions(brain: Watched) -> None:
    warm = warm_up(brain)
    restart(brain, warm.machine, 600_000)
    send(brain, "r", 800_000)
    assert brain.op("r/only").load_us == LOAD_US


def test_an_agent_that_begins_anew_has_forgotten_its_sessions(brain: Watched) -> None:
    warm_up(brain)
    brain.handle(AgentLost(at_us=600_000, agent="a"))
    brain.handle(agent_joined(lanes=2, at_us=700_000, incarnation="2"))
    send(brain, "r", 800_000)
    assert brain.op("r/only").load_us == LOAD_US


def test_where_a_model_failed_its_session_may_be_gone() -> None:
    brain = site(lanes=1)
    sent = warm_up(brain)
    again = send(brain, "r", 600_000)
    assert brain.op("r/only").load_us == 0
    brain.feed(start(again, 600_100), fail(again, 600_200, FailureReason.OUT_OF_MEMORY))
    send(brain, "next", 700_000)
    assert brain.op("next/only").load_us == LOAD_US
    assert sent.machine == again.machine


def test_the_session_unused_for_longest_leaves_first() -> None:
    brain = site(lanes=1)
    warm_up(brain)
    live = brain.state.machines["a/cpu0"]
    for i in range(MOST_SESSIONS):
        assert len(live.sessions) <= MOST_SESSIONS
        assert (OWN in live.sessions) == (i < MOST_SESSIONS)
        use(brain, f"{i}")
    assert OWN not in live.sessions
    send(brain, "r", 600_000)
    assert brain.op("r/only").load_us == LOAD_US


def test_sessions_leave_a_worker_that_holds_too_many_bytes() -> None:
    brain = site(lanes=1)
    warm_up(brain)
    large = replace(model_added(digest="large", name="large"), size_bytes=MOST_SESSION_BYTES)
    brain.handle(large)
    use(brain, "large")
    assert list(brain.state.machines["a/cpu0"].sessions) == [("large", "cpu", ())]


def test_what_was_measured_is_loaded(brain: Watched) -> None:
    measure_anew(brain, 10_000)
    send(brain, "r", 20_000)
    assert planned(brain.op("r/only")) == (RUN_US, 0)


def test_what_was_measured_and_not_used_is_the_first_to_leave() -> None:
    brain = site(lanes=1)
    warm_up(brain)
    restart(brain, "a/cpu0", 550_000)
    live = brain.state.machines["a/cpu0"]
    use(brain, "used")
    measure_anew(brain, 700_000)
    assert list(live.sessions) == [OWN, ("used", "cpu", ())]
    for i in range(MOST_SESSIONS - 1):
        use(brain, f"{i}")
    assert OWN not in live.sessions
    assert ("used", "cpu", ()) in live.sessions


def test_measuring_pushes_no_session_out() -> None:
    brain = site(lanes=1)
    warm_up(brain)
    for i in range(MOST_SESSIONS):
        use(brain, f"{i}")
    measure_anew(brain, 700_000)
    assert list(brain.state.machines["a/cpu0"].sessions) == [
        (f"{i}", "cpu", ()) for i in range(MOST_SESSIONS)
    ]


def test_a_provider_of_static_shapes_has_a_session_per_shape() -> None:
    brain = Watched()
    joined = agent_joined()
    (report,) = joined.machines
    static = tuple(replace(each, static_shapes=True) for each in report.providers)
    brain.feed(replace(joined, machines=(replace(report, providers=static),)))
    told = brain.feed(added(model_workload()), model_added())
    measure(brain, told, 2_000, x=(1, 3))
    assert list(brain.state.machines["a/cpu0"].sessions) == [(DIGEST, "cpu", (("x", (1, 3)),))]
    (given,) = value().tensors
    for run, shape in (("same", (1, 3)), ("other", (2, 3))):
        image = Value(tensors=(replace(given, shape=shape),))
        brain.handle(submitted(run, "detect@1", at_us=10_000, inputs={"image": image}))
    assert [brain.op(f"{run}/only").load_us for run in ("same", "other")] == [0, LOAD_US]


def test_a_load_time_that_nobody_measured_moves_nothing() -> None:
    sent = send(site(load_us=0), "r", 10_000)
    assert sent.expected_us == RUN_US


def test_dry_run_and_chance_count_the_load(brain: Watched) -> None:
    question = submitted("r", "detect@1", at_us=600_000, deadline_us=700_000, **ALWAYS)
    answer, _ = brain.preview(question)
    (only,) = answer.record.operations
    assert (answer.makespan_us, only.load_us) == (LOAD_US + RUN_US, LOAD_US)
    assert answer.record.chance == 0.0
    warm_up(brain)
    answer, _ = brain.preview(question)
    assert (answer.makespan_us, answer.record.chance) == (RUN_US, 1.0)


@given(problems({Feature.TRANSFERS, Feature.WINDOWS, Feature.STARTED, Feature.KEPT_SETUPS}))
def test_what_is_decoded_has_the_time_for_its_loads(problem: Problem) -> None:
    order = {op.id: i for i, op in enumerate(problem.topological_order())}
    assert check(problem, decode(problem, fastest_modes(problem), order)) == []
