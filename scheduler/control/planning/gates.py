"""Gates: times at which an agent may not begin work that has to end before more urgent work.

A plan puts short work before more urgent work that is to come. Where what runs before it takes
longer than planned, it would not be through in time. Its agent knows, and has it wait.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State
from scheduler.model.messages import Gate
from scheduler.model.problem import Band

_Next = dict[Band, tuple[int, str]]


def gates(state: State, machine: str, queue: Sequence[str]) -> dict[str, Gate]:
    """Give the gates of those operations of a queue that are before something more urgent."""
    found: dict[str, Gate] = {}
    coming: _Next = {
        kept.band: (kept.from_us, kept.operation)
        for kept in state.plan.reservations
        if kept.machine == machine and kept.run
    }
    most_urgent = min(coming, default=Band.BACKGROUND)
    for name in reversed(queue):
        op = state.operations[name]
        band = op.band
        if band > most_urgent:
            gate = _gate(state, op, coming)
            if gate is not None:
                found[name] = gate
        if op.placement is not None:
            coming[band] = (op.placement.start_us, name)
            most_urgent = min(most_urgent, band)
    return found


def is_news(state: State, known: Gate | None, gate: Gate | None) -> bool:
    """True if an agent that knows one gate is to be told of the other."""
    if known is None or gate is None:
        return known is not gate
    moved_us = abs(known.from_us - gate.from_us)
    return known.operation != gate.operation or moved_us > state.settings.late_floor_us


def _gate(state: State, op: LiveOperation, coming: _Next) -> Gate | None:
    placed = op.placement
    if placed is None:
        return None
    first = min(_after(op, placed.end_us, coming), default=None)
    if first is None:
        return None
    start_us, name = first
    return Gate(
        operation=name,
        from_us=start_us - (placed.end_us - placed.start_us),
        until_us=start_us + state.settings.late_floor_us,
    )


def _after(op: LiveOperation, end_us: int, coming: _Next) -> Iterator[tuple[int, str]]:
    return (each for band, each in coming.items() if band < op.band and each[0] >= end_us)
