"""Live views: a change is encoded once, and the same bytes go to all who listen."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections import deque
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Self

import msgspec

from api.store.feed import ChangeFeed
from scheduler.control.records import RunRecord, SiteView
from scheduler.model.errors import FjordError

PERIOD_S = 0.1
"""Eyes see ten pictures in a second as motion; more would only cost."""
SHARE = 0.05
"""Handing out takes no more than this of the time: many listeners see fewer pictures."""
LONGEST_S = 2.0
"""No listener waits longer than this for a change, however many there are."""
GROUP = 16
"""Listeners served in one turn of the loop, 40 us each: requests are answered in between."""
STILL_HERE = b": still here\n\n"
KEEP_ALIVE_S = 15.0
"""Proxies close connections that are silent for longer, mostly after 30 s or 60 s."""
MAX_RUNS = 1_000
"""Runs that may change from one picture to the next; of more, the first are left out."""
BACKLOG = 64
"""Pictures that a slow listener may be behind in runs; the oldest are dropped after that."""
RETRY_S = 0.1
"""Pause between tries to read the view from a store that is away."""

_log = logging.getLogger(__name__)


class _Listener:
    """News that one listener has yet to get: the latest view, and the runs that changed before."""

    def __init__(self) -> None:
        self._view = b""
        self._runs: deque[bytes] = deque(maxlen=BACKLOG)
        self._news = asyncio.Event()

    def put(self, runs: bytes, view: bytes) -> None:
        """Add changes; a view takes the place of the one before."""
        if runs:
            self._runs.append(runs)
        self._view = view or self._view
        if runs or view:
            self._news.set()

    async def take(self) -> bytes:
        """Wait for news to send. One picture is handed on without a copy of it."""
        await self._news.wait()
        self._news.clear()
        parts = [*self._runs, self._view]
        self._runs.clear()
        self._view = b""
        return b"".join(filter(None, parts))


class LiveViews:
    """Sends the view of the site, and changes of runs, to all who listen in this process.

    Who listens slowly misses some: of a view and of a run, the last state is told.

    Parameters
    ----------
    read_view
        Reads the latest view, and has it made often for longer than `KEEP_ALIVE_S`.
    """

    def __init__(self, read_view: Callable[[], Awaitable[SiteView | None]]) -> None:
        self._read_view = read_view
        self._listeners: set[_Listener] = set()
        self._runs: dict[str, RunRecord] = {}
        self._view_changed = False
        self._view = b""
        self._news = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def follow(self, feed: ChangeFeed) -> None:
        """Have a feed tell of all changes."""
        feed.on_run(self.run_changed)
        feed.on_view(self.view_changed)

    async def __aenter__(self) -> Self:
        self._task = asyncio.create_task(self._hand_out(), name="live views")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    def run_changed(self, record: RunRecord) -> None:
        """Have a run shown; of several changes from one picture to the next, the last."""
        if not self._listeners:
            return
        self._runs.pop(record.run, None)
        self._runs[record.run] = record
        if len(self._runs) > MAX_RUNS:
            del self._runs[next(iter(self._runs))]
        self._news.set()

    def view_changed(self) -> None:
        """Have the view shown; nobody reads it when nobody looks."""
        if self._listeners:
            self._view_changed = True
            self._news.set()

    async def listen(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events: the view at once, then changes, then a sign of life."""
        listener = _Listener()
        self._listeners.add(listener)
        try:
            if not self._view:
                self._view = await self._encoded_view()
            # Runs that changed meanwhile come behind it.
            yield self._view or STILL_HERE
            while True:
                try:
                    async with asyncio.timeout(KEEP_ALIVE_S):
                        sent = await listener.take()
                except TimeoutError:
                    sent = STILL_HERE
                    # Reading it says that somebody still follows it.
                    self.view_changed()
                yield sent
        finally:
            self._listeners.discard(listener)
            if not self._listeners:
                # From now on nobody keeps it the latest.
                self._view = b""

    async def _hand_out(self) -> None:
        while True:
            await self._news.wait()
            began_s = time.thread_time()
            try:
                await self._picture()
            except (FjordError, OSError) as error:
                # This goes on after any error: everybody who looks depends on it.
                _log.warning("no view for now: %s", error)
                self.view_changed()
                await asyncio.sleep(RETRY_S)
            took_s = time.thread_time() - began_s
            await asyncio.sleep(min(LONGEST_S, max(PERIOD_S, took_s / SHARE)))

    async def _picture(self) -> None:
        """Encode the changes, and hand them to all listeners, some at a time."""
        self._news.clear()
        view = b""
        if self._view_changed:
            # Changes during the reading are shown the next time.
            self._view_changed = False
            view = self._view = await self._encoded_view()
        runs = b"".join(_event("run", record) for record in self._runs.values())
        self._runs.clear()
        for number, listener in enumerate(list(self._listeners), 1):
            listener.put(runs, view)
            if number % GROUP == 0:
                await asyncio.sleep(0)

    async def _encoded_view(self) -> bytes:
        view = await self._read_view()
        return b"" if view is None else _event("view", view)


def _event(name: str, data: RunRecord | SiteView) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (name.encode(), msgspec.json.encode(data))
