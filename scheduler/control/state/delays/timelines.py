"""Timelines: the latest spans of each machine, for work that waited for it and asks later."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.spans import Doing, Span
from scheduler.control.state.state import State


def note_work(live: LiveMachine, op: LiveOperation, end_us: int) -> None:
    """Remember that an operation ran, up to its end or to when it was given up."""
    if op.started_us is not None:
        live.spans.append(_work(op, op.started_us, end_us))


def note_held(live: LiveMachine, end_us: int) -> None:
    """Remember that a machine was held up to now, if it was."""
    if live.held is not None:
        live.spans.append(_held(live, end_us))


def spans(state: State, live: LiveMachine, until_us: int) -> Iterator[Span]:
    """Latest spans of a machine, in order, with its present one."""
    yield from live.spans
    running = state.operations.get(live.running)
    if running is not None and running.started_us is not None:
        yield _work(running, running.started_us, until_us)
    elif live.held is not None:
        yield _held(live, until_us)


def _work(op: LiveOperation, start_us: int, end_us: int) -> Span:
    return Span(
        doing=Doing.WORK,
        start_us=start_us,
        end_us=max(start_us, end_us),
        operation=op.id,
        run=op.run.id,
        band=op.band,
    )


def _held(live: LiveMachine, end_us: int) -> Span:
    assert live.held is not None
    doing = Doing.RESTART if live.held.is_restart else Doing.STOP
    return Span(doing=doing, start_us=live.held.since_us, end_us=max(live.held.since_us, end_us))
