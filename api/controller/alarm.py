"""The loop that keeps the time for the brain, which has no clock."""

from __future__ import annotations

import asyncio
import contextlib

from api.controller.fenced import FencedStore
from scheduler.control.events import Tick


class Alarm:
    """Wakes the brain with a tick when it asked for it."""

    def __init__(self, store: FencedStore) -> None:
        self._store = store
        self._at_us: int | None = None
        self._moved = asyncio.Event()

    def set(self, at_us: int) -> None:
        """Wake the brain at this time of the store's clock, in place of any time set before."""
        before_us, self._at_us = self._at_us, at_us
        if before_us is None or at_us < before_us:
            self._moved.set()

    async def work(self) -> None:
        """Wake the brain whenever it is time, until cancelled."""
        while True:
            self._moved.clear()
            wait_s = None
            if self._at_us is not None:
                wait_s = (self._at_us - self._store.plain.now_us()) / 1_000_000
                if wait_s <= 0:
                    self._at_us = None
                    await self._store.say(Tick(at_us=self._store.plain.now_us()))
                    continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._moved.wait()
