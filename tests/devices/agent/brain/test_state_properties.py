"""In any order of events, every attempt starts once at most and ends once at most."""

from __future__ import annotations

from collections import Counter
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from devices.agent.brain import events
from devices.agent.brain.instructions import Emit, Exit, Instruction, KillWorker, StartOnWorker
from devices.agent.brain.state import AgentState
from scheduler.model.messages import (
    AgentPlan,
    Dispatch,
    FailureReason,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    TensorRef,
    Value,
)
from tests.agents import call, cpu_machines, dispatch, output_of

MACHINES = ("a/cpu0", "a/cpu1")
OPERATIONS = ("p", "q", "r", "s")
VALUE = Value(tensors=(TensorRef(dtype="bool", shape=(), size_bytes=1, inline=b"\0"),))

actions = st.one_of(
    st.tuples(st.just("ready"), st.sampled_from(MACHINES)),
    st.tuples(st.just("die"), st.sampled_from(MACHINES)),
    st.tuples(st.just("finish"), st.sampled_from(MACHINES)),
    st.tuples(st.just("fail"), st.sampled_from(MACHINES)),
    st.tuples(st.just("tick"), st.integers(1, 200)),
    st.tuples(
        st.just("plan"),
        st.lists(
            st.tuples(
                st.sampled_from(OPERATIONS),
                st.sampled_from(MACHINES),
                st.integers(1, 2),
                st.none() | st.sampled_from(OPERATIONS),
            ),
            max_size=6,
            unique_by=lambda step: (step[0], step[2]),
        ),
    ),
    st.tuples(st.just("stop"), st.sampled_from(OPERATIONS)),
    st.tuples(st.just("drain"), st.none()),
)


class World:
    """Workers that the state's instructions act on."""

    def __init__(self) -> None:
        self.state = AgentState("a", "box", cpu_machines("a", 2))
        self.at_us = 0
        self.version = 0
        self.alive: set[str] = set()
        self.running: dict[str, Dispatch] = {}
        self.said: list[Instruction] = []

    def act(self, kind: str, argument: Any) -> None:
        getattr(self, kind)(argument)

    def feed(self, kind: type, **fields: Any) -> None:
        self.at_us += 1
        for instruction in self.state.handle(kind(at_us=self.at_us, **fields)):
            self.said.append(instruction)
            if isinstance(instruction, StartOnWorker):
                machine = instruction.dispatch.machine
                assert machine in self.alive
                assert machine not in self.running
                self.running[machine] = instruction.dispatch
        assert self.state.violations() == []

    def ready(self, machine: str) -> None:
        if machine not in self.alive:
            self.alive.add(machine)
            self.feed(events.WorkerReady, machine=machine)

    def die(self, machine: str) -> None:
        self.alive.discard(machine)
        self.running.pop(machine, None)
        self.feed(events.WorkerDied, machine=machine, reason="")

    def finish(self, machine: str) -> None:
        if machine in self.running:
            done = self.running.pop(machine)
            self.feed(
                events.WorkerFinishedOperation,
                machine=machine,
                operation=done.operation,
                attempt=done.attempt,
                started_us=self.at_us,
                compute_us=1,
                load_us=0,
                outputs={"y": VALUE},
            )

    def fail(self, machine: str) -> None:
        if machine in self.running:
            done = self.running.pop(machine)
            self.feed(
                events.WorkerFailedOperation,
                machine=machine,
                operation=done.operation,
                attempt=done.attempt,
                reason=FailureReason.ERROR,
                message="",
            )

    def tick(self, passed_us: int) -> None:
        self.at_us += passed_us
        self.feed(events.Tick)

    def plan(self, steps: list[tuple[str, str, int, str | None]]) -> None:
        queues: dict[str, tuple[Dispatch, ...]] = {}
        for name, machine, attempt, before in steps:
            inputs = {"x": output_of(before, "y")} if before else {}
            work = call("arg_max")
            one = dispatch(name, machine, work, attempt=attempt, timeout_us=300, inputs=inputs)
            queues[machine] = (*queues.get(machine, ()), one)
        self._send(queues=queues)

    def stop(self, operation: str) -> None:
        self._send(queues={}, stop=((f"r-1/{operation}", 1), (f"r-1/{operation}", 2)))

    def drain(self, _: None) -> None:
        self.feed(events.DrainRequested)

    def settle(self) -> None:
        """Let workers that are to be ended end, and the others finish their operations."""
        killed = {i.machine for i in self.said if isinstance(i, KillWorker)}
        for machine in sorted(killed & set(self.running)):
            self.die(machine)
        while self.running:
            self.finish(next(iter(self.running)))

    def _send(self, **fields: Any) -> None:
        self.version += 1
        plan = AgentPlan(agent="a", epoch=1, version=self.version, **fields)
        self.feed(events.PlanReceived, plan=plan)


@settings(max_examples=150)
@given(st.lists(actions, max_size=40))
def test_every_attempt_starts_once_and_what_started_ends_once(history: list[Any]) -> None:
    world = World()
    for kind, argument in history:
        world.act(kind, argument)
    world.settle()
    world.drain(None)
    told = [i.report for i in world.said if isinstance(i, Emit)]
    begun = Counter((r.operation, r.attempt) for r in told if isinstance(r, OperationStarted))
    ended = Counter(
        (r.operation, r.attempt) for r in told if isinstance(r, OperationFinished | OperationFailed)
    )
    assert begun == ended
    assert set(begun.values()) <= {1}
    assert world.said.count(Exit()) == 1
