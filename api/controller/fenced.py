"""The store as one office has it: asked until it answers, written only while the lease is held.

The lease is held by a thread, see `api.store.keeping`. One that ran out while this process slept,
or the store, is taken again as long as nobody else has taken office.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

from api.controller.settings import ControllerSettings
from api.process.stalls import LoopStalls
from api.store import Batch, Inbox, Lease, Position, Store
from scheduler.control.events import Event
from scheduler.model.errors import StaleEpoch, Unavailable

T = TypeVar("T")
_log = logging.getLogger(__name__)

READ_COUNT = 256
"""Entries of one read. A page of large ones still fits in memory."""


class FencedStore:
    """The only way in which an office writes, and in which it reads until the store answers.

    Parameters
    ----------
    plain
        The store itself, for calls that are tried once.
    resumed
        Is called when the lease had run out and was taken again.
    """

    def __init__(
        self,
        plain: Store,
        lease: Lease,
        settings: ControllerSettings,
        *,
        resumed: Callable[[], None],
    ) -> None:
        self.plain = plain
        self.lease = lease
        self._settings = settings
        self._resumed = resumed

    async def keep_lease(self, stalls: LoopStalls) -> None:
        """Have the lease renewed by a thread until another controller takes office.

        Raises
        ------
        StaleEpoch
            If another controller has taken office.
        """
        loop, lost = asyncio.get_running_loop(), asyncio.Event()
        keeper = self.plain.keeper(
            self.lease,
            self._settings.lease_ms,
            turns=lambda: stalls.turns,
            wedged_s=self._settings.wedged_s,
            on_lost=partial(loop.call_soon_threadsafe, lost.set),
        )
        keeper.start()
        try:
            await lost.wait()
        finally:
            await keeper.stop()
        raise StaleEpoch(f"another controller has taken office after epoch {self.lease.epoch}")

    async def page(self, after: Position, *, block_ms: int | None = None) -> Inbox:
        """Read the next events and questions, waiting so long for the first of them."""
        read = partial(self.plain.inbox, after, block_ms=block_ms, count=READ_COUNT)
        return await self.insist(read)

    async def say(self, event: Event) -> None:
        """Append an event of the controller's own."""
        await self.commit(Batch(events=(event,)))

    async def commit(self, batch: Batch) -> None:
        """Write a batch, see `fenced`."""
        await self.fenced(partial(self.plain.commit, self.lease, batch))

    async def fenced(self, write: Callable[[], Awaitable[None]]) -> None:
        """Make a write that only the holder of the lease may make.

        A lease that ran out while we slept, or the store did, is taken again if nobody else has
        taken office: nothing was written meanwhile that this brain does not know.

        Raises
        ------
        StaleEpoch
            If somebody has.
        """
        while True:
            try:
                return await self.insist(write)
            except StaleEpoch:
                await self.insist(partial(self.plain.hold, self.lease, self._settings.lease_ms))
                self._resumed()

    async def insist(self, action: Callable[[], Awaitable[T]]) -> T:
        """Do it again until the store answers. All writes of a controller may be made twice."""
        while True:
            try:
                return await action()
            except StaleEpoch:
                raise
            except Unavailable as error:
                _log.warning("waiting for the store: %s", error)
                await asyncio.sleep(self._settings.retry_s)
