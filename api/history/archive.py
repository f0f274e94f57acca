"""The archive as its one writer sees it: it takes in ended runs and lets old ones go."""

from __future__ import annotations

import contextlib
import logging
import os
import sqlite3
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Self
from uuid import uuid4

from api.history.misses import Miss, is_late, misses_of
from api.history.queries import name_of
from api.history.schema import FILE, FOLDER, PAGE_BYTES, TABLES, UPGRADES, VERSION
from api.store import WholeRun
from api.store.codec import decode
from api.store.run_ids import made_us
from scheduler.control.records import OperationRecord, RunRecord
from scheduler.control.records.plans import PlanRecord
from scheduler.model.errors import Defect, OutOfSpace

DAY_US = 86_400_000_000
LOG_BYTES = 4 * 1024 * 1024
"""SQLite's write-ahead log is cut to this size; it counts as part of the archive."""
SPARE_SHARE = 0.02
"""This share of the allowed size stays free, so that not every batch has to make room."""
REMOVED_AT_ONCE = 1_000
"""Runs that go in one transaction: the log of more would outgrow its size."""
READ_BYTES = 1024 * 1024
"""Operations of a late run are looked at for the cause up to this size of their JSON."""
COMPRESSION = 1
"""The quickest: records shrink to a seventh, and by hardly more at the slowest."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryLimits:
    """Bounds on history in age and size; nothing at all is kept if either is 0."""

    days: float
    size_bytes: int

    @property
    def keeps(self) -> bool:
        """True if anything is kept."""
        return self.days > 0 and self.size_bytes > 0


class OtherVersion(sqlite3.DatabaseError):
    """The archive was written by another release, in a form that this one does not know."""


class Archive:
    """The file of the archive, open for writing. Everything is done in the thread that opened it.

    Parameters
    ----------
    data_dir
        The archive lies in a folder of its own in it.

    Raises
    ------
    OtherVersion, sqlite3.DatabaseError
        If the file cannot be used; `set_aside` makes room for another.
    """

    def __init__(self, data_dir: Path, limits: HistoryLimits) -> None:
        self._path = path_of(data_dir)
        self._limits = limits
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._db = _connected(self._path)
        (self.id,) = self._db.execute("SELECT id FROM archive").fetchone()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def missing(self, runs: Sequence[str]) -> list[str]:
        """Those of some runs that are not kept yet."""
        marks = ",".join("?" * len(runs))
        found = self._db.execute(f"SELECT run FROM runs WHERE run IN ({marks})", runs)
        kept = {run for (run,) in found}
        return [run for run in runs if run not in kept]

    def add(
        self, runs: Iterable[WholeRun] = (), plans: Iterable[tuple[str, PlanRecord]] = ()
    ) -> None:
        """Keep runs and plans, all or none; those that are kept already are not kept twice.

        Parameters
        ----------
        plans
            Each with the id of its entry in the queue, by which it is known.
        """
        with self._changing():
            for run in runs:
                self._try_run(run)
            self._db.executemany(
                "INSERT OR IGNORE INTO plans VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    (entry, p.at_us, p.version, p.source, p.verdict, p.makespan_us, p.bound_us)
                    for entry, p in plans
                ),
            )

    def keep_within(self, now_us: int) -> None:
        """Remove entries older than allowed, then the oldest until the size is as allowed."""
        self._remove_old(now_us - round(self._limits.days * DAY_US))
        self._shrink()

    @property
    def size_bytes(self) -> int:
        """Room that the archive takes of the disk, its write-ahead log included."""
        log = self._path.with_name(f"{FILE}-wal")
        return sum(path.stat().st_size for path in (self._path, log) if path.exists())

    def _try_run(self, whole: WholeRun) -> None:
        """Keep a run, or leave out all of it: one that cannot be kept must not hold up the rest."""
        self._db.execute("SAVEPOINT run")
        try:
            self._add_run(whole)
        except (Defect, OverflowError, sqlite3.IntegrityError, sqlite3.DataError) as error:
            self._db.execute("ROLLBACK TO run")
            _log.error("a run is left out of history: %s", error)
        self._db.execute("RELEASE run")

    def _add_run(self, whole: WholeRun) -> None:
        record = decode(RunRecord, whole.record)
        if record.ended_us is None:
            raise Defect(f"run {record.run} is said to have ended and has not")
        packed = zlib.compress(whole.operations, COMPRESSION)
        story = zlib.compress(whole.story, COMPRESSION) if whole.story else b""
        row = (
            record.run,
            record.submitted_us,
            record.ended_us,
            record.kind,
            name_of(record.workload),
            record.workload,
            record.state,
            int(record.band),
            len(whole.record) + len(packed) + len(story),
            whole.record.decode(),
        )
        marks = ",".join("?" * len(row))
        added = self._db.execute(f"INSERT OR IGNORE INTO runs VALUES (NULL, {marks})", row)
        if not added.rowcount:
            return
        number = added.lastrowid
        self._db.execute("INSERT INTO operations VALUES (?, ?)", (number, packed))
        if story:
            self._db.execute("INSERT INTO stories VALUES (?, ?)", (number, story))
        self._db.executemany(
            "INSERT INTO misses VALUES (?, ?, ?, ?, ?, ?)",
            (
                (number, miss.limited_by, miss.limit_us, miss.at_us, miss.cause, miss.detail)
                for miss in _misses(record, whole.operations)
            ),
        )

    def _remove_old(self, before_us: int) -> None:
        with self._changing():
            self._db.execute("DELETE FROM plans WHERE at_us < ?", (before_us,))
        while self._remove(
            "age",
            "SELECT id, run FROM runs WHERE ended_us < ? ORDER BY ended_us LIMIT ?",
            (before_us, REMOVED_AT_ONCE),
        ):
            pass

    def _shrink(self) -> None:
        allowed = max(0, round(self._limits.size_bytes * (1 - SPARE_SHARE)))
        if self._used_bytes() > self._limits.size_bytes - self._log_bytes():
            while (excess := self._used_bytes() + self._log_bytes() - allowed) > 0:
                if not self._remove_oldest(excess):
                    break
        self._give_back()

    def _remove_oldest(self, excess: int) -> bool:
        """Remove about as many of the oldest runs as take that much, and plans as old as these."""
        rows = self._db.execute(
            "SELECT id, size_bytes, ended_us FROM runs ORDER BY ended_us LIMIT ?",
            (REMOVED_AT_ONCE,),
        ).fetchall()
        freed = accumulate(size_bytes for _, size_bytes, _ in rows)
        enough = next((i for i, so_far in enumerate(freed, 1) if so_far >= excess), len(rows))
        ids = [number for number, _, _ in rows[:enough]]
        until_us = rows[enough - 1][2] if rows else self._oldest_plans_us()
        marks = ",".join("?" * enough)
        self._remove("size", f"SELECT id, run FROM runs WHERE id IN ({marks})", ids)
        with self._changing():
            self._db.execute("DELETE FROM plans WHERE at_us <= ?", (until_us,))
        return until_us is not None

    def _oldest_plans_us(self) -> int | None:
        """Time of the latest plan among the oldest that can go in one transaction."""
        found: tuple[int | None] = self._db.execute(
            "SELECT max(at_us) FROM (SELECT at_us FROM plans ORDER BY at_us LIMIT ?)",
            (REMOVED_AT_ONCE,),
        ).fetchone()
        return found[0]

    def _remove(self, rule: str, which: str, arguments: Sequence[object]) -> int:
        with self._changing():
            rows = self._db.execute(which, arguments).fetchall()
            self._db.executemany("DELETE FROM runs WHERE id = ?", ((row[0],) for row in rows))
            times = [at_us for _, run in rows if (at_us := made_us(run)) is not None]
            if times:
                self._db.execute(
                    "INSERT INTO removed VALUES (?, ?, ?, ?) ON CONFLICT (rule) DO UPDATE SET"
                    " runs = runs + excluded.runs, first_us = min(first_us, excluded.first_us),"
                    " last_us = max(last_us, excluded.last_us)",
                    (rule, len(rows), min(times), max(times)),
                )
        return len(rows)

    def _used_bytes(self) -> int:
        pages = self._pragma("page_count") - self._pragma("freelist_count")
        return pages * PAGE_BYTES

    def _log_bytes(self) -> int:
        return min(LOG_BYTES, self._limits.size_bytes // 4)

    def _give_back(self) -> None:
        """Have the file shrink once a fair part of it, or of the allowed size, is empty."""
        free = self._pragma("freelist_count")
        is_full = (
            self._pragma("page_count") * PAGE_BYTES > self._limits.size_bytes - self._log_bytes()
        )
        if free > self._pragma("page_count") // 10 or (free and is_full):
            # As a script: executed as a statement, it is given up after the first page.
            self._db.executescript("PRAGMA incremental_vacuum")
            self._db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()

    def _pragma(self, name: str) -> int:
        (value,) = self._db.execute(f"PRAGMA {name}").fetchone()
        return int(value)

    @contextlib.contextmanager
    def _changing(self) -> Iterator[None]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield
            self._db.execute("COMMIT")
        except BaseException as error:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            if isinstance(error, sqlite3.OperationalError) and "full" in str(error):
                raise OutOfSpace(f"the archive cannot be written: {error}") from error
            raise


def path_of(data_dir: Path) -> Path:
    """The file of the archive in a data folder."""
    return data_dir / FOLDER / FILE


def discard(data_dir: Path) -> None:
    """Delete the archive of a data folder, if there is one."""
    path = path_of(data_dir)
    for suffix in ("", "-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def set_aside(data_dir: Path, why: Exception) -> None:
    """Have history begin anew: the archive is damaged, or of another version, and is kept so."""
    path = path_of(data_dir)
    aside = path.with_name(f"{path.name}.aside-{uuid4().hex[:8]}")
    _log.error("history begins anew; the file before it lies in %s: %s", aside, why)
    os.replace(path, aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


def _connected(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, isolation_level=None)
    try:
        # Before there is a table; it cannot be changed afterwards.
        db.execute(f"PRAGMA page_size={PAGE_BYTES}")
        db.execute("PRAGMA auto_vacuum=INCREMENTAL")
        db.execute("PRAGMA journal_mode=WAL")
        # The store deletes these entries next, so they have to be on the disk.
        db.execute("PRAGMA synchronous=FULL")
        db.execute("PRAGMA foreign_keys=ON")
        db.execute(f"PRAGMA journal_size_limit={LOG_BYTES}")
        _bring_up_to_date(db)
    except BaseException:
        db.close()
        raise
    return db


def _bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables of an empty file, or those that an earlier release did not have."""
    (version,) = db.execute("PRAGMA user_version").fetchone()
    if version == 0:
        db.executescript(f"BEGIN; {TABLES} PRAGMA user_version={VERSION}; COMMIT;")
        return
    while step := UPGRADES.get(version):
        version += 1
        db.executescript(f"BEGIN; {step} PRAGMA user_version={version}; COMMIT;")
    if version != VERSION:
        raise OtherVersion(f"it is of version {version}; this release writes {VERSION}")


def _misses(record: RunRecord, operations: bytes) -> Iterable[Miss]:
    if not is_late(record):
        return ()
    if len(operations) > READ_BYTES:
        return misses_of(record, ())
    return misses_of(record, decode(tuple[OperationRecord, ...], operations))
