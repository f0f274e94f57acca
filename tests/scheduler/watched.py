"""A brain that is held to its invariants after every event, and what tests ask of it."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cost_models.oracle import Oracle
from scheduler.control.brain import Brain, BrainSettings
from scheduler.control.commands import Command, RecordRun, RequestPlan, SendPlan
from scheduler.control.events import Event
from scheduler.control.invariants import check
from scheduler.control.records import OperationRecord, RunRecord
from scheduler.model import checker
from scheduler.model.messages import (
    AgentPlan,
    Dispatch,
    FailureReason,
    OperationFailed,
    OperationFinished,
    OperationStarted,
    Value,
)
from scheduler.model.ports import Solver
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result
from scheduler.portfolio import placer
from tests.scheduler.site import added, readers, submitted, value


def _judged(solver: Solver) -> Solver:
    def solve(problem: Problem, limits: Limits, seed: int) -> Result:
        result = solver(problem, limits, seed)
        assert result.schedule is None or not checker.check(problem, result.schedule)
        return result

    return solve


class Watched(Brain):
    """Checks itself after every event, and remembers what it was told and what it said."""

    def __init__(self, settings: BrainSettings | None = None) -> None:
        solvers = {name: _judged(placer(name)) for name in ("heft", "fastest_machine")}
        super().__init__(oracle=Oracle(), solvers=solvers, settings=settings)
        self.log: list[Event] = []
        self.commands: list[list[Command]] = []

    def handle(self, event: Event) -> list[Command]:
        commands = super().handle(event)
        self.log.append(event)
        self.commands.append(commands)
        broken = check(self)
        assert not broken, f"after {event}: {broken}"
        return commands

    def feed(self, *events: Event) -> list[Command]:
        """Handle several events; gives the commands of all."""
        return [command for event in events for command in self.handle(event)]

    def op(self, name: str) -> OperationRecord:
        """Record of one operation."""
        record = self.record(name.partition("/")[0])
        assert record is not None
        return next(op for op in record.operations if op.operation == name)

    def run(self, name: str) -> RunRecord:
        """Record of one run."""
        record = self.record(name)
        assert record is not None
        return record


def folded(log: Iterable[Event]) -> list[bytes]:
    """Commands of a fresh brain for each event of a log, as bytes."""
    fresh = Watched()
    return [msgspec.json.encode(fresh.handle(event)) for event in log]


def plans(commands: Iterable[Command]) -> list[AgentPlan]:
    return [command.plan for command in commands if isinstance(command, SendPlan)]


def dispatches(commands: Iterable[Command]) -> list[Dispatch]:
    return [d for plan in plans(commands) for queue in plan.queues.values() for d in queue]


def dispatch_of(commands: Iterable[Command], operation: str) -> Dispatch:
    return next(d for d in dispatches(commands) if d.operation == operation)


def queue(commands: Iterable[Command], machine: str) -> list[str]:
    """Operations of the latest plan that speaks of the machine, in order."""
    found = [plan for plan in plans(commands) if plan.agent == machine.partition("/")[0]]
    return [d.operation for d in found[-1].queues.get(machine, ())]


def records(commands: Iterable[Command]) -> list[RunRecord]:
    return [command.record for command in commands if isinstance(command, RecordRun)]


def requests(commands: Iterable[Command]) -> list[RequestPlan]:
    return [command for command in commands if isinstance(command, RequestPlan)]


def start(dispatch: Dispatch, at_us: int) -> OperationStarted:
    return OperationStarted(
        at_us=at_us,
        operation=dispatch.operation,
        attempt=dispatch.attempt,
        run=dispatch.run,
        machine=dispatch.machine,
    )


def finish(
    dispatch: Dispatch,
    at_us: int,
    *,
    outputs: dict[str, Value] | None = None,
    took_us: int | None = None,
) -> OperationFinished:
    took_us = dispatch.expected_us if took_us is None else took_us
    return OperationFinished(
        at_us=at_us,
        operation=dispatch.operation,
        attempt=dispatch.attempt,
        run=dispatch.run,
        machine=dispatch.machine,
        started_us=at_us - took_us,
        compute_us=took_us,
        outputs={"out": value()} if outputs is None else outputs,
    )


def fail(
    dispatch: Dispatch,
    at_us: int,
    reason: FailureReason = FailureReason.ERROR,
    message: str = "broken",
) -> OperationFailed:
    return OperationFailed(
        at_us=at_us,
        operation=dispatch.operation,
        attempt=dispatch.attempt,
        run=dispatch.run,
        machine=dispatch.machine,
        reason=reason,
        message=message,
    )


def machines_of_readers(brain: Watched, output_bytes: int) -> set[str]:
    """Machines on which the readers of an output of that size would be put by now."""
    brain.feed(added(readers(output_bytes)))
    answer, _ = brain.preview(submitted("preview", "readers@1", at_us=brain.state.now_us))
    return {op.machine for op in answer.record.operations if op.stage != "source"}
