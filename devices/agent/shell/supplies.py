"""Supplies of operations from elsewhere: tensors of other boxes, and model files."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import httpx
import numpy as np

from devices.agent.shell.model_cache import ModelCache
from devices.agent.shell.probing import measure
from devices.tensors import BLANK, TensorStore
from scheduler.model.errors import DeviceLost
from scheduler.model.links import LinkAsk, Transfer
from scheduler.model.messages import TensorRef, Value

T = TypeVar("T")
log = logging.getLogger(__name__)
# A service or an agent that restarts is back within these; then the controller tries elsewhere.
PAUSES_S = (0.1, 0.2, 0.4, 0.8, 1.6, 3.2)


@dataclass(frozen=True, slots=True)
class _Move:
    """A tensor that was fetched, and when."""

    tensor: TensorRef
    began_us: int
    ended_us: int


class Supplies:
    """Fetches each thing once for all that wait for it.

    Parameters
    ----------
    headers
        Headers that other boxes ask for before they hand out tensors.
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

    async def inputs(self, inputs: Mapping[str, Value]) -> tuple[dict[str, Value], list[Transfer]]:
        """The same values, inline or on this box, and the transfers that this took.

        Raises
        ------
        DeviceLost, OutOfSpace
            As `TensorStore.localise` does, after some retries.
        """
        moves: list[_Move] = []
        found = await asyncio.gather(*(self._value(value, moves) for value in inputs.values()))
        return dict(zip(inputs, found, strict=True)), _transfers(moves)

    async def measure(self, ask: LinkAsk) -> tuple[int, int]:
        """Latency in microseconds and bytes per second of the link from another box.

        Raises
        ------
        DeviceLost
            If that box does not hand out anything.
        """

        async def move(size: int) -> None:
            ref = _blank(ask, size)
            file = self._store.path(ref.key)
            # Files left by an agent that died here would look like a link that takes no time.
            file.unlink(missing_ok=True)
            await self._fetch_once(Value(tensors=(ref,)))
            file.unlink(missing_ok=True)

        return await measure(move)

    async def measure_memory(self) -> tuple[int, int]:
        """The same for tensors that stay on this box: one process copies, another attaches."""

        async def move(size: int) -> None:
            await asyncio.to_thread(self._hand_over, size)

        return await measure(move)

    def _hand_over(self, size: int) -> None:
        value = self._store.put(BLANK, f"memory-{os.getpid()}", np.zeros(size, dtype=np.uint8))
        self._store.get(value)
        self._store.path(value.tensors[0].key).unlink(missing_ok=True)

    async def _value(self, value: Value, moves: list[_Move]) -> Value:
        if self._store.is_local(value):
            return value
        refs = await asyncio.gather(*(self._tensor(ref, moves) for ref in value.tensors))
        return replace(value, tensors=tuple(refs))

    async def _tensor(self, ref: TensorRef, moves: list[_Move]) -> TensorRef:
        single = Value(tensors=(ref,))
        if self._store.is_local(single):
            return ref
        task = self._under_way.get(ref.key)
        if task is None:
            task = asyncio.create_task(self._fetch(single, moves))
            self._under_way[ref.key] = task
            task.add_done_callback(lambda _: self._under_way.pop(ref.key, None))
        return (await task).tensors[0]

    async def _fetch(self, value: Value, moves: list[_Move]) -> Value:
        async def once() -> Value:
            (tensor,) = value.tensors
            was_here = self._store.path(tensor.key).exists()
            began_us = _now_us()
            found = await self._fetch_once(value)
            if not was_here:
                moves.append(_Move(tensor, began_us, _now_us()))
            return found

        return await _patiently(once)

    async def _fetch_once(self, value: Value) -> Value:
        return await self._store.localise(value, self._client, self._headers)


def _transfers(moves: list[_Move]) -> list[Transfer]:
    """Lock of a box: tensors from it come at the same time, by the same link."""
    found = []
    for box in dict.fromkeys(move.tensor.box for move in moves):
        mine = [move for move in moves if move.tensor.box == box]
        span_us = max(move.ended_us for move in mine) - min(move.began_us for move in mine)
        size = sum(move.tensor.size_bytes for move in mine)
        found.append(Transfer(source=box, size_bytes=size, duration_us=max(1, span_us)))
    return found


def _blank(ask: LinkAsk, size: int) -> TensorRef:
    key = f"{BLANK}/{size}"
    return TensorRef(
        dtype="uint8", shape=(size,), size_bytes=size, box=ask.box, key=key, url=ask.url
    )


def _now_us() -> int:
    return time.monotonic_ns() // 1_000


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
