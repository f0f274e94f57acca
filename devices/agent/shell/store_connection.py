"""The agent's line to the store: plans and peers come in, reports go out, a heartbeat says we live.

Reports leave in the order in which they were made. While the store is away they wait here: without
the store no new plan arrives, so at most a plan's worth of them can gather.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec
import redis.asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError, ResponseError

from scheduler.model import keys
from scheduler.model.clock import SiteClock
from scheduler.model.errors import DuplicateName
from scheduler.model.messages import (
    AgentLost,
    AgentPlan,
    OperationFinished,
    OperationStarted,
    PeerOutputs,
    Report,
    not_understood,
)

log = logging.getLogger(__name__)

GROUP = "agent"
CONSUMER = "agent"
HEARTBEAT_S = 1.0
HEARTBEAT_TTL_S = 3
# A read waits this long for an entry; the socket's limit is above it, so that only a store that
# has vanished without a word runs into it.
BLOCK_MS = 1_000
SOCKET_TIMEOUT_S = 5.0
# Entries per read, and commands per write: enough to keep up, little enough not to hold the loop.
BATCH = 64
NEW, FIRST = ">", "0"
READ_PAUSE_S = 0.2
FIRST_PAUSE_S = 0.05
# A store that is back hears of ends meanwhile within this time.
LONGEST_PAUSE_S = 0.25
# An agent that was out of reach reads no more of the log than this to learn if it was given up.
LOOK_BACK = 1_000
# Clocks of computers drift by tens of microseconds per second.
CLOCK_EVERY_BEATS = 30
# After the clock of the store is set, the service keeps the time of the site within a second
# or two. A gap that lasts for as many beats is real: this box was asleep.
DOUBTFUL_BEATS = 15
# The first answer on a new connection is slow; the quickest of a few bounds the clock best.
CLOCK_READINGS = 5
# Starts, acknowledgements, and ends that no machine stands still for, wait this long for something
# to travel with: each write costs the store a sync and the controller a turn.
HOLD_S = 0.005

Incoming = AgentPlan | PeerOutputs
_INCOMING: dict[bytes, Any] = {
    kind.__name__.encode(): msgspec.json.Decoder(kind) for kind in (AgentPlan, PeerOutputs)
}
_lost = msgspec.json.Decoder(AgentLost)
_encode = msgspec.json.Encoder().encode
Command = tuple[Any, ...]
Entries = list[tuple[bytes, dict[bytes, bytes]]]


class StoreConnection:
    """One agent's connection to the store of its site.

    Parameters
    ----------
    on_lapse
        Called when the site has given up on this agent, or may have: it has to join again.
    """

    def __init__(self, url: str, site: str, agent: str, on_lapse: Callable[[], None]) -> None:
        # Each loop below tries again by itself, and knows the calls that it would make twice.
        self._redis = redis.Redis.from_url(
            url, protocol=2, socket_timeout=SOCKET_TIMEOUT_S, retry=Retry(NoBackoff(), 0)
        )
        self._site = site
        self._agent = agent
        self._on_lapse = on_lapse
        self._heartbeat = keys.heartbeat(site, agent)
        self._plans = keys.plans(site, agent)
        self._clock = SiteClock()
        self._doubts = 0
        self._incarnation = ""
        self._beat_us = 0
        self._openings = 0
        self._outbox: deque[Command] = deque()
        self._has_mail = asyncio.Event()
        self._is_empty = asyncio.Event()
        self._is_empty.set()

    def now_us(self) -> int:
        """The time of the site, in microseconds since the Unix epoch."""
        return self.at_us(time.monotonic_ns() // 1_000)

    def at_us(self, monotonic_us: int) -> int:
        """A moment of this box's monotonic clock, in the time of the site."""
        return self._clock.at_us(monotonic_us)

    async def open(self, incarnation: str) -> None:
        """Begin an incarnation: it hears only messages that are sent from now on.

        Retries until the store answers.
        """
        await _until_it_answers(self._set_clock)
        self._incarnation = incarnation
        # Before the group: an agent that loses the group looks here for its successor.
        await _until_it_answers(self._mark_alive)
        await _until_it_answers(self._open_group)
        self._openings += 1

    def report(self, report: Report, *, can_wait: bool = False) -> None:
        """Report to the controller; reports leave in order, now or when the store is back.

        Parameters
        ----------
        can_wait
            True if an end may travel with the next report: no machine stands still for it.
        """
        hold = isinstance(report, OperationStarted)
        hold = hold or (can_wait and isinstance(report, OperationFinished))
        self._send(self._entry(keys.events(self._site), report), hold=hold)

    def notify(self, agent: str, peer: PeerOutputs) -> None:
        """Tell another agent."""
        self._send(self._entry(keys.plans(self._site, agent), peer))

    async def messages(self) -> AsyncIterator[Incoming]:
        """Messages, for ever; each is acknowledged once the caller comes back for the next."""
        start = NEW
        while True:
            entries = await self._entries(start)
            # A message on its way when the line broke counts as delivered: it is asked for again,
            # from the first entry that was not acknowledged to the last.
            if entries is None:
                start = FIRST
                continue
            for entry_id, fields in entries:
                message = _decoded(fields)
                if message is not None:
                    yield message
                self._acknowledge(entry_id)
            if start != NEW:
                start = entries[-1][0].decode() if entries else NEW

    async def write(self) -> None:
        """Send the messages of the outbox, for ever."""
        pause_s = FIRST_PAUSE_S
        while True:
            await self._has_mail.wait()
            batch = [self._outbox[i] for i in range(min(BATCH, len(self._outbox)))]
            try:
                await self._write(batch)
            except (RedisError, OSError) as error:
                log.warning("%d reports wait for the store: %s", len(self._outbox), error)
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
                continue
            pause_s = FIRST_PAUSE_S
            for _ in batch:
                self._outbox.popleft()
            if not self._outbox:
                self._has_mail.clear()
                self._is_empty.set()

    async def beat(self) -> None:
        """Say that we live, for ever.

        Raises
        ------
        DuplicateName
            If another agent joined under our name.
        """
        beats = 0
        while True:
            await asyncio.sleep(HEARTBEAT_S)
            beats += 1
            with contextlib.suppress(RedisError, OSError):
                await self._beat()
                if self._doubts or beats % CLOCK_EVERY_BEATS == 0:
                    await self._set_clock()

    async def flush(self) -> None:
        """Wait until all that was reported is in the store."""
        await self._is_empty.wait()

    async def close(self) -> None:
        """Leave: the heartbeat ends at once."""
        with contextlib.suppress(RedisError, OSError):
            if await self._holder() == self._incarnation:
                await self._redis.delete(self._heartbeat)
        await self._redis.aclose()

    async def _beat(self) -> None:
        holder = await self._holder()
        if holder not in {"", self._incarnation}:
            raise DuplicateName(f"another agent joined as {self._agent!r}; give one of them a name")
        since_us = self._beat_us
        await self._mark_alive()
        # After the sign of life: a reader that looks for one from now on sees it.
        if not holder and await self._was_given_up(since_us):
            self._on_lapse()

    async def _was_given_up(self, since_us: int) -> bool:
        """True if the site has declared us lost since that beat, as far as its log can tell.

        A heartbeat also runs out because the store itself slept, and then nobody missed it.
        """
        key = keys.events(self._site)
        first: Any = await self._redis.xrange(key, count=1)
        since_ms = since_us // 1_000
        if not first or int(first[0][0].partition(b"-")[0]) > since_ms:
            return True
        found: Any = await self._redis.xrange(key, min=since_ms, count=LOOK_BACK)
        return len(found) == LOOK_BACK or any(self._is_our_loss(fields) for _, fields in found)

    def _is_our_loss(self, fields: dict[bytes, bytes]) -> bool:
        if fields.get(keys.TYPE_FIELD.encode()) != AgentLost.__name__.encode():
            return False
        lost = _lost.decode(fields[keys.DATA_FIELD.encode()])
        return lost.agent == self._agent and lost.incarnation in {"", self._incarnation}

    async def _holder(self) -> str:
        """Incarnation of the agent that lives under our name; empty if none does."""
        value: Any = await self._redis.get(self._heartbeat)
        return value.decode() if value else ""

    async def _mark_alive(self) -> None:
        at_us = self.now_us()
        await self._redis.set(self._heartbeat, self._incarnation, ex=HEARTBEAT_TTL_S)
        self._beat_us = at_us

    async def _set_clock(self) -> None:
        steps_us = [await self._read_clock() for _ in range(CLOCK_READINGS)]
        self._doubts = self._doubts + 1 if any(steps_us) else 0

    async def _read_clock(self) -> int:
        """Follow the time of the site; gives by how much the store's clock was set, if it was."""
        pipeline = self._redis.pipeline(transaction=True)
        pipeline.time()
        pipeline.get(keys.clock(self._site))
        before_us = time.monotonic_ns() // 1_000
        (seconds, micros), offset = await pipeline.execute()
        return self._clock.take(
            before_us=before_us,
            wall_us=seconds * 1_000_000 + micros,
            offset_us=int(offset or 0),
            after_us=time.monotonic_ns() // 1_000,
            is_settled=self._doubts >= DOUBTFUL_BEATS,
        )

    async def _open_group(self) -> None:
        with contextlib.suppress(ResponseError):  # there is no stream yet
            await self._redis.xgroup_destroy(self._plans, GROUP)
        await self._redis.xgroup_create(self._plans, GROUP, id="$", mkstream=True)

    async def _entries(self, start: str) -> Entries | None:
        """Entries from a point on; ``None`` after a pause if the store cannot give them."""
        openings = self._openings
        try:
            return await self._read(start)
        except (RedisError, OSError) as error:
            log.warning("store does not answer: %s", error)
            if "NOGROUP" in str(error):
                await self._on_lost_group(openings)
        await asyncio.sleep(READ_PAUSE_S)
        return None

    async def _on_lost_group(self, openings: int) -> None:
        """Join again if the store lost its data, but not if the group is new by now.

        It is also lost when another agent takes our name; then `beat` tells.
        """
        with contextlib.suppress(RedisError, OSError):
            holder = await self._holder()
            if holder in {"", self._incarnation} and openings == self._openings:
                self._on_lapse()

    async def _read(self, start: str) -> Entries:
        answer: Any = await self._redis.xreadgroup(
            GROUP, CONSUMER, {self._plans: start}, count=BATCH, block=BLOCK_MS
        )
        return list(answer[0][1]) if answer else []

    async def _write(self, batch: list[Command]) -> None:
        # As one: a reader that waits for the first of them is not woken before the last is there.
        pipeline = self._redis.pipeline(transaction=True)
        for command in batch:
            pipeline.execute_command(*command)
        await pipeline.execute()

    def _acknowledge(self, entry_id: bytes) -> None:
        self._send(("XACK", self._plans, GROUP, entry_id), hold=True)
        self._send(("XDEL", self._plans, entry_id), hold=True)

    def _entry(self, key: str, message: object) -> Command:
        kind = type(message).__name__
        return ("XADD", key, "*", keys.TYPE_FIELD, kind, keys.DATA_FIELD, _encode(message))

    def _send(self, command: Command, *, hold: bool = False) -> None:
        if not hold:
            self._has_mail.set()
        elif not self._outbox:
            asyncio.get_running_loop().call_later(HOLD_S, self._has_mail.set)
        self._outbox.append(command)
        self._is_empty.clear()


async def _until_it_answers(call: Callable[[], Any]) -> None:
    pause_s = FIRST_PAUSE_S
    while True:
        try:
            await call()
            return
        except (RedisError, OSError) as error:
            log.warning("store does not answer: %s", error)
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)


def _decoded(fields: dict[bytes, bytes]) -> Incoming | None:
    kind = fields.get(keys.TYPE_FIELD.encode(), b"")
    try:
        message: Incoming = _INCOMING[kind].decode(fields[keys.DATA_FIELD.encode()])
    except (KeyError, msgspec.DecodeError) as error:
        log.error("an entry that is no plan was passed over: %r, %s", kind, error)
        return None
    if isinstance(message, AgentPlan):
        refused = not_understood("the service", message.protocol)
        if refused:
            log.error("a plan was refused: %s", refused)
            return None
    return message
