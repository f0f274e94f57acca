"""A store whose wall clock can be set: its answers about time pass through here."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

_TIME = re.compile(rb"\*2\r\n\$10\r\n(\d{10})(\r\n\$\d\r\n\d{1,6}\r\n)")
"""The answer to ``TIME``: seconds and microseconds. It is small enough to come in one piece."""


@dataclass
class SteppedStore:
    """A line to a real store whose clock was set ahead by `ahead_s`."""

    url: str
    ahead_s: int = 0

    def pass_on(self, data: bytes) -> bytes:
        """The answer of a store whose clock was set."""
        return _TIME.sub(lambda m: b"*2\r\n$10\r\n%d%s" % (int(m[1]) + self.ahead_s, m[2]), data)


@asynccontextmanager
async def stepped(store_url: str) -> AsyncIterator[SteppedStore]:
    """Listen on loopback, and pass everything on to a store and back."""
    target = urlsplit(store_url)
    found, ways = SteppedStore(url=""), set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_connection(target.hostname, target.port)
        ways.add(asyncio.create_task(_pump(answers, writer, found.pass_on)))
        ways.add(asyncio.create_task(_pump(reader, questions, bytes)))

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    found.url = store_url.replace(f":{target.port}", f":{port}")
    try:
        yield found
    finally:
        server.close()
        for way in ways:
            way.cancel()
        await asyncio.gather(*ways, return_exceptions=True)


async def _pump(
    source: asyncio.StreamReader, target: asyncio.StreamWriter, change: Callable[[bytes], bytes]
) -> None:
    try:
        while data := await source.read(1 << 16):
            target.write(change(data))
            await target.drain()
    finally:
        target.close()
        with contextlib.suppress(ConnectionError):
            await target.wait_closed()
