"""What the plan in force has wait for a machine that is kept free, and when that is over."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduler.control.live.operations import LiveOperation
from scheduler.control.state import Kept, State


def kept_from(state: State, op: LiveOperation) -> Kept | None:
    """For what the machine of an operation is kept free, so that it may not start there yet."""
    placed = op.placement
    if placed is None:
        return None
    for kept in state.plan.kept:
        is_there = kept.machine == placed.mode.machine and state.now_us < kept.until_us
        if is_there and op.band > kept.band and placed.end_us > kept.from_us:
            return kept
    return None


def sendable(state: State, queue: Sequence[str]) -> list[str]:
    """Give what may go of what is next on a machine; what is as urgent passes what has to wait."""
    if not state.plan.kept:
        return list(queue)
    found: list[str] = []
    kept: Kept | None = None
    for name in queue:
        op = state.operations[name]
        kept = kept or kept_from(state, op)
        if kept is None or op.band <= kept.band:
            found.append(name)
    return found


def is_upset(state: State) -> bool:
    """Whether a machine that is kept free is not going to be, or idles though more is planned."""
    for kept in state.plan.kept:
        live = state.machines[kept.machine]
        if live.running:
            end_us = max(state.operations[live.running].expected_end_us, state.now_us)
            if end_us > kept.from_us:
                return True
        elif state.plan.queues.get(kept.machine) and not live.queue:
            return True
    return False


def ends_us(state: State) -> Iterator[int]:
    """When nobody counts any more on the runs that something waits for, or it waits no longer."""
    plan = state.plan
    if plan.enough_us is not None:
        yield plan.enough_us
    yield from (kept.until_us for kept in plan.kept if plan.queues.get(kept.machine))


def is_over(state: State) -> bool:
    """Whether such a run has not come, or something has waited for it long enough."""
    return any(until_us <= state.now_us for until_us in ends_us(state))
