"""The connection to a Redis or Valkey server: commands, scripts, its clock, its errors."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Self

import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import ExponentialBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from api.store.scripts import KEEP_TIME, Script
from scheduler.model import keys
from scheduler.model.clock import STEP_US, SiteClock
from scheduler.model.errors import Defect, OutOfSpace, StoreUnavailable

_log = logging.getLogger(__name__)

ANSWER_S = 5.0
"""A command that takes longer has met a hung server: the slowest of ours takes milliseconds."""
LONGEST_BLOCK_MS = 10_000
"""Blocking reads come back this often, so that a dead connection is found."""
CLOCK_REFRESH_S = 1.0
"""A step of the clock of the store is noticed within this time."""
CLOCK_READINGS = 5
"""The first answer on a new connection is slow; the quickest of a few bounds the clock best."""

Argument = str | bytes | int | float
Command = tuple[Argument, ...]


class Connection:
    """A store as this process reaches it.

    Commands share a pool; each blocking reader holds a connection of its own meanwhile. A command
    whose connection breaks is sent again, so everything written here can be written twice.

    Parameters
    ----------
    url
        ``redis://``, ``rediss://`` or ``unix://`` address.
    site
        Name of the site, part of all keys.
    """

    def __init__(self, url: str, site: str) -> None:
        self.url = url
        self.site = site
        # Three tries within 0.15 s bridge a dropped connection; longer outages are told to callers.
        retry = Retry(ExponentialBackoff(cap=0.1, base=0.025), 3)
        # No timeout in redis-py: it would write under `asyncio.wait_for`, which before Python 3.12
        # can swallow a cancellation (python/cpython#86296), and costs a task per command.
        self._commands = redis.Redis.from_url(url, protocol=2, socket_timeout=None, retry=retry)
        self._readers = redis.Redis.from_url(
            url, protocol=2, socket_timeout=None, retry=Retry(ExponentialBackoff(), 0)
        )
        # The methods of redis-py are typed for sync and async at once; these two are async.
        self._send: Callable[..., Awaitable[Any]] = self._commands.execute_command
        self._wait: Callable[..., Awaitable[Any]] = self._readers.execute_command
        self._latest_us = 0
        self._clock = SiteClock()
        self._clock_task: asyncio.Task[None] | None = None

    @classmethod
    async def connect(cls, url: str, site: str) -> Self:
        """Connect and set the clock.

        Raises
        ------
        StoreUnavailable
            If no store answers at `url`.
        """
        connection = cls(url, site)
        try:
            await connection._set_clock()
        except BaseException:
            await connection.close()
            raise
        connection._clock_task = asyncio.create_task(connection._keep_clock(), name="store clock")
        return connection

    async def close(self) -> None:
        """Close all connections."""
        if self._clock_task is not None:
            self._clock_task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._clock_task
        await self._commands.aclose()
        await self._readers.aclose()

    async def ping(self) -> None:
        """Return if the store answers, raise `StoreUnavailable` otherwise."""
        await self.call("PING")

    async def reach(self) -> None:
        """Return if the store can be spoken to, raise `StoreUnavailable` while nothing was said."""
        pool = self._commands.connection_pool
        async with _answered(ANSWER_S):
            # A connection that was closed meanwhile is found and made anew here.
            await pool.release(await pool.get_connection())  # type: ignore[no-untyped-call]

    def now_us(self) -> int:
        """Microseconds since the Unix epoch in the time of the site. Never goes back."""
        self._latest_us = max(self._latest_us, self._clock.at_us(time.monotonic_ns() // 1000))
        return self._latest_us

    async def call(self, *command: Argument) -> Any:
        """Send one command and return its answer."""
        async with _answered(ANSWER_S):
            return await self._send(*command)

    async def block(self, within_s: float, *command: Argument) -> Any:
        """Send one command that may wait in the store so long, on a connection of its own."""
        async with _answered(ANSWER_S + within_s):
            return await self._wait(*command)

    async def together(self, *commands: Command) -> list[Any]:
        """Send commands as one transaction, in one round trip."""
        async with _answered(ANSWER_S), self._commands.pipeline(transaction=True) as pipeline:
            for command in commands:
                pipeline.execute_command(*command)
            return await pipeline.execute()

    async def run_script(self, script: Script, keys: list[str], arguments: list[Argument]) -> Any:
        """Run a script in the store, which takes it over at its first use."""
        rest: list[Argument] = [len(keys), *keys, *arguments]
        async with _answered(ANSWER_S):
            try:
                return await self._send("EVALSHA", script.digest, *rest)
            except NoScriptError:
                return await self._send("EVAL", script.text, *rest)

    async def _keep_clock(self) -> None:
        while True:
            await asyncio.sleep(CLOCK_REFRESH_S)
            with contextlib.suppress(StoreUnavailable):
                await self._read_clock()

    async def _set_clock(self) -> None:
        for _ in range(CLOCK_READINGS):
            await self._read_clock()

    async def _read_clock(self) -> None:
        """Follow the time of the site, and keep it where the store's wall clock was set."""
        key = keys.clock(self.site)
        before_us = time.monotonic_ns() // 1000
        (seconds, microseconds), found = await self.together(("TIME",), ("GET", key))
        after_us, offset_us = time.monotonic_ns() // 1000, int(found or 0)
        wall_us = int(seconds) * 1_000_000 + int(microseconds)
        step_us = self._clock.take(
            before_us=before_us, wall_us=wall_us, offset_us=offset_us, after_us=after_us
        )
        if step_us:
            _log.warning("the clock of the store was set by %.3f s", step_us / 1e6)
            kept_us = offset_us - step_us
            if await self.run_script(KEEP_TIME, [key], [offset_us, kept_us]):
                self._clock.keep(kept_us)
        elif self._latest_us - self._clock.at_us(after_us) > STEP_US:
            # The clock was wrong before, so nobody waits until its old time comes again.
            self._latest_us = 0


@asynccontextmanager
async def _answered(within_s: float) -> AsyncIterator[None]:
    """Turn the errors of the store, and its silence, into errors of ours."""
    try:
        async with asyncio.timeout(within_s):
            yield
    except TimeoutError as error:
        raise StoreUnavailable(f"the store does not answer within {within_s:g} s") from error
    except (RedisError, OSError) as error:
        raise translated(error) from error


def translated(error: Exception) -> Exception:
    """The error of ours that a store's error means to callers."""
    words = str(error)
    # A script passes the code of the command that failed on, in front or inside of its message.
    if "NOREPLICAS" in words:
        # An embedded store says this while its disk is nearly full; see `api.process.embedded`.
        return OutOfSpace("the store does not write: its disk is full, or it has no replica")
    if "MISCONF" in words or "OOM " in words or "No space left" in words:
        return OutOfSpace(f"the store cannot write: {words}")
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return StoreUnavailable(f"the store does not answer: {words}")
    if isinstance(error, ResponseError) and words.startswith(("READONLY", "MASTERDOWN", "NOAUTH")):
        return StoreUnavailable(f"the store refuses: {words}")
    return Defect(f"the store refused a command of ours: {words}")
