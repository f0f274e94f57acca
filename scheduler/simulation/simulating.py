"""The front door of the simulator: a scenario and a brain in, a record of each run out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from scheduler.control.brain import Brain
from scheduler.control.commands import Command, RecordRun
from scheduler.control.events import RunSubmitted, WorkloadAdded
from scheduler.control.records import OperationRecord, RunRecord
from scheduler.model.measuring import IDLE, Load
from scheduler.model.messages import Dispatch, TensorRef, Value
from scheduler.simulation.agent import Nature
from scheduler.simulation.scenario import Scenario, Slow
from scheduler.simulation.world import World

START_US = 1_000
"""Everything has joined and is known by then; the first run may come."""
_EVENTS_PER_OPERATION = 100


def simulate(scenario: Scenario, brain: Brain) -> tuple[RunRecord, ...]:
    """Let a brain that knows nothing yet run a scenario.

    Returns
    -------
    tuple
        A record of each run with all its operations; times count from the start of the scenario.
    """
    operations = sum(len(t.arrivals_us) * len(t.workload.stages) for t in scenario.traffic)
    world = World(brain, nature=_nature(scenario), seed=scenario.seed)
    for box, machines in scenario.boxes.items():
        if machines:
            world.join(box, box, machines, 0)
    for traffic in scenario.traffic:
        world.send(WorkloadAdded(at_us=0, workload=traffic.workload))
    for event in _submissions(scenario):
        world.send(event)
    for fault in scenario.lost:
        back_us = None if fault.back_us is None else START_US + fault.back_us
        world.kill(fault.box, START_US + fault.at_us, back_us)
    world.run(10_000 + _EVENTS_PER_OPERATION * operations)
    return _records(world.commands)


def _submissions(scenario: Scenario) -> Iterator[RunSubmitted]:
    for traffic in scenario.traffic:
        for i, arrival_us in enumerate(traffic.arrivals_us):
            at_us = START_US + arrival_us
            yield RunSubmitted(
                at_us=at_us,
                run=f"{traffic.workload.name}-{i}",
                workload=traffic.workload.key,
                inputs={"frame": _FRAME},
                band=traffic.band,
                deadline_us=None if traffic.deadline_us is None else at_us + traffic.deadline_us,
                drop_late=traffic.drop_late,
            )


_FRAME = Value(tensors=(TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0"),))


def _nature(scenario: Scenario) -> Nature:
    def duration_us(dispatch: Dispatch, _: Random) -> int:
        cost = scenario.costs[dispatch.work.name, dispatch.machine]
        # By the operation, not by the order of starts: policies are compared on equal terms.
        chance = Random(f"{scenario.seed}/{dispatch.operation}/{dispatch.attempt}")
        return max(1, round(cost.median_us * chance.lognormvariate(0.0, cost.spread)))

    slowness = _Slowness(scenario.slow) if scenario.slow else None
    return Nature(duration_us=duration_us, items=lambda *_: None, surroundings=slowness)


@dataclass(frozen=True, slots=True)
class _Slowness:
    """Machines that are slow for a while, for reasons that no agent sees."""

    faults: tuple[Slow, ...]

    def took_us(self, machine: str, start_us: int, work_us: int) -> int:
        """Time that work lasts which starts at that moment."""
        since_us = start_us - START_US
        for fault in self.faults:
            if fault.machine == machine and fault.from_us <= since_us < fault.until_us:
                work_us = round(work_us * fault.factor)
        return work_us

    def load(self, machine: str, start_us: int, end_us: int) -> Load:
        """Nothing is seen."""
        return IDLE


def _records(commands: list[list[Command]]) -> tuple[RunRecord, ...]:
    """The last record of each run, with the operations of all its records together."""
    last: dict[str, RunRecord] = {}
    operations: dict[str, dict[int, OperationRecord]] = {}
    for command in (each for turn in commands for each in turn):
        if isinstance(command, RecordRun):
            record = last[command.record.run] = command.record
            known = operations.setdefault(record.run, {})
            for order in command.gone:
                known.pop(order, None)
            known.update((op.order, op) for op in record.operations)
    return tuple(
        replace(record, operations=tuple(known for _, known in sorted(operations[run].items())))
        for run, record in last.items()
    )
