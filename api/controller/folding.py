"""Brings a brain up to the end of the log, and looks how the controller before ended."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass

from api.controller.effects import Effects
from api.controller.fenced import FencedStore
from api.controller.intake import TURN_S, Intake
from api.controller.setting_aside import leave_out
from api.controller.settings import ControllerStatus
from api.controller.suspects import Suspects
from api.store import Batch, Position, Question, Trail, order
from scheduler.control.events import Event

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A log that has been folded.

    Parameters
    ----------
    position
        Last entry that was read: there was none after it.
    questions
        Questions that came while nobody was in office.
    is_written
        True if it is known which effects of its events are written.
    """

    position: Position
    questions: list[Question]
    is_written: bool


class Fold:
    """Goes through the log for one office.

    What follows from an event was written by whoever took it in first, up to the last one whose
    effects are known to be written; what follows from those behind it is carried out here.
    """

    def __init__(self, store: FencedStore, intake: Intake, status: ControllerStatus) -> None:
        self._store = store
        self._intake = intake
        self._status = status
        self._turn_s = 0.0

    async def run(self) -> Folded:
        """Take in all events behind those that the brain knows.

        Raises
        ------
        BrokenEvent
            If the brain could not take in one of them.
        """
        store, position = self._store, Position(event=self._intake.last_taken()[0])
        self._status.folded = 0
        suspects = await _suspects(store)
        done = await store.insist(store.plain.done)
        skipped = await store.insist(store.plain.skipped)
        questions: list[Question] = []
        while (inbox := await store.page(position)).position != position:
            questions += inbox.questions
            for entry_id, event in inbox.events:
                if entry_id not in skipped:
                    await self._try(suspects.before(entry_id))
                    await self._take(entry_id, event, done)
                await self._breathe()
            position = inbox.position
        return Folded(position=position, questions=questions, is_written=done is not None)

    async def _try(self, trail: Trail | None) -> None:
        """Leave a trail, so that the next controller knows where this one ended."""
        if trail is not None:
            await self._store.commit(Batch(trail=trail))

    async def _take(self, entry_id: str, event: Event, done: str | None) -> None:
        commands = self._intake.take(entry_id, event)
        self._status.folded += 1
        if done is not None and order(entry_id) > order(done):
            await self._intake.carry_out(Effects.of(commands), 1, entry_id)

    async def _breathe(self) -> None:
        """Let others on this loop have their turn if this one has been long enough."""
        if time.perf_counter() - self._turn_s > TURN_S:
            await asyncio.sleep(0)
            self._turn_s = time.perf_counter()


async def _suspects(store: FencedStore) -> Suspects:
    """Look how the controller before ended, and set aside an event that ended two of them."""
    trail = await store.insist(store.plain.trail)
    if trail is None:
        return Suspects(None, ())
    events = dict(await store.insist(lambda: store.plain.trailed(trail)))
    suspects = Suspects(trail, list(events))
    for entry_id in suspects.guilty():
        event = events[entry_id]
        _log.error("two controllers ended on %s %s", type(event).__name__, entry_id)
        await leave_out(store, entry_id, event, "two controllers ended while they took it in")
    return suspects
