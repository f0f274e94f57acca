"""Promises to runs: the finish by the first plan that places all of a run."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.forecast.deadlines import spread_us
from scheduler.control.records import OperationState
from scheduler.control.state.operations import LiveOperation, LiveRun
from scheduler.control.state.state import State

End = tuple[int, float]
"""An absolute time in microseconds, and its standard deviation."""


def promise(state: State) -> None:
    """Note the promises of the plan in force to runs that were promised nothing yet.

    A run that reaches beyond the horizon is promised nothing before the rest of it is planned.
    """
    waiting: dict[str, tuple[LiveRun, list[End]]] = {}
    for op, end in _ends(state):
        if op.run.promise is None:
            waiting.setdefault(op.run.id, (op.run, []))[1].append(end)
    for run, ends in waiting.values():
        if len(ends) == run.unfinished:
            run.promise = max(ends)


def _ends(state: State) -> Iterator[tuple[LiveOperation, End]]:
    for op in state.plan.planned.values():
        if op.placement is not None:
            yield op, (op.placement.end_us, op.placement.spread_us)
    for machine in state.machines.values():
        running = state.operations.get(machine.running)
        if running is None or running.mode is None:
            continue
        if running.state is OperationState.RUNNING:
            yield running, (running.expected_end_us, spread_us(running.mode))
