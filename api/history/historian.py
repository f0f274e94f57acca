"""The one writer of the archive, with a connection of its own to the store.

What it has in hand is in the queue of the store until the
archive has it on disk, so it may be killed at any moment. Being told twice of a run adds nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import logging
import sqlite3
from collections.abc import Iterator, Sequence
from pathlib import Path

from api.history.archive import Archive, HistoryLimits, OtherVersion, discard, path_of, set_aside
from api.store import FIRST, HistoryPage, RunEnded, Store, WholeRun
from scheduler.control.records.plans import PlanRecord
from scheduler.model.errors import FjordError

PAGE = 256
"""Entries that are taken together: one transaction, one wait for the disk."""
CHUNK = 16
"""Records that are read from the store in one go."""
CHUNK_BYTES = 8 * 1024 * 1024
"""No more than this of records is in memory before it is written; one record may be larger."""
PACE_S = 0.25
"""Pause after a page that was not full: a busy site fills the next meanwhile."""
BLOCK_MS = 5_000
LEASE_MS = 30_000
"""An archive that was silent for so long is no longer the one of its site."""
RETRY_S = 1.0
"""Pause between tries while the store is away, the disk is full, or another one writes."""
NOBODY = "none"
"""Stands for an archive where none is kept: the queue is emptied all the same."""

_log = logging.getLogger(__name__)


class Historian:
    """Takes from the queue of a site, writes to the archive of a data folder."""

    def __init__(self, url: str, site: str, data_dir: Path, limits: HistoryLimits) -> None:
        self._url = url
        self._site = site
        self._data_dir = data_dir
        self._limits = limits

    async def work(self) -> None:
        """Archive runs that end, until cancelled; the store and the disk are waited for."""
        while True:
            try:
                with _alone(self._data_dir):
                    await self._archive()
            except sqlite3.DatabaseError as error:
                # Of its many kinds only the plain one says that the file itself is broken.
                if type(error) in {sqlite3.DatabaseError, OtherVersion}:
                    set_aside(self._data_dir, error)
                else:
                    _log.warning("no history for now: %r", error)
            except (FjordError, OSError) as error:
                _log.warning("no history for now: %s", error)
            except Exception:
                # Nobody else would go on: ended runs would stay in the store for ever.
                _log.exception("history broke")
            await asyncio.sleep(RETRY_S)

    async def _archive(self) -> None:
        store = await Store.connect(self._url, self._site)
        try:
            if self._limits.keeps:
                with Archive(self._data_dir, self._limits) as archive:
                    await self._follow(store, archive)
            else:
                discard(self._data_dir)
                await self._follow(store, None)
        finally:
            await store.close()

    async def _follow(self, store: Store, archive: Archive | None) -> None:
        """Take page after page from the queue, from its beginning: nothing in it is settled."""
        after = FIRST
        while True:
            if not await store.take_history(archive.id if archive else NOBODY, LEASE_MS):
                await asyncio.sleep(RETRY_S)
                continue
            page = await store.history(after, block_ms=BLOCK_MS, count=PAGE)
            if page.last != after:
                if archive is not None:
                    await _keep(store, archive, page)
                await store.settle_history(page)
                after = page.last
            if archive is not None:
                archive.keep_within(store.now_us())
            if len(page.entries) < PAGE:
                await asyncio.sleep(PACE_S)


async def _keep(store: Store, archive: Archive, page: HistoryPage) -> None:
    ended = dict.fromkeys(entry.run for _, entry in page.entries if isinstance(entry, RunEnded))
    missing = archive.missing(list(ended))
    held: list[WholeRun] = []
    for first in range(0, len(missing), CHUNK):
        held += await store.whole_runs(missing[first : first + CHUNK])
        if _size_bytes(held) >= CHUNK_BYTES:
            archive.add(held)
            held = []
    plans = [(key, entry) for key, entry in page.entries if isinstance(entry, PlanRecord)]
    archive.add(held, plans)


def _size_bytes(runs: Sequence[WholeRun]) -> int:
    return sum(len(run.record) + len(run.operations) for run in runs)


@contextlib.contextmanager
def _alone(data_dir: Path) -> Iterator[None]:
    """Be the only one that writes to the archive of a data folder.

    Raises
    ------
    BlockingIOError
        If another process does.
    """
    lock = path_of(data_dir).with_name("lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("ab") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield
