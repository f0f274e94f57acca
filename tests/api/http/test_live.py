"""Live views: the pictures that listeners get, and their price for others."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from typing import Any

import pytest

from api.http.live import BACKLOG, MAX_RUNS, LiveViews
from api.store import Batch, Lease, Store
from api.store.feed import ChangeFeed
from scheduler.control.records import RunState, SiteView
from tests.api.store.test_feed import lease, record, view

__all__ = ["lease"]  # a fixture

pytestmark = pytest.mark.anyio


class Site:
    """A view that changes, and how often it was read."""

    def __init__(self) -> None:
        self.now = view(1)
        self.reads = 0

    async def read(self) -> SiteView | None:
        self.reads += 1
        return self.now


def told(sent: bytes) -> list[tuple[str, dict[str, Any]]]:
    """Events of a piece of the stream: name and data."""
    found = []
    for event in sent.decode().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in event.splitlines() if line)
        if "event" in lines:
            found.append((lines["event"], json.loads(lines["data"])))
    return found


async def test_a_listener_gets_the_view_at_once_and_then_what_changes(
    store: Store, lease: Lease
) -> None:
    await store.commit(lease, Batch(view=view(1)))
    async with (
        ChangeFeed(store, lambda _: None) as feed,
        LiveViews(store.followed_view) as live,
        aclosing(live.listen()) as sent,
    ):
        live.follow(feed)
        assert [data["at_us"] for _, data in told(await anext(sent))] == [1]
        running = record("r-1", RunState.RUNNING)
        await store.commit(lease, Batch(records=(running,), view=view(2)))
        seen: dict[str, Any] = {}
        while len(seen) < 2:
            seen |= dict(told(await anext(sent)))
        assert (seen["run"]["run"], seen["view"]["at_us"]) == ("r-1", 2)


async def test_views_are_made_often_for_listeners_and_not_for_single_readers(
    store: Store, lease: Lease
) -> None:
    await store.commit(lease, Batch(view=view(1)))
    assert await store.view() == view(1)
    assert not await store.is_watched()
    async with LiveViews(store.followed_view) as live, aclosing(live.listen()) as sent:
        await anext(sent)
        assert await store.is_watched()


async def test_a_listener_of_a_silent_site_goes_on_following_its_view(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.http.live.KEEP_ALIVE_S", 0.01)
    site = Site()
    async with LiveViews(site.read) as live, aclosing(live.listen()) as sent:
        await anext(sent)
        assert told(await anext(sent)) == []
        assert told(await anext(sent))[0][0] == "view"
        assert site.reads == 2


async def test_a_change_is_encoded_once_however_many_listen() -> None:
    site = Site()
    async with LiveViews(site.read) as live:
        listening = [live.listen() for _ in range(50)]
        firsts = [await anext(sent) for sent in listening]
        assert site.reads == 1
        site.now = view(2)
        live.view_changed()
        seconds = [await anext(sent) for sent in listening]
        assert site.reads == 2
        for same in (firsts, seconds):
            assert len({id(sent) for sent in same}) == 1
        for sent in listening:
            await sent.aclose()


async def test_a_slow_listener_gets_the_latest_view_alone_and_the_runs_before_it() -> None:
    site = Site()
    async with LiveViews(site.read) as live, aclosing(live.listen()) as fast:
        slow = live.listen()
        await anext(slow)
        await anext(fast)
        for number in range(2, 5):
            site.now = view(number)
            live.run_changed(record(f"r-{number}", RunState.RUNNING))
            live.view_changed()
            await anext(fast)
        behind = told(await anext(slow))
        assert [data["run"] for name, data in behind if name == "run"] == ["r-2", "r-3", "r-4"]
        assert [data["at_us"] for name, data in behind if name == "view"] == [4]
        await slow.aclose()


async def test_of_a_run_that_changed_twice_in_between_the_last_state_is_told() -> None:
    async with LiveViews(Site().read) as live, aclosing(live.listen()) as sent:
        await anext(sent)
        live.run_changed(record("r-1", RunState.RUNNING))
        live.run_changed(record("r-1", RunState.FINISHED))
        assert [data["state"] for _, data in told(await anext(sent))] == ["finished"]


async def test_what_waits_for_a_slow_listener_is_bounded() -> None:
    async with LiveViews(Site().read) as live, aclosing(live.listen()) as sent:
        await anext(sent)
        for number in range(2 * MAX_RUNS):
            live.run_changed(record(f"r-{number}", RunState.RUNNING))
        assert len(told(await anext(sent))) == MAX_RUNS
    assert BACKLOG < MAX_RUNS


async def test_nothing_is_read_while_nobody_listens() -> None:
    site = Site()
    async with LiveViews(site.read) as live:
        live.view_changed()
        await asyncio.sleep(0)
        assert site.reads == 0
        async with aclosing(live.listen()) as sent:
            await anext(sent)
        site.now = view(7)
        live.view_changed()
        async with aclosing(live.listen()) as sent:
            assert told(await anext(sent))[0][1]["at_us"] == 7
