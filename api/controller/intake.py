"""Takes events into the brain and writes their effects. The hot path."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING

from api.controller.effects import Effects
from api.controller.fenced import FencedStore
from api.controller.settings import ControllerStatus
from api.controller.suspects import TURN, after
from api.process.stalls import LoopStalls
from api.store import FIRST, order
from scheduler.control.commands import Command
from scheduler.control.events import Event, RunSubmitted
from scheduler.model.errors import Defect
from scheduler.model.problem import Band

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

TURN_S = 0.02
"""After so much work in one go others on this loop get theirs: a request needs several turns."""


class BrokenEvent(Defect):
    """The brain could not take in an event, or only half of it: it is of no use any more.

    Parameters
    ----------
    entry, event
        Id of the event in the log, and the event.
    """

    def __init__(self, message: str, *, entry: str, event: Event) -> None:
        super().__init__(message)
        self.entry = entry
        self.event = event


class Intake:
    """The events that one brain has taken in, and how many of their effects are written.

    Parameters
    ----------
    taken
        Id of the last event that the brain knows already.
    written
        Is called with the effects of each commit, for those beside the log to act on.
    """

    def __init__(
        self,
        store: FencedStore,
        brain: Brain,
        *,
        taken: str,
        status: ControllerStatus,
        stalls: LoopStalls,
        written: Callable[[Effects], None],
    ) -> None:
        self._store = store
        self._brain = brain
        self._taken, self._taken_count = taken, 0
        self._status = status
        self._stalls = stalls
        self._written = written
        self._done, self._moved = FIRST, asyncio.Event()

    async def take_all(self, events: Iterable[tuple[str, Event]]) -> None:
        """Take events in; the effects of one turn are carried out together.

        A critical submission ends its turn: its plan leaves before others are planned.

        Raises
        ------
        BrokenEvent
            If the brain could not take one in; those before it may not be carried out.
        """
        effects, count, began_s = Effects(), 0, time.perf_counter()
        for entry_id, event in events:
            effects.add(self.take(entry_id, event))
            count += 1
            is_long = count == TURN or time.perf_counter() - began_s > TURN_S
            if is_long or _cannot_wait(event):
                await self.carry_out(effects, count, entry_id)
                effects, count, began_s = Effects(), 0, time.perf_counter()
        if count:
            await self.carry_out(effects, count, entry_id)

    def take(self, entry_id: str, event: Event) -> list[Command]:
        """Take in one event, and return its effects.

        Raises
        ------
        BrokenEvent
            If the brain could not take it in.
        """
        began_s = time.perf_counter()
        try:
            commands = self._brain.handle(event)
        except Exception as error:
            message = f"event {entry_id} cannot be taken in: {event!r}"
            raise BrokenEvent(message, entry=entry_id, event=event) from error
        self._stalls.took(time.perf_counter() - began_s, type(event).__name__, entry_id)
        self._taken, self._taken_count = entry_id, self._taken_count + 1
        return commands

    async def carry_out(self, effects: Effects, count: int, entry_id: str) -> None:
        """Carry out the effects of so many events, the last of which has that id."""
        await self._store.commit(replace(effects.batch(), trail=after(entry_id), done=entry_id))
        self._done = entry_id
        self._moved.set()
        self._status.events += count
        self._written(effects)

    def last_taken(self) -> tuple[str, int]:
        """The event that the brain took in last, and how many it has since the office began."""
        return self._taken, self._taken_count

    async def is_done(self, entry_id: str) -> None:
        """Wait until the effects of everything up to an event are written."""
        while order(self._done) < order(entry_id):
            self._moved.clear()
            await self._moved.wait()


def _cannot_wait(event: Event) -> bool:
    return isinstance(event, RunSubmitted) and event.band is Band.CRITICAL
