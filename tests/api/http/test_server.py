"""The process that serves the application."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Iterator

import pytest
import uvicorn
from fastapi import FastAPI

from api.http.server import SettledServer


@pytest.fixture(autouse=True)
def _thawed() -> Iterator[None]:
    yield
    gc.unfreeze()


def test_a_server_that_has_started_collects_no_more_of_what_it_loaded() -> None:
    server = SettledServer(uvicorn.Config(FastAPI(), port=0, log_level="warning"))
    # Ends as soon as it has started.
    server.should_exit = True
    assert gc.get_freeze_count() == 0
    asyncio.run(server.serve())
    assert gc.get_freeze_count() > 0
