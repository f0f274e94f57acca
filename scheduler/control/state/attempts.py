"""Attempts that are given up before their end, and the record of each that did not succeed."""

from __future__ import annotations

from scheduler.control.records import AttemptRecord, ReplanReason
from scheduler.control.records.story import Trigger
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import note_stop, stop, taken_back
from scheduler.model.messages import FailureReason


def give_way(state: State, turn: Turn, op: LiveOperation, urgent: str) -> None:
    """Stop running work for a more urgent operation: it begins anew, at no fault of its own."""
    note_stop(state, op)
    stop(turn, op)
    message = f"gave way to {urgent}"
    note_present(state, op, FailureReason.CANCELLED, message, gave_way_to=urgent)
    op.lost[op.attempt] = 0
    op.gave_way += 1
    taken_back(state, op, Trigger.GAVE_WAY, urgent)
    turn.plan_again(ReplanReason.GAVE_WAY)
    turn.runs[op.run.id] = None


def set_aside(state: State, turn: Turn, op: LiveOperation, message: str) -> None:
    """Start a silent operation again elsewhere. Nobody stops it: the first result counts."""
    _silent(state, turn, op, message)


def cut_off(state: State, turn: Turn, op: LiveOperation, message: str) -> None:
    """Stop a silent operation, and have it wait for the worker that comes after."""
    note_stop(state, op)
    stop(turn, op)
    _silent(state, turn, op, message)


def _silent(state: State, turn: Turn, op: LiveOperation, message: str) -> None:
    note_present(state, op, FailureReason.TIMEOUT, message)
    op.lost[op.attempt] = 0
    taken_back(state, op, Trigger.SILENCE, message)
    turn.plan_again(ReplanReason.SUSPECTED)
    turn.runs[op.run.id] = None


def note_present(
    state: State, op: LiveOperation, reason: FailureReason, message: str, *, gave_way_to: str = ""
) -> None:
    """Note why the present attempt was given up."""
    note_failure(
        state,
        op,
        op.attempt,
        op.machine,
        reason,
        message,
        started_us=op.started_us,
        gave_way_to=gave_way_to,
    )


def note_failure(
    state: State,
    op: LiveOperation,
    attempt: int,
    machine: str,
    reason: FailureReason,
    message: str,
    *,
    started_us: int | None = None,
    gave_way_to: str = "",
) -> None:
    """Add an attempt that did not succeed to the record of its operation."""
    if reason is not FailureReason.CANCELLED:
        state.count("retries")
    op.failures.append(
        AttemptRecord(
            attempt=attempt,
            machine=machine,
            provider=op.provider,
            reason=reason,
            message=message,
            at_us=state.now_us,
            started_us=started_us,
            gave_way_to=gave_way_to,
        )
    )
