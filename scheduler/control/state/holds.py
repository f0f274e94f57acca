"""Machines that are not free yet: what was told to stop runs on, or a worker is started again.

Plans count on them from the moment that they should be free: what is planned there waits, and is
not lost.
"""

from __future__ import annotations

from scheduler.control.state.delays.timelines import note_held
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.sessions import forget_sessions
from scheduler.control.state.state import State
from scheduler.control.state.stops import Figure, Hold
from scheduler.control.state.suspicions import patience_us
from scheduler.model.messages import WorkKind

NEARLY_DONE_US = 1_000_000
"""An agent does not end a worker for what should be through by then."""


def hold(state: State, op: LiveOperation) -> None:
    """Count on the machine of what runs only once that has let go: it was told to stop."""
    live = state.machines.get(op.machine)
    if live is not None and live.running == op.id:
        until_us = state.now_us + _until_free_us(state, op)
        live.held = Hold((op.id, op.attempt), state.now_us, until_us)
        patient_us = patience_us(until_us - state.now_us)
        state.suspicions.look_us[op.machine] = until_us + patient_us
        if _ends_worker(state, op):
            forget_sessions(state, live)


def hold_for_restart(state: State, live: LiveMachine, reason: str) -> None:
    """Count on a machine only once its next worker is there."""
    note_held(live, state.now_us)
    restart_us = state.stops.restart(live.report.id).us
    live.held = Hold(("", 0), state.now_us, state.now_us + restart_us, reason)


def let_go(live: LiveMachine, attempt: tuple[str, int], at_us: int) -> None:
    """Note that an attempt has ended, one way or the other."""
    if live.held is not None and live.held.attempt == attempt:
        note_held(live, at_us)
        live.held = None


def free_us(state: State, live: LiveMachine) -> int:
    """When a machine that is held should be free; 0 if it is not held."""
    return live.held.free_us(state.now_us) if live.held is not None else 0


def stop_figure(state: State, op: LiveOperation) -> Figure:
    """How long it takes until the machine of what runs is free of it."""
    takes_us = op.mode.duration_us if op.mode is not None else 0
    return state.stops.stop(op.machine, op.provider, takes_us)


def can_be_asked(state: State, op: LiveOperation) -> bool:
    """Whether what runs can be asked to stop; otherwise its worker has to end."""
    return is_stoppable(state, op, op.machine, op.provider)


def is_stoppable(state: State, op: LiveOperation, machine: str, provider: str) -> bool:
    """Whether an operation can be asked to stop while it runs there."""
    if op.stage.kind is not WorkKind.MODEL:
        return False
    providers = state.machines[machine].report.providers
    return any(each.provider == provider and each.terminates for each in providers)


def _until_free_us(state: State, op: LiveOperation) -> int:
    stop_us = stop_figure(state, op).us
    if can_be_asked(state, op):
        return stop_us
    if _ends_worker(state, op):
        return stop_us + state.stops.restart(op.machine).us
    return _left_us(state, op)


def _ends_worker(state: State, op: LiveOperation) -> bool:
    return not can_be_asked(state, op) and _left_us(state, op) > NEARLY_DONE_US


def _left_us(state: State, op: LiveOperation) -> int:
    return max(0, op.expected_end_us - state.now_us)
