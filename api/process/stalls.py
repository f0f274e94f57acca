"""Stalls of the loop of this process: their length, and the work that made them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable

PERIOD_S = 0.02
"""A stall is seen to within this time; fifty wake-ups a second cost 0.2 % of a core."""
WORTH_A_WORD_S = 0.25
"""Longer stalls are logged: somebody waited for them."""
SHARE_TO_BLAME = 0.5
"""Work that took less of a stall than this did not make it: the processor was elsewhere."""

_log = logging.getLogger(__name__)


class LoopStalls:
    """Watches one loop. Its count of turns tells a thread beside it whether the loop moves."""

    def __init__(self) -> None:
        self.turns = 0
        self._listeners: list[Callable[[float], None]] = []
        self._longest_s = 0.0
        self._longest: tuple[str, ...] = ()

    def listen(self, listener: Callable[[float], None]) -> None:
        """Call a function with the length of every stall in seconds, most often next to 0."""
        self._listeners.append(listener)

    def took(self, seconds: float, *work: str) -> None:
        """Note that a piece of work, named in a few words, held the loop for so long."""
        if seconds > self._longest_s:
            self._longest_s, self._longest = seconds, work

    async def watch(self) -> None:
        """Measure until cancelled: from when a timer is due to when the loop comes to it."""
        while True:
            due_s = time.perf_counter() + PERIOD_S
            await asyncio.sleep(PERIOD_S)
            self._woke(max(0.0, time.perf_counter() - due_s))

    def _woke(self, stall_s: float) -> None:
        self.turns += 1
        for listener in self._listeners:
            listener(stall_s)
        if stall_s > WORTH_A_WORD_S:
            _log.warning("the loop stood still for %.0f ms%s", stall_s * 1000, self._blame(stall_s))
        self._longest_s, self._longest = 0.0, ()

    def _blame(self, stall_s: float) -> str:
        if self._longest_s < SHARE_TO_BLAME * stall_s:
            return ""
        return f", {self._longest_s * 1000:.0f} ms of it for {' '.join(self._longest)}"
