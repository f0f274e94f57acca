"""A child process that is started again whenever it ends."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from api.process.children import die_with_parent

FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 5.0
"""Pauses before a child is started again double between these two."""
STEADY_S = 10.0
"""A child that lived so long is not one that dies at each start."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A child process: its name, its arguments for ``fjord``, and how long it may take to end.

    Parameters
    ----------
    start
        Called in the child before it becomes ``fjord``.
    """

    name: str
    arguments: tuple[str, ...]
    environment: Mapping[str, str]
    close_s: float
    start: Callable[[], None] = die_with_parent


class Keeper:
    """Keeps one child running.

    Parameters
    ----------
    output
        Open file that the child writes to.
    """

    def __init__(self, child: Child, output: int) -> None:
        self.child = child
        self._output = output
        self.deaths = 0
        self._process: asyncio.subprocess.Process | None = None

    async def run(self) -> None:
        """Start the child, and again whenever it ends, until cancelled."""
        pause_s = FIRST_PAUSE_S
        while True:
            began_s = time.monotonic()
            code = await self._once()
            self.deaths += 1
            if time.monotonic() - began_s > STEADY_S:
                pause_s = FIRST_PAUSE_S
            _log.warning("the %s ended with %d; it is started again", self.child.name, code)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    async def end(self) -> None:
        """End the child: in good order first, by force if that takes too long."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
            try:
                async with asyncio.timeout(self.child.close_s):
                    await process.wait()
            except TimeoutError:
                process.kill()
                await process.wait()

    async def _once(self) -> int:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "api.cli",
            *self.child.arguments,
            env=self.child.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=self._output,
            stderr=self._output,
            # Ctrl-C in a terminal is for this process, which ends its children in order.
            start_new_session=True,
            preexec_fn=self.child.start,
        )
        return await self._process.wait()


@asynccontextmanager
async def kept(child: Child, output: int) -> AsyncIterator[Keeper]:
    """A child that is started at once, kept running, and ended with the block."""
    keeper = Keeper(child, output)
    try:
        async with background(keeper.run()):
            yield keeper
    finally:
        await keeper.end()


@asynccontextmanager
async def background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Do some work beside the block, and cancel it at its end."""
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
