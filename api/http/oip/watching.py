"""A caller who hangs up while it waits: what is done for it is given up."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any

from starlette.requests import ClientDisconnect

WATCH_AFTER_S = 0.05
"""A caller is watched after this time: most calls are answered before, and never pay for it."""


class Watched:
    """Cancels the task that is in the block once a caller has gone.

    Parameters
    ----------
    hung_up
        Returns once the caller has gone.

    Raises
    ------
    ClientDisconnect
        If it has.
    """

    def __init__(self, hung_up: Callable[[], Coroutine[Any, Any, object]]) -> None:
        self._hung_up = hung_up
        self._watcher: asyncio.Task[object] | None = None
        self._has_gone = False

    def __enter__(self) -> None:
        self._task = asyncio.current_task()
        self._timer = asyncio.get_running_loop().call_later(WATCH_AFTER_S, self._begin)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.remove_done_callback(self._end)
            self._watcher.cancel()
        if self._has_gone and self._task is not None:
            self._task.uncancel()
            raise ClientDisconnect from error

    def _begin(self) -> None:
        self._watcher = asyncio.create_task(self._hung_up(), name="caller")
        self._watcher.add_done_callback(self._end)

    def _end(self, watcher: asyncio.Task[object]) -> None:
        if not watcher.cancelled() and self._task is not None:
            self._has_gone = True
            self._task.cancel()
