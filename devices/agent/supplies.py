"""What operations need from elsewhere: tensors of other boxes, and model files."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import httpx

from devices.agent.models import ModelCache
from devices.tensors import TensorStore
from scheduler.model.errors import DeviceLost
from scheduler.model.messages import TensorRef, Value

T = TypeVar("T")
log = logging.getLogger(__name__)
# A service or an agent that restarts is back within these; then the brain tries elsewhere.
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


class Supplies:
    """Fetches each thing once, however many wait for it.

    Parameters
    ----------
    headers
        What other boxes want to see before they hand out tensors.
    """

    def __init__(
        self,
        store: TensorStore,
        models: ModelCache,
        client: httpx.AsyncClient,
        headers: Mapping[str, str],
    ) -> None:
        self._store = store
        self._models = models
        self._client = client
        self._headers = dict(headers)
        self._under_way: dict[str, asyncio.Task[Value]] = {}

    async def model(self, digest: str) -> Path:
        """The file of a model.

        Raises
        ------
        DeviceLost, InvalidModel, OutOfSpace
            As `ModelCache.path` does, after some retries.
        """
        return await _patiently(lambda: self._models.path(digest))

    async def inputs(self, inputs: Mapping[str, Value]) -> dict[str, Value]:
        """The same values, inline or on this box.

        Raises
        ------
        DeviceLost, OutOfSpace
            As `TensorStore.localise` does, after some retries.
        """
        found = await asyncio.gather(*(self._value(value) for value in inputs.values()))
        return dict(zip(inputs, found, strict=True))

    async def _value(self, value: Value) -> Value:
        if self._store.is_local(value):
            return value
        refs = await asyncio.gather(*(self._tensor(ref) for ref in value.tensors))
        return replace(value, tensors=tuple(refs))

    async def _tensor(self, ref: TensorRef) -> TensorRef:
        single = Value(tensors=(ref,))
        if self._store.is_local(single):
            return ref
        task = self._under_way.get(ref.key)
        if task is None:
            task = asyncio.create_task(self._fetch(single))
            self._under_way[ref.key] = task
            task.add_done_callback(lambda _: self._under_way.pop(ref.key, None))
        return (await task).tensors[0]

    async def _fetch(self, value: Value) -> Value:
        return await _patiently(lambda: self._store.localise(value, self._client, self._headers))


async def _patiently(call: Callable[[], Awaitable[T]]) -> T:
    for pause_s in PAUSES_S:
        try:
            return await call()
        except DeviceLost as error:
            if not error.retry_after_us:
                raise
            log.warning("%s; trying again", error)
            await asyncio.sleep(pause_s)
    return await call()
