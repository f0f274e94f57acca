"""The archive as routes see it: every question opens the file anew and holds nothing in memory."""

from __future__ import annotations

import contextlib
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from api.history.archive import path_of
from api.history.misses import Cause, Miss
from api.history.queries import RunQuery
from api.history.schema import VERSION
from api.store.codec import decode
from scheduler.control.records import OperationRecord, RunRecord, RunStory
from scheduler.control.records.plans import PlanFate, PlanRecord

WAIT_S = 5.0
"""A reader waits so long for a lock; the writer holds one that matters for milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Removed:
    """Runs that a rule took away: how many, and the times of the first and last by their ids."""

    rule: str
    runs: int
    first_us: int
    last_us: int


class Reader:
    """Answers questions about ended runs. Its methods block: call them in a thread."""

    def __init__(self, data_dir: Path) -> None:
        self._path = path_of(data_dir)

    def find(self, query: RunQuery, limit: int) -> list[RunRecord]:
        """Runs without their operations, the latest first."""
        terms = list(_terms(query))
        where = " AND ".join(term for term, _ in terms) or "1"
        values = [value for _, given in terms for value in given]
        rows = self._ask(
            f"SELECT record FROM runs WHERE {where} ORDER BY submitted_us DESC, run DESC LIMIT ?",
            (*values, limit),
        )
        return [decode(RunRecord, row[0].encode()) for row in rows]

    def summary(self, run: str) -> RunRecord | None:
        """A run without its operations, ``None`` if it is not kept."""
        for (record,) in self._ask("SELECT record FROM runs WHERE run = ?", (run,)):
            return decode(RunRecord, record.encode())
        return None

    def run(self, run: str) -> RunRecord | None:
        """A run with its operations, ``None`` if it is not kept."""
        rows = self._ask(
            "SELECT record, operations FROM runs JOIN operations USING (id) WHERE run = ?", (run,)
        )
        for record, packed in rows:
            operations = decode(tuple[OperationRecord, ...], zlib.decompress(packed))
            return replace(decode(RunRecord, record.encode()), operations=operations)
        return None

    def story(self, run: str) -> RunStory | None:
        """The story of a run, without lines if it left none; ``None`` if it is not kept."""
        question = "SELECT story FROM stories JOIN runs USING (id) WHERE run = ?"
        for (packed,) in self._ask(question, (run,), since=2):
            return decode(RunStory, zlib.decompress(packed))
        kept = self.summary(run)
        return None if kept is None else RunStory(run=run, submitted_us=kept.submitted_us)

    def misses(self, since_us: int, until_us: int, limit: int) -> list[Miss]:
        """Deadlines and due dates that were not kept, the latest first."""
        rows = self._ask(
            "SELECT run, limited_by, limit_us, at_us, cause, detail"
            " FROM misses JOIN runs USING (id)"
            " WHERE at_us >= ? AND at_us < ? ORDER BY at_us DESC LIMIT ?",
            (since_us, until_us, limit),
        )
        return [
            Miss(run=run, limited_by=by, limit_us=limit_us, at_us=at, cause=Cause(why), detail=more)
            for run, by, limit_us, at, why, more in rows
        ]

    def plans(self, since_us: int, until_us: int, limit: int) -> list[PlanRecord]:
        """Plans that were in force or proposed, the latest first."""
        rows = self._ask(
            "SELECT at_us, version, source, verdict, makespan_us, bound_us FROM plans"
            " WHERE at_us >= ? AND at_us < ? ORDER BY at_us DESC, entry DESC LIMIT ?",
            (since_us, until_us, limit),
        )
        return [
            PlanRecord(
                at_us=at_us,
                version=version,
                source=source,
                verdict=PlanFate(verdict),
                makespan_us=makespan_us,
                bound_us=bound_us,
            )
            for at_us, version, source, verdict, makespan_us, bound_us in rows
        ]

    def removed(self, at_us: int) -> list[Removed]:
        """The rules that took away runs of that time, by their ids."""
        rows = self._ask(
            "SELECT rule, runs, first_us, last_us FROM removed"
            " WHERE first_us <= ? AND last_us >= ? ORDER BY rule",
            (at_us, at_us),
        )
        return [
            Removed(rule=rule, runs=runs, first_us=first, last_us=last)
            for rule, runs, first, last in rows
        ]

    def _ask(
        self, question: str, values: Sequence[object], *, since: int = 1
    ) -> list[tuple[Any, ...]]:
        """Rows that answer a question; none of an archive of a version before `since`."""
        if not self._path.exists():
            return []
        # Not read-only: the first reader has to make the index of the write-ahead log.
        address = f"{self._path.absolute().as_uri()}?mode=rw"
        with contextlib.closing(sqlite3.connect(address, timeout=WAIT_S, uri=True)) as db:
            db.execute("PRAGMA query_only=ON")
            (version,) = db.execute("PRAGMA user_version").fetchone()
            if not since <= version <= VERSION:
                # It is being made, brought up to date or set aside: there is no such history yet.
                return []
            return db.execute(question, values).fetchall()


def _terms(query: RunQuery) -> Iterator[tuple[str, Sequence[object]]]:
    """The conditions of a query with their values, as the indexes know them."""
    if query.since_us:
        yield "submitted_us >= ?", (query.since_us,)
    if query.until_us is not None:
        yield "submitted_us < ?", (query.until_us,)
    if query.after is not None:
        yield "(submitted_us, run) < (?, ?)", (query.after.submitted_us, query.after.run)
    if query.workload:
        yield "name = ?", (query.workload.partition("@")[0],)
        if "@" in query.workload:
            yield "workload = ?", (query.workload,)
    if query.band is not None:
        yield "band = ?", (int(query.band),)
    if query.state is not None:
        yield "state = ?", (query.state,)
    if query.kind:
        yield "kind = ?", (query.kind,)
