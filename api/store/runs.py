"""All that is shown: records of runs, the view of the site, and the stream of changes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import msgspec

from api.store import codec
from api.store.catalogue import Catalogue
from scheduler.control.records import (
    OperationRecord,
    RunRecord,
    RunState,
    RunStory,
    SiteView,
)
from scheduler.control.records.costs import CostReport
from scheduler.model import keys
from scheduler.model.messages import CallLease, Profile, Release

OLDER_OPERATIONS = "operations"
"""Field of a run in which releases up to 0.1 kept all its operations together."""
STORY = "story"
"""Field of a run that has ended in which its story is kept."""
LOOKED_S, LISTENED_S = 5, 20
"""A reader that looks at the view, or listens, asks for it again within this time, or has gone."""
PAGE = 200
"""Runs that are looked at together when some of them are wanted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewChanged:
    """There is a new view of the site; it is not in the stream because it is large."""

    at_us: int


Change = RunRecord | ViewChanged | Release | CallLease
"""A run changed (its operations are left out), the view or a lease did, or tensors can go."""
CHANGE_TYPES: dict[str, type[Change]] = {
    "RunRecord": RunRecord,
    "ViewChanged": ViewChanged,
    "Release": Release,
    "CallLease": CallLease,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRun:
    """A run as the store has it: its operations can be handed on without being read.

    Parameters
    ----------
    record
        Without its operations.
    operations
        By place in the run, each as JSON.
    """

    record: RunRecord
    operations: dict[int, bytes]

    def whole(self) -> RunRecord:
        """The record with its operations."""
        found = (codec.decode(OperationRecord, data) for data in self._ordered())
        return replace(self.record, operations=tuple(found))

    def plain(self) -> dict[str, Any]:
        """The same for an encoder of JSON."""
        whole = b"[" + b",".join(self._ordered()) + b"]"
        return {**msgspec.to_builtins(self.record), "operations": msgspec.Raw(whole)}

    def _ordered(self) -> Iterator[bytes]:
        return (self.operations[place] for place in sorted(self.operations))


class Runs(Catalogue):
    """Records of runs by id and by time."""

    async def run(self, run_id: str) -> RunRecord | None:
        """The latest record of a run with its operations, ``None`` if there is no such run."""
        found = await self.stored(run_id)
        return found.whole() if found is not None else None

    async def stored(self, run_id: str) -> StoredRun | None:
        """As `run`, but with operations that were not read."""
        (record, older), stored = await self.together(
            ("HMGET", keys.run(self.site, run_id), "record", OLDER_OPERATIONS),
            ("HGETALL", keys.operations(self.site, run_id)),
        )
        if record is None:
            return None
        operations = {int(place): data for place, data in stored.items()}
        if not operations and older is not None:
            rest = codec.decode(tuple[OperationRecord, ...], older)
            operations = {place: codec.encode(op) for place, op in enumerate(rest)}
        return StoredRun(record=codec.decode(RunRecord, record), operations=operations)

    async def summary(self, run_id: str) -> RunRecord | None:
        """As `run`, but without its operations: a small read."""
        found = await self._summaries([run_id.encode()])
        return found[0] if found else None

    async def with_story(self, run_id: str) -> tuple[RunRecord, RunStory | None] | None:
        """As `summary`, with the story that the run left when it ended."""
        record, story = await self.call("HMGET", keys.run(self.site, run_id), "record", STORY)
        if record is None:
            return None
        left = None if story is None else codec.decode(RunStory, story)
        return codec.decode(RunRecord, record), left

    async def runs(self, *, limit: int = 100, state: RunState | None = None) -> list[RunRecord]:
        """The latest runs without their operations, newest first.

        Parameters
        ----------
        state
            Only runs in that state.
        """
        return await self.find(lambda record: state is None or record.state == state, limit=limit)

    async def find(
        self,
        wants: Callable[[RunRecord], bool],
        *,
        limit: int,
        since_us: int = 0,
        latest_us: int | None = None,
    ) -> list[RunRecord]:
        """The latest runs that are wanted, without their operations, newest first.

        Parameters
        ----------
        since_us, latest_us
            Nothing is wanted that was submitted before the one or after the other.
        """
        wanted: list[RunRecord] = []
        key, start = keys.runs(self.site), 0
        if latest_us is not None:
            start = await self.call("ZCOUNT", key, f"({latest_us}", "+inf")
        while len(wanted) < limit:
            ids = await self.call("ZREVRANGE", key, start, start + PAGE - 1)
            found = await self._summaries(ids)
            wanted += [record for record in found if wants(record)]
            start += PAGE
            if len(ids) < PAGE or (found and found[-1].submitted_us < since_us):
                break
        return wanted[:limit]

    async def view(self) -> SiteView | None:
        """The latest view of the site, ``None`` before a controller made one.

        It is up to a second old while nobody follows it, see `followed_view`.
        """
        data = await self.call("GET", keys.view(self.site))
        return None if data is None else codec.decode(SiteView, data)

    async def followed_view(self, for_s: int = LOOKED_S) -> SiteView | None:
        """The same for people, who look at each change: views are made often for so long."""
        data, _ = await self.together(
            ("GET", keys.view(self.site)), ("SET", keys.watched(self.site), 1, "EX", for_s)
        )
        return None if data is None else codec.decode(SiteView, data)

    async def profiles(self, digest: str) -> list[Profile]:
        """All that was measured of a model, with its operators, the latest first."""
        found = await self.call("HVALS", keys.profiles(self.site, digest))
        profiles = [codec.decode(Profile, data) for data in found]
        return sorted(profiles, key=lambda p: (-p.at_us, p.machine, p.provider))

    async def costs(self) -> CostReport | None:
        """The latest report on costs, ``None`` before a controller made one."""
        data = await self.call("GET", keys.costs(self.site))
        return None if data is None else codec.decode(CostReport, data)

    async def changes(
        self, after: str, *, block_ms: int | None = None, count: int = 1000
    ) -> list[tuple[str, Change]]:
        """Changes after that entry, oldest first, with ids."""
        key = keys.changes(self.site)
        found = await self.read({key: after}, block_ms=block_ms, count=count)
        return codec.entries(found.get(key, []), CHANGE_TYPES)

    async def last_change(self) -> str:
        """Id of the latest change."""
        return await self.last_entry(keys.changes(self.site))

    async def _summaries(self, run_ids: Sequence[bytes]) -> list[RunRecord]:
        if not run_ids:
            return []
        found: Iterable[Any] = await self.together(
            *(("HGET", keys.run(self.site, run.decode()), "record") for run in run_ids)
        )
        return [codec.decode(RunRecord, data) for data in found if data is not None]
