"""The store of a data folder, whether its site runs or not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.store import Store
from scheduler.model.errors import InvalidInput


@asynccontextmanager
async def opened(settings: Settings) -> AsyncIterator[Store]:
    """Connect to the store that a site keeps all in; one that does not run is run meanwhile.

    Raises
    ------
    InvalidInput
        If there is no store in the data folder.
    StoreUnavailable
        If it does not answer.
    """
    if settings.store_url:
        async with _connected(settings.store_url, settings.site) as store:
            yield store
        return
    if not (settings.data_dir / "store").is_dir():
        raise InvalidInput(f"there must be a store in {settings.data_dir}; no Fjord has run there")
    embedded = EmbeddedStore(settings)
    running = await asyncio.to_thread(embedded.url_of_running)
    url = running or await asyncio.to_thread(embedded.start)
    try:
        async with _connected(url, settings.site) as store:
            yield store
    finally:
        if not running:
            await asyncio.to_thread(embedded.stop)


@asynccontextmanager
async def _connected(url: str, site: str) -> AsyncIterator[Store]:
    store = await Store.connect(url, site)
    try:
        yield store
    finally:
        await store.close()
