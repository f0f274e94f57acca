"""Laws hold under all histories: random ones, with faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.control.events import (
    ControllerStarted,
    Event,
    PlanProposed,
    PolicyChanged,
    RunCancelled,
    Tick,
)
from scheduler.control.records import RunState
from scheduler.model.messages import (
    AgentDraining,
    AgentLost,
    Dispatch,
    FailureReason,
    MachineDown,
    MachineUp,
    OperationFailed,
    OperationFinished,
    OperationStarted,
)
from scheduler.model.problem import Band
from scheduler.portfolio import placer
from scheduler.simulation.agent import Faults
from scheduler.simulation.world import World
from tests.scheduler.site import (
    SECOND_US,
    added,
    agent_joined,
    chain,
    fan,
    model_added,
    model_workload,
    nature,
    single,
    submitted,
    value,
)
from tests.scheduler.watched import Watched, dispatches, folded

WORKLOADS = ("one@1", "chain@1", "fan@1", "detect@1")
HORIZON_US = 2 * SECOND_US


def story(
    seed: int, *, runs: int = 12, faults: Faults | None = None, spread: float = 1.0
) -> tuple[Watched, World]:
    """A site with two agents, a model and four workloads, and runs of every band."""
    brain = Watched()
    world = World(
        brain,
        nature=nature(spread=spread),
        faults=faults,
        solver=placer("heft"),
        seed=seed,
    )
    for agent in ("a", "b"):
        world.join(agent, f"box-{agent}", agent_joined(agent, lanes=2).machines, 0)
    for workload in (single(), chain(), fan(), model_workload()):
        world.send(added(workload))
    world.send(model_added(1))
    for i in range(runs):
        at_us = 1_000 + (i * 37 + seed * 11) % 50 * 4_000
        world.send(submitted(f"r-{i}", WORKLOADS[i % 4], at_us=at_us, band=Band((i + seed) % 4)))
    return brain, world


def ends(brain: Watched) -> dict[str, RunState]:
    """Last recorded state of every run."""
    states: dict[str, RunState] = {}
    for commands in brain.commands:
        for command in commands:
            record = getattr(command, "record", None)
            if record is not None:
                states[record.run] = record.state
    return states


times = st.integers(0, HORIZON_US)
mishaps = st.lists(
    st.one_of(
        st.tuples(st.just("cancel"), times, st.integers(0, 11)),
        st.tuples(st.just("kill"), times, st.integers(0, 5 * SECOND_US)),
        st.tuples(st.just("drain"), times, st.just(0)),
        st.tuples(st.just("restart"), times, st.just(0)),
        st.tuples(st.just("deadline"), times, st.integers(1, 300_000)),
        st.tuples(st.just("join"), times, st.just(0)),
        st.tuples(st.just("policy"), times, st.integers(0, 1)),
    ),
    max_size=6,
)


def befall(world: World, what: str, at_us: int, more: int) -> None:
    acts: dict[str, Callable[[], None]] = {
        "cancel": lambda: world.send(RunCancelled(at_us=at_us, run=f"r-{more}")),
        "kill": lambda: world.kill("b", at_us, at_us + more if more % 3 else None),
        "drain": lambda: world.drain("b", at_us),
        "restart": lambda: world.restart_controller(at_us),
        "deadline": lambda: world.send(
            submitted(f"d-{at_us}-{more}", "fan@1", at_us=at_us, deadline_us=at_us + more)
        ),
        "join": lambda: world.join("c", "box-c", agent_joined("c").machines, at_us),
        "policy": lambda: world.send(
            PolicyChanged(at_us=at_us, placement=("heft", "fastest_machine")[more])
        ),
    }
    acts[what]()


@settings(max_examples=20)
@given(
    seed=st.integers(0, 1_000),
    mishaps=mishaps,
    faults=st.builds(
        Faults,
        fail=st.sampled_from([0.0, 0.05]),
        crash=st.sampled_from([0.0, 0.05]),
        twice=st.sampled_from([0.0, 0.2]),
    ),
)
def test_every_run_ends_and_the_log_folds_to_the_same_commands(
    seed: int, mishaps: list[tuple[str, int, int]], faults: Faults
) -> None:
    brain, world = story(seed, faults=faults)
    for what, at_us, more in mishaps:
        befall(world, what, at_us, more)
    world.run()
    final = {RunState.FINISHED, RunState.FAILED, RunState.CANCELLED}
    unfinished = {run: state for run, state in ends(brain).items() if state not in final}
    assert not unfinished
    assert folded(brain.log) == [msgspec.json.encode(commands) for commands in brain.commands]


@settings(max_examples=40)
@given(data=st.data())
def test_no_sequence_of_events_breaks_an_invariant(data: st.DataObject) -> None:
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined("a", lanes=2), added(fan()))
    brain.feed(added(chain()), added(model_workload()), added(single()))
    for step in range(data.draw(st.integers(5, 40))):
        event = data.draw(any_event(brain, step * 15_000), label="event")
        brain.handle(event)


@settings(max_examples=40)
@given(data=st.data())
def test_clocks_of_boxes_that_differ_by_seconds_break_no_law_of_a_problem(
    data: st.DataObject,
) -> None:
    # Every plan is made of a problem, which refuses what has begun or ended after the present.
    brain = Watched()
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined("a", lanes=2), added(fan()))
    brain.feed(added(chain()), added(model_workload()), added(single()))
    clocks = st.sampled_from([-4 * SECOND_US, 0, 3 * SECOND_US])
    for step in range(data.draw(st.integers(5, 40))):
        at_us = max(0, step * 15_000 + data.draw(clocks, label="clock"))
        brain.handle(data.draw(any_event(brain, at_us), label="event"))


def any_event(brain: Watched, at_us: int) -> st.SearchStrategy[Event]:
    agents = st.sampled_from(["a", "b"])
    machines = st.sampled_from(["a/cpu0", "a/cpu1", "b/cpu0", "c/cpu9"])
    runs = st.sampled_from([f"r-{i}" for i in range(6)])
    common = [
        st.builds(
            submitted,
            runs,
            st.sampled_from([*WORKLOADS, "nothing@1"]),
            at_us=st.just(at_us),
            band=st.sampled_from(list(Band)),
            deadline_us=st.sampled_from([None, at_us, at_us + 50_000]),
        ),
        st.builds(RunCancelled, at_us=st.just(at_us), run=runs),
        st.builds(model_added, st.just(at_us)),
        st.builds(
            agent_joined,
            agents,
            lanes=st.integers(1, 2),
            at_us=st.just(at_us),
            incarnation=st.sampled_from(["1", "2", "3"]),
            box=st.sampled_from(["", "shared"]),
        ),
        st.builds(AgentLost, at_us=st.just(at_us), agent=agents),
        st.builds(AgentDraining, at_us=st.just(at_us), agent=agents),
        st.builds(MachineDown, at_us=st.just(at_us), machine=machines, reason=st.just("gone")),
        st.builds(MachineUp, at_us=st.just(at_us), machine=machines),
        st.builds(Tick, at_us=st.just(at_us)),
        st.builds(ControllerStarted, at_us=st.just(at_us), epoch=st.integers(1, 4)),
        st.builds(
            PlanProposed,
            at_us=st.just(at_us),
            version=st.integers(0, 20),
            solver=st.just("cp_sat"),
            schedule=st.none(),
        ),
    ]
    told = [d for commands in brain.commands for d in dispatches(commands)]
    return st.one_of(*common, *([any_report(told, machines, at_us)] * 6 if told else []))


@st.composite
def any_report(
    draw: st.DrawFn, told: list[Dispatch], machines: st.SearchStrategy[str], at_us: int
) -> Event:
    dispatch = draw(st.sampled_from(told))
    machine = draw(st.one_of(st.just(dispatch.machine), machines))
    same = {"operation": dispatch.operation, "run": dispatch.run, "machine": machine}
    attempt = draw(st.one_of(st.just(dispatch.attempt), st.integers(0, 4)))
    what = draw(st.sampled_from(["started", "finished", "finished", "failed"]))
    if what == "started":
        return OperationStarted(at_us=at_us, attempt=attempt, **same)
    if what == "failed":
        reason = draw(st.sampled_from(list(FailureReason)))
        return OperationFailed(at_us=at_us, attempt=attempt, reason=reason, message="x", **same)
    count = draw(st.sampled_from([None, 0, 2]))
    box = draw(st.sampled_from(["", "box-a", "box-b"]))
    outputs = draw(st.sampled_from([{}, {"out": value(count, box)}]))
    return OperationFinished(
        at_us=at_us,
        attempt=attempt,
        started_us=max(0, at_us - 10_000),
        compute_us=9_000,
        outputs=outputs,
        operation=dispatch.operation,
        run=dispatch.run,
        machine=machine,
    )


@pytest.mark.parametrize("seed", ["0", "1"])
def test_commands_do_not_depend_on_the_hash_seed(seed: str) -> None:
    told = subprocess.run(
        [sys.executable, "-c", _DIGEST_OF_A_STORY],
        env=os.environ | {"PYTHONHASHSEED": seed, "PYTHONPATH": os.getcwd()},
        capture_output=True,
        text=True,
        check=True,
    )
    brain, world = story(3, faults=Faults(fail=0.05, crash=0.03, twice=0.1))
    world.run()
    assert told.stdout.strip() == digest(brain)


def digest(brain: Watched) -> str:
    from hashlib import sha256

    return sha256(msgspec.json.encode(brain.commands)).hexdigest()


_DIGEST_OF_A_STORY = """
from scheduler.simulation.agent import Faults
from tests.scheduler.control.test_invariants import digest, story
brain, world = story(3, faults=Faults(fail=0.05, crash=0.03, twice=0.1))
world.run()
print(digest(brain))
"""
