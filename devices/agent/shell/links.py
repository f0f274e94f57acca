"""The links of an agent, measured one after the other once its workers have settled."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from typing import Protocol

from devices.agent.shell.probing import LIMIT_S
from scheduler.model.errors import FjordError
from scheduler.model.links import LinkAsk
from scheduler.model.messages import MachineReport

SETTLE_S = 10.0
"""Workers that start keep a box busy; one that starts for longer is not waited for."""

Tell = Callable[[str, int, int, str], None]
"""Takes the source, the latency, the bytes per second, and why there are none."""


class Mover(Protocol):
    """Moves tensors and measures it: latency in microseconds, bytes per second."""

    async def measure(self, ask: LinkAsk) -> tuple[int, int]:
        """Measure the link from another box to this one."""
        ...

    async def measure_memory(self) -> tuple[int, int]:
        """Measure handing on a tensor within this box."""
        ...


class LinkMeter:
    """Measures how long tensors take to a box, and within it.

    Parameters
    ----------
    tell
        Called with each result.
    """

    def __init__(
        self, mover: Mover, box: str, machines: Iterable[MachineReport], tell: Tell
    ) -> None:
        self._mover = mover
        self._box = box
        self._tell = tell
        self._starting = {machine.id for machine in machines}
        self._has_settled = asyncio.Event()
        self._turn = asyncio.Lock()

    def settle(self, machine: str) -> None:
        """Note that a worker has started."""
        self._starting.discard(machine)
        if not self._starting:
            self._has_settled.set()

    async def measure(self, ask: LinkAsk) -> None:
        """Measure the link from another box."""
        await self._measure(ask.box, lambda: self._mover.measure(ask))

    async def measure_memory(self) -> None:
        """Measure handing a tensor from worker to worker on this box."""
        await self._measure(self._box, self._mover.measure_memory)

    async def _measure(
        self, source: str, measuring: Callable[[], Awaitable[tuple[int, int]]]
    ) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._has_settled.wait(), SETTLE_S)
        latency_us = bytes_per_s = 0
        error = ""
        try:
            async with self._turn, asyncio.timeout(LIMIT_S):
                latency_us, bytes_per_s = await measuring()
        except TimeoutError:
            error = f"a few small tensors from {source} took more than {LIMIT_S:g} s"
        except FjordError as failure:
            error = failure.message
        self._tell(source, latency_us, bytes_per_s, error)
