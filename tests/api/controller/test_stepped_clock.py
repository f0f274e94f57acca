"""Deadlines and wake-ups while the wall clock of the store is set."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from api.store import Store
from scheduler.control.records import RunState
from scheduler.model import keys
from scheduler.model.messages import FailureReason
from tests.api.controller.conftest import Running
from tests.stepped import SteppedStore, stepped

pytestmark = pytest.mark.anyio

HOURS_S = 2 * 3600
HOUR_US = 3_600_000_000
Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
Submit = Callable[..., Awaitable[None]]


@pytest.fixture
async def way(store_url: str) -> AsyncIterator[SteppedStore]:
    async with stepped(store_url) as found:
        yield found


@pytest.fixture
async def store(way: SteppedStore, site: str) -> AsyncIterator[Store]:
    store = await Store.connect(way.url, site)
    yield store
    await store.close()


@pytest.mark.parametrize("ahead_s", [HOURS_S, -HOURS_S])
async def test_a_step_of_the_clock_neither_expires_deadlines_nor_extends_them(
    running: Running,
    store: Store,
    way: SteppedStore,
    submit: Submit,
    eventually: Eventually,
    ahead_s: int,
) -> None:
    async with running():
        await submit("long", deadline_us=store.now_us() + HOUR_US)
        way.ahead_s = ahead_s

        async def is_kept() -> bool:
            return bool(await store.call("EXISTS", keys.clock(store.site)))

        await eventually(is_kept)
        await submit("short", deadline_us=store.now_us() + 50_000)

        async def has_ended() -> bool:
            record = await store.run("short")
            return record is not None and record.state is RunState.FAILED

        await eventually(has_ended)
        short, long = await store.run("short"), await store.run("long")
    assert short is not None
    assert short.reason == FailureReason.DEADLINE
    assert long is not None
    assert long.state is RunState.QUEUED
