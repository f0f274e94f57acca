import asyncio
import socket

import pytest

from fjord import AsyncClient, Client, FjordUnreachable, ServerEvent
from fjord.client.wire import EventReader


@pytest.fixture
def dead_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def test_nobody_at_the_address_is_said_with_the_address(dead_url: str) -> None:
    with Client(dead_url) as client, pytest.raises(FjordUnreachable, match=dead_url):
        client.devices()


def test_the_async_twin_says_the_same(dead_url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(dead_url) as client:
            await client.devices()

    with pytest.raises(FjordUnreachable, match=dead_url):
        asyncio.run(ask())


def test_events_are_put_together_from_lines_and_comments_are_skipped() -> None:
    reader = EventReader()
    lines = [": hello", "", "event: run", 'data: {"run":', 'data: "r-1"}', "", "event: view", ""]
    events = [event for line in lines if (event := reader.feed(line))]
    assert events == [ServerEvent("run", {"run": "r-1"})]
