import asyncio
import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from fjord import (
    AsyncClient,
    Client,
    FjordApiError,
    FjordUnreachable,
    InvalidValue,
    PartlySubmitted,
    ServerEvent,
)
from fjord.client.wire import EventReader


@pytest.fixture
def dead_url() -> str:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


class Busy(BaseHTTPRequestHandler):
    """Refuses the first submission as a full queue does, accepts two, and refuses the others."""

    seen: list[str]

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append(self.headers.get("Authorization", ""))
        is_accepted = len(self.seen) in {2, 3}
        self.send_response(202 if is_accepted else 429)
        if not is_accepted:
            self.send_header("Retry-After", "0")
        body = b'{"run": "r-%d"}' % len(self.seen) if is_accepted else b'{"title": "queue full"}'
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Crowded(Busy):
    """Refuses the first listener, and has a seat for the others."""

    def do_GET(self) -> None:
        self.seen.append(self.path)
        self.send_response(503 if len(self.seen) == 1 else 200)
        self.end_headers()
        self.wfile.write(b'event: view\ndata: {"at_us": 1}\n\n')


@contextlib.contextmanager
def serving(kind: type[Busy]) -> Iterator[tuple[str, list[str]]]:
    seen: list[str] = []
    handler = type("Handler", (kind,), {"seen": seen})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", seen
        server.shutdown()
        thread.join()


@pytest.fixture
def busy() -> Iterator[tuple[str, list[str]]]:
    """Address of a busy server, and the tokens that it saw."""
    with serving(Busy) as served:
        yield served


@pytest.fixture
def crowded() -> Iterator[tuple[str, list[str]]]:
    """Address of a crowded server, and the paths that it was asked for."""
    with serving(Crowded) as served:
        yield served


def test_nobody_at_the_address_is_said_with_the_address(dead_url: str) -> None:
    with Client(dead_url) as client, pytest.raises(FjordUnreachable, match=dead_url):
        client.devices()


def test_the_async_twin_says_the_same(dead_url: str) -> None:
    async def ask() -> None:
        async with AsyncClient(dead_url) as client:
            await client.devices()

    with pytest.raises(FjordUnreachable, match=dead_url):
        asyncio.run(ask())


def test_a_stream_of_nobody_says_the_same(dead_url: str) -> None:
    async def follow() -> None:
        async with AsyncClient(dead_url) as client:
            async for _ in client.events():
                pass

    with Client(dead_url) as client, pytest.raises(FjordUnreachable, match=dead_url):
        next(client.events())
    with pytest.raises(FjordUnreachable, match=dead_url):
        asyncio.run(follow())


def test_a_listener_who_finds_no_seat_comes_again(crowded: tuple[str, list[str]]) -> None:
    url, seen = crowded
    with Client(url) as client:
        assert list(client.events()) == [ServerEvent("view", {"at_us": 1})]
    assert seen == ["/v1/events"] * 2


def test_an_impatient_listener_on_asyncio_is_told_why_there_is_no_stream(
    crowded: tuple[str, list[str]],
) -> None:
    async def follow(url: str) -> list[ServerEvent]:
        async with AsyncClient(url, patience_s=0) as client:
            with pytest.raises(FjordApiError, match="Service Unavailable"):
                await anext(client.events())
            return [event async for event in client.events()]

    url, _ = crowded
    assert asyncio.run(follow(url)) == [ServerEvent("view", {"at_us": 1})]


def test_silence_is_named_also_where_its_error_has_no_words() -> None:
    async def ask(url: str) -> None:
        async with AsyncClient(url, timeout_s=0.05) as client:
            await client.devices()

    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(FjordUnreachable, match=f"{url}: ReadTimeout"):
            asyncio.run(ask(url))


def test_a_full_queue_is_waited_for_and_the_runs_accepted_before_another_are_named(
    busy: tuple[str, list[str]],
) -> None:
    url, seen = busy
    with Client(url, patience_s=1.0) as client:
        with pytest.raises(PartlySubmitted, match="queue full") as raised:
            client.submit_many("w", [{}, {}, {}])
        assert [run.id for run in raised.value.runs] == ["r-2", "r-3"]
        with pytest.raises(FjordApiError):
            raised.value.runs[0].results()  # it knows its client: no LookupError
    assert len(seen) > 3


def test_the_async_twin_waits_for_a_full_queue_too(busy: tuple[str, list[str]]) -> None:
    async def submit() -> str:
        async with AsyncClient(busy[0], patience_s=1.0) as client:
            return (await client.submit("w", {})).id

    assert asyncio.run(submit()) == "r-2"


def test_without_patience_the_first_refusal_is_raised(busy: tuple[str, list[str]]) -> None:
    url, seen = busy
    with Client(url, patience_s=0.0) as client, pytest.raises(FjordApiError, match="queue full"):
        client.submit("w", {})
    assert len(seen) == 1


def test_address_and_token_come_from_the_environment_where_none_are_given(
    busy: tuple[str, list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    url, seen = busy
    monkeypatch.setenv("FJORD_URL", url)
    monkeypatch.setenv("FJORD_TOKEN", "secret")
    for token in (None, "other\n", ""):
        with Client(token=token, patience_s=0.0) as client:
            assert client.base_url == url
            with contextlib.suppress(FjordApiError):
                client.submit("w", {})
    assert seen == ["Bearer secret", "Bearer other", ""]


@pytest.mark.parametrize("address", ["localhost:8080", "http://", "http://box:http", "ftp://box"])
def test_what_is_no_address_is_refused_before_anything_is_sent(address: str) -> None:
    with pytest.raises(InvalidValue, match=f"must be like http://.*; got '{address}'"):
        Client(address)


def test_events_are_put_together_from_lines_and_comments_are_skipped() -> None:
    reader = EventReader()
    lines = [": hello", "", "event: run", 'data: {"run":', 'data: "r-1"}', "", "event: view", ""]
    events = [event for line in lines if (event := reader.feed(line))]
    assert events == [ServerEvent("run", {"run": "r-1"})]
