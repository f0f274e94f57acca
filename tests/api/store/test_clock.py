"""The wall clock of the store is set by hours: the time of the site goes on."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from api.store import Store
from devices.agent.shell.store_connection import StoreConnection
from scheduler.model import keys
from tests.stepped import SteppedStore, stepped

pytestmark = pytest.mark.anyio

HOURS_S = 2 * 3600
MINUTE_US = 60_000_000
"""Far more than a clock of a busy box is off, far less than it was set by."""
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]


@pytest.fixture
async def way(store_url: str) -> AsyncIterator[SteppedStore]:
    async with stepped(store_url) as found:
        yield found


def gone_us(now_us: int) -> int:
    """Distance of a time from the monotonic clock: constant while nobody is confused."""
    return now_us - time.monotonic_ns() // 1000


async def offset_us(store: Store) -> int:
    return int(await store.call("GET", keys.clock(store.site)) or 0)


@pytest.mark.parametrize("ahead_s", [HOURS_S, -HOURS_S])
async def test_all_processes_keep_the_time_that_they_had(
    way: SteppedStore, site: str, eventually: Eventually, ahead_s: int
) -> None:
    first, second = [await Store.connect(way.url, site) for _ in range(2)]
    before_us = gone_us(first.now_us())
    way.ahead_s = ahead_s

    async def is_kept() -> bool:
        return await offset_us(first) != 0

    await eventually(is_kept)
    late = await Store.connect(way.url, site)
    for each in (first, second, late):
        assert abs(gone_us(each.now_us()) - before_us) < MINUTE_US
        await each.close()


async def test_a_clock_that_is_set_twice_is_taken_back_twice(
    way: SteppedStore, site: str, eventually: Eventually
) -> None:
    store = await Store.connect(way.url, site)
    before_us = gone_us(store.now_us())
    for ahead_s in (HOURS_S, -HOURS_S):
        way.ahead_s = ahead_s

        async def is_kept(ahead_s: int = ahead_s) -> bool:
            return abs(await offset_us(store) + ahead_s * 1_000_000) < MINUTE_US

        await eventually(is_kept)
    assert abs(gone_us(store.now_us()) - before_us) < MINUTE_US
    await store.close()


async def test_an_agent_waits_for_the_site_to_say_what_time_it_is(
    way: SteppedStore, site: str, eventually: Eventually
) -> None:
    line = StoreConnection(way.url, site, "a", lambda: None)
    await line.open("1")
    before_us = gone_us(line.now_us())
    way.ahead_s = HOURS_S
    await line.open("2")
    assert abs(gone_us(line.now_us()) - before_us) < MINUTE_US
    # The site has gone by the clock as it is now all along, and says so.
    writer = await Store.connect(way.url, site)
    await writer.call("SET", keys.clock(site), 1)
    await line.open("3")
    assert gone_us(line.now_us()) - before_us > MINUTE_US
    await writer.close()
    await line.close()
