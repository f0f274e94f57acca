"""Until when a machine is trusted to answer, and when one that was suspected is trusted again."""

from __future__ import annotations

from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State, Turn
from scheduler.control.state.suspicions import patience_us
from scheduler.model.messages import OperationFailed, OperationFinished


def expect_answer(state: State, op: LiveOperation) -> None:
    """Look at the machine of what has begun once it is overdue."""
    state.suspicions.look_us[op.machine] = overdue_us(op)


def overdue_us(op: LiveOperation) -> int:
    """When an operation that runs will have been silent for too long."""
    assert op.mode is not None
    assert op.started_us is not None
    expected_us = op.started_us + op.mode.duration_us + op.load_us
    return expected_us + patience_us(op.mode.p95_us)


def answered(state: State, turn: Turn, event: OperationFinished | OperationFailed) -> None:
    """Trust a machine again that answers about what it was silent about."""
    found = state.suspicions.of.get(event.machine)
    if found is not None and (found.operation, found.attempt) == (event.operation, event.attempt):
        trust_again(state, event.machine)
        turn.replan = True


def trust_again(state: State, machine: str) -> None:
    """Suspect a machine no more: it answers, or its worker is another one."""
    state.suspicions.look_us.pop(machine, None)
    if state.suspicions.of.pop(machine, None) is not None:
        state.options.clear()
