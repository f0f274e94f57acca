"""Calls of models: each goes to a worker under a lease, or is told to go as an ordinary run."""

from __future__ import annotations

import asyncio
import logging
import time
from dataclasses import dataclass, field
from pathlib import Path

from api.calls.connection import Reply, Request, WorkerConnection
from api.calls.held import HeldLease
from api.store import Store
from devices.calls.frames import MOST_BODY_BYTES, Outcome
from scheduler.control.events import CallsWanted
from scheduler.model.errors import FjordError
from scheduler.model.messages import CallLease
from scheduler.model.problem import Band

ASK_EVERY_S = 1.0
"""A lease that is missing is asked for this often while there are calls."""
RENEW_EVERY_S = 4.0
"""One that is there is renewed this often: it lasts more than twice as long."""
MORE_EVERY_S = 0.5
"""One that is too small is asked for anew after this time."""
MOST_LANES = 256

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Called:
    """A model that is called here, in one band.

    Parameters
    ----------
    now, peak
        Calls under way, and the most of them since the lease was asked for.
    asked_s, asked_lanes
        Time of the last question, by the monotonic clock, and machines that were asked for.
    """

    held: HeldLease
    now: int = 0
    peak: int = 0
    asked_s: float = -RENEW_EVERY_S
    asked_lanes: int = 0
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Calls:
    """The calls of one process.

    Parameters
    ----------
    root, box
        Of the tensors of this box, and its name: only its workers can be called.
    """

    def __init__(self, store: Store, root: Path, box: str) -> None:
        self._store = store
        self._root = root
        self._box = box
        self._called: dict[tuple[str, Band], _Called] = {}

    def take(self, lease: CallLease) -> None:
        """Take in a lease that is new, changed or ended."""
        called = self._called.get((lease.digest, lease.band))
        if called is not None and lease.box == self._box:
            known = called.held.lease
            if known is None or lease.epoch >= known.epoch:
                called.held.take(lease)
            if lease.until_us <= self._store.now_us() and not called.now:
                del self._called[lease.digest, lease.band]

    async def call(self, digest: str, band: Band, request: Request) -> Reply | None:
        """Call a model; ``None`` if it has to go as a run, and has not been begun.

        A call is made once at most. An error of the model is an answer like any other.

        Raises
        ------
        DeviceLost
            If the worker ended meanwhile: the call may have been carried out.
        """
        if sum(len(data) for data in request.tensors) > MOST_BODY_BYTES // 2:
            return None
        called = self._called.get((digest, band))
        if called is None:
            called = self._called[digest, band] = _Called(HeldLease(self._root))
        called.now += 1
        called.peak = max(called.peak, called.now)
        try:
            self._ask(called, digest, band)
            return await self._place(called, request)
        finally:
            called.now -= 1

    def lanes(self, digest: str, band: Band = Band.NORMAL) -> int:
        """Number of workers that calls of a model reach now."""
        called = self._called.get((digest, band))
        return called.held.lanes if called is not None else 0

    def close(self) -> None:
        """Leave all workers."""
        for called in self._called.values():
            called.held.close()
            for task in called.tasks:
                task.cancel()

    async def _place(self, called: _Called, request: Request) -> Reply | None:
        refused: set[WorkerConnection] = set()
        while True:
            line, lease = await called.held.room(refused), called.held.lease
            if line is None or lease is None or self._store.now_us() >= lease.until_us:
                return None
            reply = await line.call(lease.id, lease.epoch, request)
            if reply.answer.outcome != Outcome.REFUSED:
                return reply
            refused.add(line)

    def _ask(self, called: _Called, digest: str, band: Band) -> None:
        """Ask for a lease, for more of it, or for more time, if that is due."""
        now_s = time.monotonic()
        lanes = min(called.peak, MOST_LANES)
        wait_s = RENEW_EVERY_S if called.held.lanes else ASK_EVERY_S
        if lanes > called.asked_lanes:
            wait_s = min(wait_s, MORE_EVERY_S)
        if now_s - called.asked_s < wait_s:
            return
        called.asked_s, called.asked_lanes, called.peak = now_s, lanes, called.now
        task = asyncio.create_task(self._append(digest, band, lanes), name="lease for calls")
        called.tasks.add(task)
        task.add_done_callback(called.tasks.discard)

    async def _append(self, digest: str, band: Band, lanes: int) -> None:
        event = CallsWanted(
            at_us=self._store.now_us(), digest=digest, box=self._box, band=band, lanes=lanes
        )
        try:
            await self._store.append(event)
        except FjordError as error:
            _log.warning("no lease for calls for now: %s", error)
