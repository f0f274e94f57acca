"""Machines that do not answer: suspected, kept clear of, and trusted again once they answer.

A worker that hangs says nothing, so what it was given waits until the agent ends it. Long before
that, its silence is a sign: what waits for the machine moves at once, and what runs there is
started again elsewhere where that is cheap. The first result counts. Where nothing else can run
it, its worker is ended once and the next one takes it: work that is silent again may only be slow,
and its agent decides. A machine that was only slow
answers, takes work again, and the second start is stopped; one that hangs is ended by its agent.

References
----------
Dean and Barroso (2013), "The tail at scale", doi:10.1145/2408776.2408794: hedged requests, held to
a few per cent of the work.
"""

from __future__ import annotations

from collections.abc import Sequence

from scheduler.control.forecast.options import options
from scheduler.control.records import ReplanReason
from scheduler.control.state.attempts import cut_off, set_aside
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import ENDED, LiveOperation, is_ready
from scheduler.control.state.state import State, Turn
from scheduler.control.state.suspicions import FLOOR_US, LATE_US, Suspicion, patience_us
from scheduler.model.messages import FailureReason, OperationFailed, OperationFinished
from scheduler.model.problem import Mode


def note_late(state: State, at_us: int) -> None:
    """Suspect nobody for a while if this tick comes much later than it was asked for."""
    if state.wake_us is not None and at_us - state.wake_us >= LATE_US:
        be_patient(state)


def be_patient(state: State) -> None:
    """Suspect nobody for a while: reports may still be on their way, as nobody could take them."""
    state.suspicions.patient_until_us = state.now_us + FLOOR_US


def expect_answer(state: State, op: LiveOperation) -> None:
    """Look at the machine of an operation that has begun once it is overdue."""
    state.suspicions.look_us[op.machine] = overdue_us(op)


def overdue_us(op: LiveOperation) -> int:
    """Time at which a running operation will have been silent for too long."""
    assert op.mode is not None
    assert op.started_us is not None
    expected_us = op.started_us + op.mode.duration_us + op.load_us
    return expected_us + patience_us(op.mode.p95_us)


def answered(state: State, turn: Turn, event: OperationFinished | OperationFailed) -> None:
    """Trust a machine again that answers about the attempt that it was silent about."""
    found = state.suspicions.of.get(event.machine)
    if found is not None and (found.operation, found.attempt) == (event.operation, event.attempt):
        trust_again(state, event.machine)
        turn.plan_again(ReplanReason.ANSWERED)


def trust_again(state: State, machine: str) -> None:
    """Suspect a machine no more: it answers, or its worker is another one."""
    state.suspicions.look_us.pop(machine, None)
    if state.suspicions.of.pop(machine, None) is not None:
        state.options.clear()


def look(state: State, turn: Turn) -> None:
    """Suspect overdue machines, and stop attempts on suspected ones that nobody waits for."""
    suspicions = state.suspicions
    due_us = suspicions.due_us()
    if due_us is not None and due_us <= state.now_us:
        for name in [n for n, us in suspicions.look_us.items() if us <= state.now_us]:
            _look_at(state, turn, name)
    for name, found in suspicions.of.items():
        _stop_if_over(state, turn, name, found)


def _look_at(state: State, turn: Turn, name: str) -> None:
    suspicions, live = state.suspicions, state.machines.get(name)
    del suspicions.look_us[name]
    found = _silent_about(state, live) if live is not None else None
    if live is None or found is None:
        return
    (operation, attempt), due_us = found
    if due_us > state.now_us:
        suspicions.look_us[name] = due_us
        return
    if name not in suspicions.of:
        suspicions.of[name] = Suspicion(operation, attempt, state.now_us)
        state.count("suspicions")
        state.options.clear()
        turn.plan_again(ReplanReason.SUSPECTED)
    if live.running:
        _start_again(state, turn, state.operations[live.running])


def _silent_about(state: State, live: LiveMachine) -> tuple[tuple[str, int], int] | None:
    """The attempt that a machine owes an answer about, and when that is overdue."""
    if live.running:
        op = state.operations[live.running]
        return (op.id, op.attempt), overdue_us(op)
    if live.held is not None and not live.held.is_restart:
        held = live.held
        return held.attempt, held.until_us + patience_us(held.until_us - held.since_us)
    return None


def _start_again(state: State, turn: Turn, op: LiveOperation) -> None:
    """Start a silent operation again, if that is cheap; else look again later."""
    if op.is_profile:
        return
    suspicions, name = state.suspicions, op.machine
    modes = options(state, op, is_pinned=False).modes
    if not modes and _was_silent(op):
        return
    assert op.started_us is not None
    # Cheap: it takes no longer than has been waited for already.
    cheap_us = op.started_us + _again_us(state, op, modes)
    ended = state.counters.get("operations", 0)
    if cheap_us > state.now_us:
        suspicions.look_us[name] = cheap_us
    elif (modes and _is_saturated(state, op)) or not suspicions.may_double(ended):
        suspicions.look_us[name] = state.now_us + FLOOR_US
    else:
        suspicions.doubled.append(ended)
        state.count("duplicates")
        give_up = set_aside if modes else cut_off
        give_up(state, turn, op, f"{name} does not answer")


def _again_us(state: State, op: LiveOperation, modes: Sequence[Mode]) -> int:
    """Time that a second start takes: the best one elsewhere, else one in the next worker."""
    if modes:
        return min(mode.duration_us + mode.setup_us for mode in modes)
    assert op.mode is not None
    return state.stops.restart(op.machine).us + op.mode.duration_us + op.load_us


def _was_silent(op: LiveOperation) -> bool:
    """True if an attempt was given up as silent before: perhaps it only takes so long."""
    return any(each.reason is FailureReason.TIMEOUT for each in op.failures)


def _is_saturated(state: State, op: LiveOperation) -> bool:
    """True if there is more to do that is as urgent than there are machines to do it."""
    suspected = state.suspicions.of
    lanes = sum(live.is_up for name, live in state.machines.items() if name not in suspected)
    planned = state.plan.planned.values()
    return sum(other.band <= op.band and is_ready(other) for other in planned) > lanes


def _stop_if_over(state: State, turn: Turn, name: str, found: Suspicion) -> None:
    """Have the agent stop an attempt that nobody waits for: another one gave the result."""
    op = state.operations.get(found.operation)
    agent, attempt = state.agent_of(name), (found.operation, found.attempt)
    if (op is None or op.state in ENDED) and attempt not in agent.stops:
        turn.stops.setdefault(agent.id, []).append(attempt)
