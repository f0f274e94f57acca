"""A caller that sends nothing, or listens for ever, does not take the service from others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from api.process.settings import Settings
from tests.api.http.routes.conftest import serving

pytestmark = pytest.mark.anyio

LISTENERS = 2
LONGER_S = 20.0
"""Far beyond the limits below: who waits so long was forgotten."""
BODY = {
    "name": "w",
    "inputs": {"s": {"dtype": "float32", "shape": [1, -1]}},
    "stages": [{"name": "a", "function": "arg_max", "inputs": {"scores": "s"}}],
    "outputs": {"i": "a.indices"},
}
RUN = {"inputs": {"s": {"dtype": "float32", "data": [[1]]}}}


@pytest.fixture(scope="module")
async def url(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    folder = tmp_path_factory.mktemp("patience")
    settings = Settings(
        data_dir=folder,
        store_url=store_url,
        site=folder.name,
        box=folder.name,
        header_s=1,
        body_s=1,
        max_listeners=LISTENERS,
    )
    async with serving(settings) as (url, _):
        yield url


async def _answer_to(url: str, sent: bytes) -> bytes:
    """Everything that the service sends until it closes the connection."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(sent)
    async with asyncio.timeout(LONGER_S):
        said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET /healthz HT",
        b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n",
        b"POST /v1/session HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n\r\n{",
        b"POST /v1/models HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-length: 99\r\n"
        b"content-type: multipart/form-data; boundary=b\r\n\r\n--b\r\n",
    ],
)
async def test_a_connection_that_falls_silent_is_closed(url: str, sent: bytes) -> None:
    assert await _answer_to(url, sent) == b""


async def test_a_second_request_that_falls_silent_is_closed(url: str) -> None:
    whole = b"GET /healthz HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n"
    assert (await _answer_to(url, whole + b"GET /hea")).count(b"HTTP/1.1 200") == 1


async def test_a_body_that_comes_slowly_is_read(url: str) -> None:
    async def body() -> AsyncIterator[bytes]:
        for piece in (b'{"agent": "slow", ', b'"box": ', b'"elsewhere"}'):
            yield piece
            await asyncio.sleep(0.6)  # each is in time, all together are not

    async with httpx.AsyncClient(base_url=url) as client:
        headers = {"content-type": "application/json"}
        answer = await client.post("/v1/agents", content=body(), headers=headers)
    assert answer.status_code == 200


async def test_an_answer_may_take_longer_than_a_request(url: str) -> None:
    async with (
        httpx.AsyncClient(base_url=url) as client,
        client.stream("GET", "/v1/events") as live,
    ):
        lines = live.aiter_lines()
        assert await anext(lines) == "event: view"
        # Given up after its time, which began after that of the listener.
        assert await _answer_to(url, b"") == b""
        await client.post("/v1/workloads", json=BODY | {"name": "heard"})
        assert (await client.post("/v1/workloads/heard/runs", json=RUN)).status_code == 202
        async with asyncio.timeout(LONGER_S):
            while await anext(lines) != "event: run":
                pass


async def test_listeners_over_the_limit_are_told_to_come_back_and_find_a_seat_later(
    url: str,
) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        async with client.stream("GET", "/v1/events"), client.stream("GET", "/v1/events"):
            for path in ("/v1/events", "/v1/runs/r-1?wait_s=1"):
                refused = await client.get(path)
                assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
                assert f"at most {LISTENERS}" in refused.json()["detail"]
            assert (await client.get("/v1/runs/r-1")).status_code == 404
        async with asyncio.timeout(LONGER_S):
            while (await client.get("/v1/runs/r-1?wait_s=0.01")).status_code == 503:
                await asyncio.sleep(0.01)


async def test_a_run_whose_caller_finds_no_seat_is_not_accepted(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        assert (await client.post("/v1/workloads", json=BODY)).status_code == 201
        async with client.stream("GET", "/v1/events"), client.stream("GET", "/v1/events"):
            refused = await client.post("/v1/workloads/w/runs?wait_s=1", json=RUN)
            assert (refused.status_code, "retry-after" in refused.headers) == (503, True)
            assert (await client.get("/v1/runs?workload=w")).json()["runs"] == []
            assert (await client.post("/v1/workloads/w/runs", json=RUN)).status_code == 202
