"""The process that archives: it shares no loop, lock or interpreter with the service.

Its standard input tells it what to do, in one line, and is closed when it is to end: by whoever
started it, or by the kernel if that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec

from api.history.archive import HistoryLimits
from api.history.historian import Historian
from api.process.logs import log_to_stderr

NICENESS = 10
"""The service that it belongs to goes first: history can wait a little."""
AGAIN_S = 1.0
"""Pause before a process that died is started again."""
END_S = 5.0
"""A process that is told to end and goes on for longer is killed; it loses nothing by that."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """The site of which history is kept, its folder, and its limits."""

    url: str
    site: str
    data_dir: str
    limits: HistoryLimits


@asynccontextmanager
async def keep_history(
    url: str, site: str, data_dir: Path, limits: HistoryLimits, *, after_s: float = 0.0
) -> AsyncIterator[None]:
    """Archive the ended runs of a site, in a process of its own, until the block ends.

    Parameters
    ----------
    after_s
        Delay of the start in seconds: it takes a quarter of a second of a core.
    """
    order = Order(url=url, site=site, data_dir=str(data_dir), limits=limits)
    keeper = asyncio.create_task(_keep_running(order, after_s), name="history")
    try:
        yield
    finally:
        keeper.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await keeper


async def _keep_running(order: Order, after_s: float) -> None:
    await asyncio.sleep(after_s)
    while True:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable, "-P", "-m", "api.history", stdin=asyncio.subprocess.PIPE
            )
            try:
                await _follow(process, order)
            finally:
                await _end(process)
        except OSError as error:
            _log.warning("no history for now: %s", error)
        await asyncio.sleep(AGAIN_S)


async def _follow(process: asyncio.subprocess.Process, order: Order) -> None:
    assert process.stdin is not None
    # Not as an argument: the address of the store may have its password in it.
    process.stdin.write(msgspec.json.encode(order) + b"\n")
    await process.stdin.drain()
    code = await process.wait()
    _log.warning("the process that archives ended with %d and is started again", code)


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(END_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def main() -> None:
    """Carry out the order on standard input, until that ends."""
    # Ctrl-C reaches the whole group; whoever started this ends it in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    log_to_stderr("%(name)s: %(message)s")
    line = sys.stdin.buffer.readline()
    if line:
        asyncio.run(_work(msgspec.json.decode(line, type=Order)))


async def _work(order: Order) -> None:
    historian = Historian(order.url, order.site, Path(order.data_dir), order.limits)
    work = asyncio.create_task(historian.work())
    await asyncio.to_thread(sys.stdin.buffer.read)
    work.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await work
