"""Runs that may or may not have been accepted: their inputs are kept until that is known."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Self

from api.store import Store
from devices.tensors import TensorStore
from scheduler.model.errors import Unavailable
from scheduler.model.messages import Release

LOOK_S = 2.5
"""From one look at the store to the next."""
ABSENT_LOOKS = 2
"""A submission that was on its way may come after the first look that is answered."""


class Settling:
    """Looks such runs up until the store answers, and drops the inputs of missing ones."""

    def __init__(self, store: Store, tensors: TensorStore) -> None:
        self._store = store
        self._tensors = tensors
        self._looking: dict[str, asyncio.Task[None]] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        for run in list(self._looking):
            self.stop(run)
        # The inputs stay: a run of unknown fate is taken to be accepted.

    def begin(self, run: str) -> None:
        """Find out about a run."""
        self.stop(run)
        self._looking[run] = asyncio.create_task(self._settle(run), name=f"settling {run}")

    def stop(self, run: str) -> None:
        """Leave a run alone: it is submitted again now."""
        looking = self._looking.pop(run, None)
        if looking is not None:
            looking.cancel()

    async def _settle(self, run: str) -> None:
        absent = 0
        while absent < ABSENT_LOOKS:
            await asyncio.sleep(LOOK_S)
            with contextlib.suppress(Unavailable):
                if await self._store.summary(run) is not None:
                    break
                absent += 1
        else:
            self._tensors.release(Release(run=run))
        self._looking.pop(run, None)
