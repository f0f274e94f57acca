"""The page for people says all that the OpenAPI document says, and loads nothing."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from api.http.reference import page
from api.http.server import create_app
from api.process.settings import Settings


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    return create_app(Settings(data_dir=tmp_path_factory.mktemp("data")))


def small(schema: dict[str, Any]) -> dict[str, Any]:
    info = {"title": "Small", "version": "1"}
    return {"info": info, "paths": {}, "components": {"schemas": {"Thing": schema}}}


def test_every_operation_and_schema_is_on_the_page(app: FastAPI) -> None:
    document, shown = app.openapi(), page(app.openapi())
    for path, methods in document["paths"].items():
        for method in methods:
            assert f"<code>{method.upper()} {path}</code>" in shown
    for name in document["components"]["schemas"]:
        assert f'<h3 id="{name}">' in shown


def test_every_link_of_the_page_leads_somewhere_on_it(app: FastAPI) -> None:
    shown = page(app.openapi())
    anchors = set(re.findall(r'id="([^"]+)"', shown))
    assert set(re.findall(r'href="#([^"]+)"', shown)) <= anchors
    assert len(anchors) == len(re.findall(r'id="', shown))


def test_page_loads_nothing(app: FastAPI) -> None:
    assert not re.search(r"<script|<link|<img|\bsrc=|@import|url\(", page(app.openapi()))


def test_docstring_of_a_schema_explains_its_fields() -> None:
    told = "A thing.\n\n    Parameters\n    ----------\n    size, other\n        In `bytes`.\n"
    shown = page(small({"description": told, "properties": {"size": {"type": "integer"}}}))
    assert "<p>A thing.</p>" in shown
    assert "<td>integer</td><td>In <code>bytes</code>.</td>" in shown
    assert "----" not in shown


def test_text_of_a_description_is_no_markup() -> None:
    assert "<p>&lt;b&gt; &amp; c</p>" in page(small({"description": "<b> & c"}))


@pytest.mark.anyio
async def test_service_shows_the_page(app: FastAPI, anyio_backend: str, tmp_path: Path) -> None:
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://fjord") as client:
        answer = await client.get("/docs")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "POST /v1/workloads" in answer.text
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
