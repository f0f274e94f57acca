from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.store import Store

_sites = itertools.count()


@pytest.fixture(scope="session")
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data_dir=tmp_path / "data", box="box")


@pytest.fixture(scope="session")
def store_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of one server for all tests; each test has a site of its own in it."""
    server = EmbeddedStore(Settings(data_dir=tmp_path_factory.mktemp("data")))
    yield server.start()
    server.stop()


@pytest.fixture
def site() -> str:
    return f"site-{next(_sites)}"


@pytest.fixture
async def store(store_url: str, site: str) -> AsyncIterator[Store]:
    store = await Store.connect(store_url, site)
    yield store
    await store.close()


@pytest.fixture(scope="session")
def eventually() -> Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]:
    """Wait until a condition holds: `await eventually(condition)`."""

    async def wait(condition: Callable[[], Awaitable[bool]], timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not await condition():
            assert time.monotonic() < deadline, f"not within {timeout_s} s"
            await asyncio.sleep(0.01)

    return wait
