"""Habits of HTTP, held at every address of the OpenAPI document and at files of the dashboard."""

from __future__ import annotations

import asyncio
import gzip
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from itertools import cycle
from random import Random

import httpx
import numpy as np
import pytest

from api.process.settings import Settings
from tests.api.http.routes.conftest import JSON_LIMIT, doubling_model, npy, serving

pytestmark = pytest.mark.anyio

FILES = ("/", "/openapi.json", "/favicon.svg")
METHODS = {"DELETE", "GET", "OPTIONS", "PATCH", "POST", "PUT", "PROPFIND"}
PACKED = {"content-encoding": "gzip"}
WORKLOAD = {
    "name": "packed",
    "inputs": {"x": {"dtype": "float32", "shape": ["n", 3]}},
    "stages": [{"name": "double", "model": "double", "inputs": {"x": "x"}}],
    "outputs": {"y": "double.y"},
}


@dataclass(frozen=True)
class Plain:
    """A service without an agent, and the methods that its document declares by address."""

    client: httpx.AsyncClient
    declared: dict[str, set[str]]


@pytest.fixture(scope="module")
async def plain(store_url: str, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Plain]:
    folder = tmp_path_factory.mktemp("plain")
    settings = Settings(
        data_dir=folder,
        store_url=store_url,
        site=folder.name,
        box=folder.name,
        max_json_bytes=JSON_LIMIT,
    )
    async with (
        serving(settings) as (url, _),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        paths = (await client.get("/openapi.json")).json()["paths"]
        declared = {re.sub(r"\{\w+\}", "x", path): _methods(item) for path, item in paths.items()}
        client.event_hooks = {"response": [_check_browsers_are_told]}
        yield Plain(client, declared | {path: {"GET", "HEAD"} for path in FILES})


def _methods(item: dict[str, object]) -> set[str]:
    found = {method.upper() for method in item}
    return found | {"HEAD"} if "GET" in found else found


async def _check_browsers_are_told(answer: httpx.Response) -> None:
    """Refuse any answer whose type browsers may guess, or that tells other sites an address."""
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"], answer.request.url
    assert answer.headers.get_list("referrer-policy") == ["no-referrer"], answer.request.url


async def _status(client: httpx.AsyncClient, method: str, path: str) -> int:
    """The status alone: an answer may have no end."""
    async with client.stream(method, path) as answer:
        return answer.status_code


async def test_head_is_answered_as_get_is_without_the_body(plain: Plain) -> None:
    for path, methods in plain.declared.items():
        answer = await plain.client.head(path)
        assert answer.content == b""
        expected = await _status(plain.client, "GET", path)
        assert answer.status_code == expected, path
        assert (expected == 405) is ("GET" not in methods), path


async def test_a_method_that_is_not_offered_is_answered_with_all_that_are(plain: Plain) -> None:
    random = Random(0)
    for path, methods in plain.declared.items():
        for method in random.sample(sorted(METHODS - methods), 2):
            answer = await plain.client.request(method, path)
            assert answer.status_code == 405, (method, path)
            assert set(answer.headers["allow"].split(", ")) == methods, (method, path)
            assert answer.json()["detail"] == f"{method} is not offered at {path}"


async def test_where_nothing_is_no_method_is_offered(plain: Plain) -> None:
    for path in ("/v1/nothing", "/v1/models/", "/nothing.js"):
        for method in ("GET", "POST", "OPTIONS"):
            answer = await plain.client.request(method, path)
            assert (answer.status_code, answer.headers.get("allow")) == (404, None)


async def test_other_encodings_are_refused_with_those_that_are_taken(plain: Plain) -> None:
    encodings = cycle([b"br", b"deflate", b"gzip, gzip", b"GZIP, zstd", b"\xe9"])
    for path, methods in plain.declared.items():
        for method in methods - {"HEAD"}:
            headers = {b"content-encoding": next(encodings)}
            answer = await plain.client.request(method, path, headers=headers, content=b"{}")
            assert answer.status_code == 415, (method, path)
            assert answer.headers["accept-encoding"] == "gzip, identity"
            assert answer.json()["field"] == "content-encoding"


async def _said_to(plain: Plain, sent: bytes) -> bytes:
    """Everything that is answered to these bytes until the connection is closed."""
    base = plain.client.base_url
    reader, writer = await asyncio.open_connection(base.host, base.port)
    writer.write(sent)
    said = await reader.read()
    writer.close()
    return said


@pytest.mark.parametrize("coding", [b"gzip, chunked", b"gzip\r\ntransfer-encoding: chunked"])
async def test_packing_on_the_way_is_refused_and_never_taken_for_the_body(
    plain: Plain, coding: bytes
) -> None:
    head = b"POST /v1/workloads HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n"
    said = await _said_to(plain, head + b"transfer-encoding: " + coding + b"\r\n\r\n0\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 415 ")
    assert b'"field":"transfer-encoding"' in said
    assert b"must be chunked, or be left out" in said


async def test_no_browser_guesses_the_type_of_an_answer_to_broken_bytes(plain: Plain) -> None:
    said = await _said_to(plain, b"no request\r\n\r\n")
    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"x-content-type-options: nosniff" in said.lower()


async def test_everything_that_takes_a_body_takes_it_packed(plain: Plain) -> None:
    form = httpx.Request(
        "POST", "http://x", data={"name": "double"}, files={"file": ("m.onnx", doubling_model())}
    )
    run = {"inputs": {"x": {"dtype": "float32", "data": [[1, 2, 3]]}}}
    sent = [
        ("/v1/models", form.read(), form.headers["content-type"]),
        ("/v1/workloads", json.dumps(WORKLOAD).encode(), "application/json"),
        ("/v1/workloads/packed/plan", json.dumps(run).encode(), "application/json"),
        ("/v1/workloads/packed/runs", json.dumps(run).encode(), "application/json"),
        ("/v1/workloads/packed/runs", npy(np.ones((1, 3), np.float32)), "application/x-npy"),
    ]
    for path, body, kind in sent:
        headers = {**PACKED, "content-type": kind}
        answer = await plain.client.post(path, content=gzip.compress(body), headers=headers)
        assert answer.is_success, (path, answer.text)


async def test_the_limit_on_a_body_counts_what_comes_out(
    plain: Plain,
) -> None:
    spaces = JSON_LIMIT - len(json.dumps(WORKLOAD))
    for extra, status in ((-1, {200, 201}), (1, {413})):
        body = json.dumps(WORKLOAD).encode() + b" " * (spaces + extra)
        headers = {**PACKED, "content-type": "application/json"}
        answer = await plain.client.post(
            "/v1/workloads", content=gzip.compress(body), headers=headers
        )
        assert answer.status_code in status, answer.text
