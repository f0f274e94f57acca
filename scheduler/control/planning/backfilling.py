"""Backfilling: operations that may go before a reservation, and those that are held back by it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduler.control.state.operations import LiveOperation, is_ready
from scheduler.control.state.plan import Reservation
from scheduler.control.state.state import State

MOST_HELD = 2
"""An operation is held back no longer than this multiple of its own p95."""


def reservation_before(state: State, op: LiveOperation) -> Reservation | None:
    """The reservation that keeps an operation from starting on its machine yet."""
    placed = op.placement
    if placed is None:
        return None
    for kept in state.plan.reservations:
        is_there = kept.machine == placed.mode.machine and state.now_us < kept.until_us
        is_gone = kept.run and kept.operation not in state.plan.planned
        if is_there and not is_gone and op.band > kept.band and placed.end_us > kept.from_us:
            return None if kept.run and has_waited_enough(state, op) else kept
    return None


def sendable(state: State, machine: str, queue: Sequence[str]) -> list[str]:
    """Operations of a queue that may be sent now.

    Work at least as urgent overtakes work that is held back by a reservation.
    """
    if not any(kept.machine == machine for kept in state.plan.reservations):
        return list(queue)
    found: list[str] = []
    kept: Reservation | None = None
    for name in queue:
        op = state.operations[name]
        kept = kept or reservation_before(state, op)
        if kept is None or op.band <= kept.band:
            found.append(name)
    return found


def note_held(state: State) -> None:
    """Note since when an operation waits that could start but for a reservation."""
    for op in _held(state):
        if op.held_since_us is None:
            op.held_since_us = state.now_us


def has_waited_enough(state: State, op: LiveOperation) -> bool:
    """True if an operation was held back for as long as any is, by its own duration."""
    since_us = op.held_since_us
    return since_us is not None and since_us + MOST_HELD * _takes_us(op) <= state.now_us


def is_upset(state: State) -> bool:
    """True if a reserved machine will be late for its run, or idles though more is planned.

    Or what is expected of a run in flight has not come, and its machine is about to be given away.
    """
    for kept in state.plan.reservations:
        live = state.machines[kept.machine]
        if kept.run:
            if kept.until_us <= state.now_us and not live.running and _is_wanted(state, kept):
                return True
        elif live.running:
            end_us = max(state.operations[live.running].expected_end_us, state.now_us)
            if end_us > kept.from_us:
                return True
        elif state.plan.queues.get(kept.machine) and not live.queue:
            return True
    return False


def ends_us(state: State) -> Iterator[int]:
    """Times at which a reservation lapses that holds something back."""
    plan = state.plan
    if plan.enough_us is not None:
        yield plan.enough_us
    streams = (kept for kept in plan.reservations if not kept.run)
    yield from (kept.until_us for kept in streams if plan.queues.get(kept.machine))
    for op in _held(state):
        kept = reservation_before(state, op)
        if kept is not None and op.held_since_us is not None:
            yield min(kept.until_us, op.held_since_us + MOST_HELD * _takes_us(op))


def is_over(state: State) -> bool:
    """True if a reservation has lapsed, or an operation has waited for it long enough."""
    return any(until_us <= state.now_us for until_us in ends_us(state))


def _is_wanted(state: State, kept: Reservation) -> bool:
    is_open = kept.operation in state.plan.planned
    return is_open and bool(state.plan.queues.get(kept.machine))


def _held(state: State) -> Iterator[LiveOperation]:
    """Heads of the queues of idle machines that are held back for a run in flight."""
    for machine in {kept.machine: None for kept in state.plan.reservations if kept.run}:
        queue = state.plan.queues.get(machine)
        live = state.machines.get(machine)
        if queue and live is not None and not live.running and live.held is None:
            head = state.operations[queue[0]]
            if is_ready(head) and reservation_before(state, head) is not None:
                yield head


def _takes_us(op: LiveOperation) -> int:
    return op.placement.mode.p95_us if op.placement is not None else 0
