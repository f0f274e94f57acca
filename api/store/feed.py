"""One reader of the stream of changes per process, for all who wait in it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from typing import Self

from api.store import FINAL, Change, Store, ViewChanged
from scheduler.control.records import RunRecord
from scheduler.model.errors import FjordError
from scheduler.model.messages import CallLease, Release

BLOCK_MS = 5_000
"""The reader comes back this often though nothing changed."""
RETRY_S = 0.1
"""Pause between tries to reach a store that is away."""

_log = logging.getLogger(__name__)


class ChangeFeed:
    """Wakes those who wait for a run to end, and tells others of all changes.

    Parameters
    ----------
    release
        Called with tensors that may be deleted.
    """

    def __init__(self, store: Store, release: Callable[[Release], None]) -> None:
        self._store = store
        self._release = release
        self._waiters: dict[str, list[asyncio.Future[RunRecord]]] = {}
        self._of_runs: list[Callable[[RunRecord], None]] = []
        self._of_views: list[Callable[[], None]] = []
        self._of_leases: list[Callable[[CallLease], None]] = []
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
            True if the run is submitted only after this has begun: its end is still to come.
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

    def on_run(self, listener: Callable[[RunRecord], None]) -> None:
        """Call a function with every change of a run from now on."""
        self._of_runs.append(listener)

    def on_view(self, listener: Callable[[], None]) -> None:
        """Call a function whenever the view of the site has changed from now on."""
        self._of_views.append(listener)

    def on_lease(self, listener: Callable[[CallLease], None]) -> None:
        """Call a function with every lease for calls that is new, changed or ended."""
        self._of_leases.append(listener)

    async def _read(self, after: str) -> None:
        while True:
            try:
                for entry_id, change in await self._store.changes(after, block_ms=BLOCK_MS):
                    after = entry_id
                    self._take(change)
            except (FjordError, OSError) as error:
                # This reader goes on after any error: all who wait in this process depend on it.
                _log.warning("no changes for now: %s", error)
                await asyncio.sleep(RETRY_S)

    def _take(self, change: Change) -> None:
        if isinstance(change, RunRecord):
            if change.state in FINAL:
                self._wake(change)
            for of_run in self._of_runs:
                of_run(change)
        elif isinstance(change, ViewChanged):
            for of_view in self._of_views:
                of_view()
        elif isinstance(change, CallLease):
            for of_lease in self._of_leases:
                of_lease(change)
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

    def _leave(self, run_id: str, ended: asyncio.Future[RunRecord]) -> None:
        waiting = self._waiters.get(run_id, [])
        if ended in waiting:
            waiting.remove(ended)
        if not waiting:
            self._waiters.pop(run_id, None)
