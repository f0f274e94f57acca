from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import pytest

from api.history import Archive, HistoryLimits, Reader, RunQuery, keep_history
from api.history.archive import path_of
from api.store import Batch, RunEnded, RunForgotten, Store
from scheduler.control.records import RunRecord, RunState
from scheduler.control.records.plans import PlanFate, PlanRecord
from scheduler.model.messages import Release
from tests.api.history.made import NOW_US, operation, record, story

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
CENTURY = HistoryLimits(days=36_500, size_bytes=2**30)
OFF = HistoryLimits(days=0, size_bytes=2**30)
PLAN = PlanRecord(
    at_us=NOW_US,
    version=3,
    source="heft",
    verdict=PlanFate.IN_FORCE,
    makespan_us=500,
    bound_us=400,
)
HISTORIAN = """
import asyncio, sys
from pathlib import Path
from api.history.archive import HistoryLimits
from api.history.historian import Historian

url, site, folder = sys.argv[1:]
print("at work", flush=True)
asyncio.run(Historian(url, site, Path(folder), HistoryLimits(days=36_500, size_bytes=2**30)).work())
"""


async def end(
    store: Store, records: Sequence[RunRecord], *, forget: bool = False, plans: int = 0
) -> None:
    """Write the records that a controller writes of runs that end."""
    lease = await store.take_lease("one", 60_000)
    assert lease is not None
    gone = tuple(Release(run=each.run) for each in records) if forget else ()
    told = tuple(story(each) for each in records if each.ended_us is not None)
    batch = Batch(records=tuple(records), forget=gone, history=(PLAN,) * plans, stories=told)
    await store.commit(lease, batch)
    await store.resign(lease)


def queue_is_empty(store: Store) -> Callable[[], Awaitable[bool]]:
    async def ask() -> bool:
        return await store.history_waiting() == 0

    return ask


async def test_run_goes_from_the_store_to_the_archive(
    store: Store, store_url: str, site: str, tmp_path: Path, eventually: Eventually
) -> None:
    ended = record(run="r-1", operations=(operation("r-1"),))
    await end(store, [ended, record(run="r-2", state=RunState.RUNNING, ended_us=None)], plans=1)
    async with keep_history(store_url, site, tmp_path, CENTURY):
        await eventually(queue_is_empty(store))
        assert await store.run("r-1") == ended
        assert await store.story("r-1", 1.0) == story(ended)
        await end(store, [ended], forget=True)
        await eventually(queue_is_empty(store))
    reader = Reader(tmp_path)
    assert await store.run("r-1") is None
    assert [each.run for each in await store.runs()] == ["r-2"]
    assert reader.run("r-1") == ended
    assert reader.story("r-1") == story(ended)
    assert reader.plans(0, 2 * NOW_US, 10) == [PLAN]


async def test_record_stays_in_the_store_while_nobody_archives_it(store: Store) -> None:
    ended = record()
    await end(store, [ended], forget=True)
    assert await store.run(ended.run) == ended
    page = await store.history("0-0", block_ms=1, count=10)
    told = [entry for _, entry in page.entries]
    assert told == [RunEnded(run=ended.run), RunForgotten(run=ended.run)]


async def test_without_history_runs_are_forgotten_and_the_archive_goes(
    store: Store, store_url: str, site: str, tmp_path: Path, eventually: Eventually
) -> None:
    with Archive(tmp_path, CENTURY):
        pass
    ended = record()
    await end(store, [ended], forget=True)
    async with keep_history(store_url, site, tmp_path, OFF):
        await eventually(queue_is_empty(store))
    assert await store.run(ended.run) is None
    assert not path_of(tmp_path).exists()


async def test_unreadable_entry_does_not_hold_up_those_after_it(
    store: Store, store_url: str, site: str, tmp_path: Path, eventually: Eventually
) -> None:
    await store.call("XADD", f"fjord:{{{site}}}:history", "*", "t", "Nonsense", "d", "{}")
    await end(store, [record(run="r-1")])
    async with keep_history(store_url, site, tmp_path, CENTURY):
        await eventually(queue_is_empty(store))
    assert Reader(tmp_path).summary("r-1") is not None


async def test_damaged_archive_is_replaced_and_history_goes_on(
    store: Store, store_url: str, site: str, tmp_path: Path, eventually: Eventually
) -> None:
    path_of(tmp_path).parent.mkdir()
    path_of(tmp_path).write_bytes(b"no database" * 1000)
    await end(store, [record(run="r-1")])
    async with keep_history(store_url, site, tmp_path, CENTURY):
        await eventually(queue_is_empty(store))
    assert Reader(tmp_path).summary("r-1") is not None


async def test_one_archive_at_a_time_takes_the_history_of_a_site(store: Store) -> None:
    assert await store.take_history("one", 60_000)
    assert not await store.take_history("other", 60_000)
    assert await store.take_history("one", 60_000)


@pytest.mark.chaos
async def test_killed_at_any_moment_it_loses_nothing_and_keeps_nothing_twice(
    store: Store, store_url: str, site: str, tmp_path: Path, eventually: Eventually
) -> None:
    made = [record(NOW_US + i, run=f"r-{i}") for i in range(1_200)]
    arguments = [sys.executable, "-c", HISTORIAN, store_url, site, str(tmp_path)]
    for round_ in range(4):
        part = made[round_ * 300 : (round_ + 1) * 300]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"at work\n"
            # It is killed in the middle of what is written meanwhile, each time somewhere else.
            for first in range(0, 300, 20):
                await end(store, part[first : first + 20], forget=True)
                if first == 60 * (round_ + 1):
                    child.send_signal(signal.SIGKILL)
            child.wait()
    async with keep_history(store_url, site, tmp_path, CENTURY):
        await eventually(queue_is_empty(store))
    found = Reader(tmp_path).find(RunQuery(), 2 * len(made))
    assert sorted(each.run for each in found) == sorted(each.run for each in made)
    assert await store.runs() == []
