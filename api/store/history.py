"""The queue to the archive: ended runs wait here until they are kept there.

A run is in the queue from the moment in which its end is written, by the same script, and its
record goes only behind that: the entry that says so comes later in the queue. So whoever archives
may stop at any moment and go on with what is still here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from api.store import codec
from api.store.connection import Command
from api.store.runs import OLDER_OPERATIONS, STORY, Runs
from scheduler.control.records.plans import PlanRecord
from scheduler.model import keys


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """The record of a run is final; it may be said more than once."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunForgotten:
    """The record of a run can go from the store."""

    run: str


HistoryEntry = RunEnded | RunForgotten | PlanRecord
HISTORY_TYPES: dict[str, type[HistoryEntry]] = {
    "RunEnded": RunEnded,
    "RunForgotten": RunForgotten,
    "PlanRecord": PlanRecord,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeRun:
    """A run's record without its operations, the operations, and its story, each as JSON.

    Parameters
    ----------
    story
        Empty if the run left none: it ended under an earlier release.
    """

    record: bytes
    operations: bytes
    story: bytes = b""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    """Some entries, oldest first and with their ids, and the id of the last one that was read."""

    last: str
    entries: Sequence[tuple[str, HistoryEntry]] = ()


class HistoryQueue(Runs):
    """The entries that wait to be archived."""

    async def take_history(self, archive: str, ttl_ms: int) -> bool:
        """Make that archive the one of the site for another while; false if another is.

        An archive that comes back is recognised by its id; another waits until that has run out.
        """
        key = keys.historian(self.site)
        if await self.call("SET", key, archive, "NX", "PX", ttl_ms):
            return True
        if await self.call("GET", key) != archive.encode():
            return False
        return bool(await self.call("PEXPIRE", key, ttl_ms))

    async def history(self, after: str, *, block_ms: int, count: int) -> HistoryPage:
        """Entries after that one, oldest first; waits for one if there is none yet."""
        key = keys.history(self.site)
        found = (await self.read({key: after}, block_ms=block_ms, count=count)).get(key, [])
        last = found[-1][0].decode() if found else after
        return HistoryPage(last=last, entries=codec.entries(found, HISTORY_TYPES))

    async def history_waiting(self) -> int:
        """Number of entries in the queue."""
        return int(await self.call("XLEN", keys.history(self.site)))

    async def whole_runs(self, runs: Sequence[str]) -> list[WholeRun]:
        """Records of these runs as the store has them; runs that it does not have are left out."""
        found = await self.together(
            *(
                ("HMGET", keys.run(self.site, run), "record", OLDER_OPERATIONS, STORY)
                for run in runs
            ),
            *(("HGETALL", keys.operations(self.site, run)) for run in runs),
        )
        return [
            WholeRun(
                record=record,
                operations=_joined(stored) if stored else older or b"[]",
                story=story or b"",
            )
            for (record, older, story), stored in zip(found, found[len(runs) :], strict=False)
            if record is not None
        ]

    async def settle_history(self, page: HistoryPage) -> None:
        """Take a page out of the queue: it is archived. Records that were to be forgotten go."""
        runs = [entry.run for _, entry in page.entries if isinstance(entry, RunForgotten)]
        milliseconds, _, number = page.last.partition("-")
        behind = f"{milliseconds}-{int(number) + 1}"
        commands: list[Command] = [
            ("DEL", keys.run(self.site, run), keys.operations(self.site, run)) for run in runs
        ]
        if runs:
            commands.append(("ZREM", keys.runs(self.site), *runs))
        commands.append(("XTRIM", keys.history(self.site), "MINID", behind))
        await self.together(*commands)

    def for_history(self, entry: HistoryEntry) -> Command:
        """The command that puts an entry into the queue."""
        return ("XADD", keys.history(self.site), "*", *codec.fields(entry))


def _joined(stored: Mapping[bytes, bytes]) -> bytes:
    """Operations by their place in the run, as one JSON array."""
    return b"[" + b",".join(stored[place] for place in sorted(stored, key=int)) + b"]"
