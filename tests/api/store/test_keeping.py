from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from api.store import Lease, Store
from scheduler.model import keys
from scheduler.model.errors import StaleEpoch

pytestmark = pytest.mark.anyio

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
TTL_MS = 300


@asynccontextmanager
async def kept(
    store: Store, lease: Lease, turns: Callable[[], int], wedged_s: float = 0.1
) -> AsyncIterator[asyncio.Event]:
    """A lease in the hands of a keeper; the event says that it was lost."""
    loop, lost = asyncio.get_running_loop(), asyncio.Event()
    keeper = store.keeper(
        lease,
        TTL_MS,
        turns=turns,
        wedged_s=wedged_s,
        on_lost=lambda: loop.call_soon_threadsafe(lost.set),
    )
    keeper.start()
    try:
        yield lost
    finally:
        await keeper.stop()


async def taken(store: Store, controller: str = "one") -> Lease:
    lease = await store.take_lease(controller, TTL_MS)
    assert lease is not None
    return lease


def is_held(store: Store, held: bool) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        return bool(await store.call("EXISTS", keys.lease(store.site))) is held

    return condition


def moving() -> Callable[[], int]:
    """Turns of a loop that moves each time somebody looks."""
    counter = itertools.count()
    return lambda: next(counter)


async def test_lease_that_ran_out_is_taken_again_with_its_epoch(store: Store) -> None:
    lease = await taken(store)
    await store.call("DEL", keys.lease(store.site))
    await store.hold(lease, 60_000)
    assert await store.call("GET", keys.lease(store.site)) == lease.value.encode()
    assert await store.call("GET", keys.epoch(store.site)) == b"1"


async def test_lease_is_not_taken_again_after_another_was_in_office(store: Store) -> None:
    lease = await taken(store)
    await store.call("DEL", keys.lease(store.site))
    await store.resign(await taken(store, "two"))
    with pytest.raises(StaleEpoch, match="controller one lost the office of epoch 1"):
        await store.hold(lease, 60_000)
    assert await store.call("EXISTS", keys.lease(store.site)) == 0


async def test_lease_that_ran_out_comes_back_by_itself(
    store: Store, eventually: Eventually
) -> None:
    lease = await taken(store)
    async with kept(store, lease, moving()) as lost:
        await store.call("DEL", keys.lease(store.site))
        await eventually(is_held(store, True))
        assert not lost.is_set()
    await store.hold(lease, TTL_MS)


async def test_loop_that_stands_still_loses_the_office_to_another(
    store: Store, eventually: Eventually
) -> None:
    async def another() -> bool:
        return await store.take_lease("two", 60_000) is not None

    async with kept(store, await taken(store), lambda: 1):
        await eventually(another)
    assert await store.call("GET", keys.lease(store.site)) == b"two:2"


async def test_loop_that_moves_again_keeps_the_office(store: Store, eventually: Eventually) -> None:
    turns = [0]
    async with kept(store, await taken(store), lambda: turns[0]) as lost:
        await eventually(is_held(store, False))
        turns[0] += 1
        await eventually(is_held(store, True))
        assert not lost.is_set()


async def test_keeper_says_that_another_has_taken_office(store: Store) -> None:
    lease = await taken(store)
    await store.call("DEL", keys.lease(store.site))
    await taken(store, "two")
    async with kept(store, lease, moving()) as lost:
        assert await lost.wait()


async def test_lease_that_was_given_up_stays_free(store: Store) -> None:
    lease = await taken(store)
    async with kept(store, lease, moving()):
        pass
    await store.resign(lease)
    assert await store.call("EXISTS", keys.lease(store.site)) == 0
