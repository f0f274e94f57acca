"""Starts of something less urgent where more urgent work is planned before it would end.

Plans, what is held back and gates keep that from happening. Where it happens all the same it has
one of a few reasons, which the operation keeps.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.planning.backfilling import has_waited_enough
from scheduler.control.records import Ahead
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State
from scheduler.model.messages import OperationStarted

TOLD_WITHIN_US = 100_000
"""An agent has this long to hear of a plan."""


def note_ahead(state: State, op: LiveOperation, event: OperationStarted) -> None:
    """Note for an operation that starts what it goes ahead of, and why; before it leaves the plan.

    Where several are planned before its end it is the first of them.
    """
    mode = op.sent[event.machine]
    end_us = event.at_us + mode.duration_us
    coming = list(_coming(state, op, event.machine, end_us))
    op.ahead_of = min(coming)[1] if coming else ""
    op.ahead_why = _why(state, op, event.at_us) if coming else None


def _coming(
    state: State, op: LiveOperation, machine: str, end_us: int
) -> Iterator[tuple[int, str]]:
    """More urgent operations that the plan starts on a machine before a time, with when."""
    for kept in state.plan.reservations:
        is_more_urgent = kept.operation and kept.band < op.band
        if kept.machine == machine and is_more_urgent and kept.from_us < end_us:
            yield kept.from_us, kept.operation
    for name in state.plan.queues.get(machine, ()):
        other = state.operations[name]
        if other.placement is None or other.placement.start_us >= end_us:
            return  # queues are in the order of the plan
        if other.band < op.band:
            yield other.placement.start_us, name


def _why(state: State, op: LiveOperation, at_us: int) -> Ahead | None:
    if has_waited_enough(state, op):
        return Ahead.WAITED
    if op.gate is not None and op.gate.until_us <= at_us:
        return Ahead.OVERDUE
    return Ahead.UNDER_WAY if at_us <= state.plan.made_us + TOLD_WITHIN_US else None
