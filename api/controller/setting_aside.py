"""Events that no fold is to take in any more, and the runs that fail with them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from api.controller.fenced import FencedStore
from api.store import Batch, SetAside, order, queued
from scheduler.control.events import Event, RunSubmitted
from scheduler.control.records import RunRecord, RunState
from scheduler.model.messages import FailureReason


async def leave_out(store: FencedStore, entry_id: str, event: Event, reason: str) -> None:
    """Have every fold leave out an event; a run that was accepted by it fails with a reason."""
    at_us = store.plain.now_us()
    failed = await _failed_by(store, event, at_us)
    aside = SetAside(
        entry=entry_id,
        at_us=at_us,
        event=type(event).__name__,
        reason=reason,
        run=failed[0].run if failed else "",
    )
    done = await store.insist(store.plain.done)
    # A fold without the event has other effects, so those that were written are not trusted.
    was_done = done is not None and order(entry_id) <= order(done)
    await store.commit(Batch(aside=(aside,), records=failed, undone=was_done))


async def _failed_by(store: FencedStore, event: Event, at_us: int) -> tuple[RunRecord, ...]:
    """The run that fails if its submission is left out; none if it has ended long ago."""
    if not isinstance(event, RunSubmitted):
        return ()
    known = await store.insist(partial(store.plain.summary, event.run))
    if known is not None and known.ended_us is not None:
        return ()
    return (_refused(event, at_us),)


def _refused(event: RunSubmitted, at_us: int) -> RunRecord:
    return replace(
        queued(event),
        state=RunState.FAILED,
        ended_us=at_us,
        reason=FailureReason.INVALID,
        detail="the controller broke on this run: a defect, see its log",
    )
