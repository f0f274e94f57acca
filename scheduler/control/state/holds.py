"""Machines that are not free yet: what was told to stop runs on, or a worker is started again.

Plans count on them from the moment that they should be free: what is planned there waits, and is
not lost.
"""

from __future__ import annotations

from scheduler.control.state.figures.stops import Figure, Hold
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State
from scheduler.model.messages import WorkKind

NEARLY_DONE_US = 1_000_000
"""An agent does not end a worker for work that should be through by then."""


def hold_of(state: State, op: LiveOperation) -> Hold:
    """Make the hold on a machine whose running operation is told to stop now."""
    return Hold((op.id, op.attempt), state.now_us, state.now_us + _until_free_us(state, op))


def restart_of(state: State, live: LiveMachine, reason: str) -> Hold:
    """Make the hold on a machine whose worker is started again now."""
    restart_us = state.stops.restart(live.report.id).us
    return Hold(("", 0), state.now_us, state.now_us + restart_us, reason)


def free_us(state: State, live: LiveMachine) -> int:
    """Time at which a held machine should be free; 0 if it is not held."""
    return live.held.free_us(state.now_us) if live.held is not None else 0


def stop_figure(state: State, op: LiveOperation) -> Figure:
    """Time until the machine of a running operation is free of it."""
    takes_us = op.mode.duration_us if op.mode is not None else 0
    return state.stops.stop(op.machine, op.provider, takes_us)


def can_be_asked(state: State, op: LiveOperation) -> bool:
    """True if a running operation can be asked to stop; otherwise its worker has to end."""
    return is_stoppable(state, op, op.machine, op.provider)


def is_stoppable(state: State, op: LiveOperation, machine: str, provider: str) -> bool:
    """True if an operation can be asked to stop while it runs there."""
    if op.stage.kind is not WorkKind.MODEL:
        return False
    providers = state.machines[machine].report.providers
    return any(each.provider == provider and each.terminates for each in providers)


def ends_worker(state: State, op: LiveOperation) -> bool:
    """Tell if the worker of a running operation has to end to stop it."""
    return not can_be_asked(state, op) and _left_us(state, op) > NEARLY_DONE_US


def _until_free_us(state: State, op: LiveOperation) -> int:
    stop_us = stop_figure(state, op).us
    if can_be_asked(state, op):
        return stop_us
    if ends_worker(state, op):
        return stop_us + state.stops.restart(op.machine).us
    return _left_us(state, op)


def _left_us(state: State, op: LiveOperation) -> int:
    return max(0, op.expected_end_us - state.now_us)
