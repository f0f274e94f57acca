"""One reader of the stream of changes per process, for all who wait in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncGenerator, Callable
from typing import Self

from api.store import Change, Store, ViewChanged
from scheduler.control.records import RunRecord, RunState, SiteView
from scheduler.model.errors import FjordError
from scheduler.model.messages import Release

BLOCK_MS = 5_000
"""The reader comes back this often though nothing changed."""
RETRY_S = 0.1
"""Pause between tries to reach a store that is away."""
BACKLOG = 256
"""Changes that a slow subscriber may be behind; the oldest are dropped after that."""
FINAL = frozenset({RunState.FINISHED, RunState.FAILED, RunState.CANCELLED})

_log = logging.getLogger(__name__)


class ChangeFeed:
    """Wakes those who wait for a run to end, and feeds live views.

    Parameters
    ----------
    release
        Called with tensors that may be deleted.
    """

    def __init__(self, store: Store, release: Callable[[Release], None]) -> None:
        self._store = store
        self._release = release
        self._waiters: dict[str, list[asyncio.Future[RunRecord]]] = {}
        self._subscribers: list[asyncio.Queue[RunRecord | SiteView]] = []
        self._listeners: list[Callable[[RunRecord], None]] = []
        self._task: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        after = await self._store.last_change()
        self._task = asyncio.create_task(self._read(after), name="change feed")
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._task is not None
        self._task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._task

    async def wait_for_run(
        self, run_id: str, timeout_s: float, *, is_new: bool = False
    ) -> RunRecord | None:
        """The record of a run (without its operations) once it has ended, or else as it then is.

        Returns ``None`` if there is no such run. Returns early as soon as the run is final.

        Parameters
        ----------
        is_new
            Whether the run is submitted only after this has begun: its end is still to come.
        """
        ended: asyncio.Future[RunRecord] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(run_id, []).append(ended)
        try:
            if not is_new:
                # Looked up after joining the waiters: an end in between is seen by one of the two.
                record = await self._store.summary(run_id)
                if record is None or record.state in FINAL:
                    return record
            async with asyncio.timeout(timeout_s):
                return await ended
        except TimeoutError:
            return await self._store.summary(run_id)
        finally:
            self._leave(run_id, ended)

    async def subscribe(self) -> AsyncGenerator[RunRecord | SiteView, None]:
        """The view of the site at once, then every new view and every change of a run."""
        queue: asyncio.Queue[RunRecord | SiteView] = asyncio.Queue(BACKLOG)
        self._subscribers.append(queue)
        try:
            view = await self._store.view()
            if view is not None:
                yield view
            while True:
                yield await queue.get()
        finally:
            self._subscribers.remove(queue)

    def on_run(self, listener: Callable[[RunRecord], None]) -> None:
        """Call a function with every change of a run; unlike a subscriber it misses none."""
        self._listeners.append(listener)

    async def _read(self, after: str) -> None:
        while True:
            try:
                for entry_id, change in await self._store.changes(after, block_ms=BLOCK_MS):
                    after = entry_id
                    await self._take(change)
            except (FjordError, OSError) as error:
                # Whatever happens, this reader goes on: all who wait in this process depend on it.
                _log.warning("no changes for now: %s", error)
                await asyncio.sleep(RETRY_S)

    async def _take(self, change: Change) -> None:
        if isinstance(change, RunRecord):
            if change.state in FINAL:
                self._wake(change)
            for listener in self._listeners:
                listener(change)
            self._publish(change)
        elif isinstance(change, ViewChanged):
            await self._publish_view()
        else:
            self._let_go(change)

    def _let_go(self, release: Release) -> None:
        try:
            self._release(release)
        except (FjordError, OSError) as error:
            # They lie about until the box is restarted; nobody waits for them.
            _log.warning("tensors of run %s were not deleted: %s", release.run, error)

    def _wake(self, record: RunRecord) -> None:
        for ended in self._waiters.pop(record.run, []):
            if not ended.done():
                ended.set_result(record)

    async def _publish_view(self) -> None:
        # One read serves all subscribers, and none is made when nobody looks.
        if self._subscribers:
            view = await self._store.view()
            if view is not None:
                self._publish(view)

    def _publish(self, change: RunRecord | SiteView) -> None:
        for queue in self._subscribers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(change)

    def _leave(self, run_id: str, ended: asyncio.Future[RunRecord]) -> None:
        waiting = self._waiters.get(run_id, [])
        if ended in waiting:
            waiting.remove(ended)
        if not waiting:
            self._waiters.pop(run_id, None)
