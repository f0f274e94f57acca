"""The order in which requests go out that a program makes in one go."""

from __future__ import annotations

import asyncio

URGENCY = ("critical", "high", "normal", "background")
"""Bands, the most urgent first."""


def rank_of(priority: str) -> int:
    """Place of a band in the order; a name that the service will refuse goes first."""
    return URGENCY.index(priority) if priority in URGENCY else 0


class Turns:
    """Lets requests go by rank that were made in the same turn of the event loop.

    Connections are handed out, and submissions read, first come first served: of runs gathered at
    once, an urgent one would wait for all that were written down before it.
    """

    def __init__(self) -> None:
        self._waiting: list[tuple[int, asyncio.Future[None]]] = []

    async def take(self, rank: int) -> None:
        """Wait until all that begin now have begun; the least rank goes on first."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_soon(self._open)
        turn: asyncio.Future[None] = loop.create_future()
        self._waiting.append((rank, turn))
        await turn

    def _open(self) -> None:
        waiting, self._waiting = self._waiting, []
        for _, turn in sorted(waiting, key=lambda each: each[0]):
            if not turn.done():
                turn.set_result(None)
