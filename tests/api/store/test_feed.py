from __future__ import annotations

import asyncio

import pytest

from api.store import Batch, Lease, Store
from api.store.feed import ChangeFeed
from scheduler.control.records import RunRecord, RunState, SiteView
from scheduler.model.messages import Release
from scheduler.model.problem import Band

pytestmark = pytest.mark.anyio


def record(run: str, state: RunState) -> RunRecord:
    return RunRecord(
        run=run, kind="run", workload="ocr@1", state=state, band=Band.NORMAL, submitted_us=1
    )


def view(at_us: int) -> SiteView:
    return SiteView(
        at_us=at_us,
        version=1,
        placement="heft",
        plan_source="heft",
        origin_us=0,
        planned_makespan_us=0,
        actual_makespan_us=0,
        bound_us=0,
        machines=(),
        bars=(),
        runs=(),
        counters={},
    )


@pytest.fixture
async def lease(store: Store) -> Lease:
    lease = await store.take_lease("test", 60_000)
    assert lease is not None
    return lease


async def test_waiter_is_woken_by_the_end_of_its_run(store: Store, lease: Lease) -> None:
    async with ChangeFeed(store, lambda _: None) as feed:
        await store.commit(lease, Batch(records=(record("r-1", RunState.RUNNING),)))
        waiting = asyncio.create_task(feed.wait_for_run("r-1", 20.0))
        ended = record("r-1", RunState.FINISHED)
        await store.commit(lease, Batch(records=(record("r-2", RunState.FAILED), ended)))
        assert await waiting == ended


async def test_end_before_the_wait_is_not_missed(store: Store, lease: Lease) -> None:
    ended = record("r-1", RunState.FAILED)
    await store.commit(lease, Batch(records=(ended,)))
    async with ChangeFeed(store, lambda _: None) as feed:
        assert await feed.wait_for_run("r-1", 20.0) == ended


async def test_no_wake_up_is_lost_whenever_the_wait_begins(store: Store, lease: Lease) -> None:
    async with ChangeFeed(store, lambda _: None) as feed:
        for number in range(50):
            run = f"r-{number}"
            await store.commit(lease, Batch(records=(record(run, RunState.RUNNING),)))
            ending = asyncio.create_task(
                store.commit(lease, Batch(records=(record(run, RunState.FINISHED),)))
            )
            for _ in range(number % 10):
                await asyncio.sleep(0)
            found = await feed.wait_for_run(run, 20.0)
            assert found is not None
            assert found.state is RunState.FINISHED
            await ending


async def test_wait_that_is_over_tells_how_the_run_stands(store: Store, lease: Lease) -> None:
    running = record("r-1", RunState.RUNNING)
    await store.commit(lease, Batch(records=(running,)))
    async with ChangeFeed(store, lambda _: None) as feed:
        assert await feed.wait_for_run("r-1", 0.01) == running
        assert await feed.wait_for_run("r-none", 0.01) is None


async def test_tensors_that_can_go_are_released_here(store: Store, lease: Lease) -> None:
    released: asyncio.Queue[Release] = asyncio.Queue()
    async with ChangeFeed(store, released.put_nowait):
        await store.commit(lease, Batch(release=(Release(run="r-1", keep=("r-1/a",)),)))
        await store.commit(lease, Batch(forget=(Release(run="r-1"),)))
        assert await released.get() == Release(run="r-1", keep=("r-1/a",))
        assert await released.get() == Release(run="r-1")
