"""Random requests to every operation of the document: none breaks the service, all are declared."""

from __future__ import annotations

import gzip
import json
from functools import partial
from random import Random
from typing import Any

import httpx
import pytest

from api.process.settings import Settings
from tests.api.http.routes.conftest import Document, Eventually, serving

pytestmark = pytest.mark.anyio

REQUESTS = 150
ENDLESS = "/v1/events"
TEXTS = (
    "x",
    "double@1",
    "-1",
    "0",
    "1e999",
    "NaN",
    "9" * 30,
    "%00",
    "%ff",
    "..",
    "é",
    "a" * 300,
    "%20",
)
VALUES: tuple[Any, ...] = (
    None,
    True,
    -1,
    2**70,
    0.5,
    "",
    "x",
    "\x00",
    [],
    [[]],
    {},
    {"x": {}},
    ["x"],
)
KINDS = (
    "application/json",
    "application/x-npy",
    "multipart/form-data; boundary=b",
    "text/plain",
    "",
)
BYTES = (b"", b"{", b"\xff\xfe", b"--b\r\n\r\n\r\n--b--\r\n", b"\x93NUMPY\x01\x00", b"PK\x03\x04")
HEADERS = ("accept", "range", "if-none-match", "if-range", "cookie", "authorization", "expect")


def _fields(document: dict[str, Any]) -> list[str]:
    """Names of fields that some body or answer has."""
    schemas = document["components"]["schemas"].values()
    return sorted({name for schema in schemas for name in schema.get("properties", {})})


def _body(random: Random, fields: list[str]) -> bytes:
    if random.random() < 0.3:
        return random.choice(BYTES)
    names = random.sample(fields, random.randint(0, 5))
    return json.dumps({name: random.choice(VALUES) for name in names}).encode()


def _request(random: Random, document: dict[str, Any], fields: list[str]) -> dict[str, Any]:
    """Arguments of a request that is valid in some of its parts, seldom in all."""
    path = random.choice(sorted(document["paths"].keys() - {ENDLESS}))
    method = random.choice(sorted(document["paths"][path]))
    operation = document["paths"][path][method]
    query = {}
    for parameter in operation.get("parameters", []):
        name, value = parameter["name"], random.choice(TEXTS)
        if parameter["in"] == "path":
            path = path.replace(f"{{{name}}}", value)
        elif parameter["in"] == "query" and random.random() < 0.5:
            query[name] = value
    content = _body(random, fields)
    headers = {random.choice(HEADERS): random.choice(TEXTS).encode(), "content-type": b""}
    headers["content-type"] = random.choice(KINDS).encode()
    if random.random() < 0.2:
        headers["content-encoding"] = b"gzip"
        content = gzip.compress(content)
    return {"method": method.upper(), "url": path, "params": query} | (
        {"headers": headers, "content": content} if random.random() < 0.9 else {}
    )


async def test_no_random_request_gets_an_answer_that_is_not_declared(
    store_url: str, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> None:
    folder = tmp_path_factory.mktemp("random")
    settings = Settings(data_dir=folder, store_url=store_url, site=folder.name, box=folder.name)
    random = Random(0)
    async with (
        serving(settings) as (url, _),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
    ):
        await eventually(partial(_is_ready, client))
        document = Document((await client.get("/openapi.json")).json())
        fields = _fields(document.document)
        client.event_hooks = {"response": [document.check]}
        for _ in range(REQUESTS):
            arguments = _request(random, document.document, fields)
            answer = await client.request(**arguments)
            assert answer.status_code < 500, (arguments, answer.text)


async def _is_ready(client: httpx.AsyncClient) -> bool:
    return (await client.get("/readyz")).is_success
