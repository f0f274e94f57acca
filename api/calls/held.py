"""A lease as this process holds it: lines to its workers, and calls that wait for room there."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from pathlib import Path

from api.calls.connection import WorkerConnection
from devices.calls.places import door_path
from scheduler.model.messages import CallLease, CallPlace

AHEAD = 2
"""Calls that a worker has at once: while it answers one, the next is there."""
FIRST_PAUSE_S, LONGEST_PAUSE_S = 0.01, 0.5
"""Between tries to reach a door: an agent may hear of the lease later than this process."""

_log = logging.getLogger(__name__)


class HeldLease:
    """The places of a lease that can be reached from here.

    Parameters
    ----------
    root
        Folder of the tensors of this box: the doors of its workers lie there.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._lines: dict[str, tuple[CallPlace, WorkerConnection]] = {}
        self._reaching: dict[str, asyncio.Task[None]] = {}
        self._waiting: deque[asyncio.Future[None]] = deque()
        self.lease: CallLease | None = None

    def take(self, lease: CallLease) -> None:
        """Follow a lease: reach for its new places, and leave those that it has no more."""
        self.lease = lease
        places = {place.machine: place for place in lease.places}
        for machine in self._reaching.keys() - places.keys():
            self._reaching.pop(machine).cancel()
        for machine in self._lines.keys() - places.keys():
            self._lines.pop(machine)[1].leave()
        for machine, place in places.items():
            if machine in self._lines:
                self._lines[machine] = (place, self._lines[machine][1])
            else:
                self._reach(machine)
        self._wake()

    @property
    def lanes(self) -> int:
        """Number of workers that can be reached."""
        return len(self._lines)

    async def room(self, without: set[WorkerConnection]) -> WorkerConnection | None:
        """A line with room for a call, the one that should end it first; ``None`` without lines.

        Waits while all have as many calls as they take. Who waits longest goes first.
        """
        is_new = True
        while True:
            lines = [pair for pair in self._lines.values() if pair[1] not in without]
            if not lines:
                return None
            free = [pair for pair in lines if pair[1].backlog < AHEAD]
            if free and not (is_new and any(not turn.done() for turn in self._waiting)):
                return min(free, key=_expected_us)[1]
            is_new = False
            turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(turn)
            try:
                await turn
            except asyncio.CancelledError:
                self._pass_on(turn)
                raise

    def close(self) -> None:
        """Leave all places."""
        for task in self._reaching.values():
            task.cancel()
        self._reaching.clear()
        for _, line in self._lines.values():
            line.leave()
        self._lines.clear()
        self._wake()

    def _reach(self, machine: str) -> None:
        if machine not in self._reaching:
            task = asyncio.create_task(self._connect(machine), name=f"door of {machine}")
            self._reaching[machine] = task

    async def _connect(self, machine: str) -> None:
        """Try until the door is open, or the lease has no such place any more."""
        loop, pause_s = asyncio.get_running_loop(), FIRST_PAUSE_S
        path = door_path(self._root, machine)
        line = WorkerConnection(self._next, lambda: self._on_lost(machine, line))
        while True:
            try:
                await loop.create_unix_connection(lambda: line, str(path))
                break
            except OSError:
                await asyncio.sleep(pause_s)
                pause_s = min(2 * pause_s, LONGEST_PAUSE_S)
        self._reaching.pop(machine, None)
        place = self._place(machine)
        if place is None:
            line.leave()
            return
        self._lines[machine] = (place, line)
        _log.debug("calls reach %s", machine)
        self._wake()

    def _place(self, machine: str) -> CallPlace | None:
        places = self.lease.places if self.lease is not None else ()
        return next((place for place in places if place.machine == machine), None)

    def _on_lost(self, machine: str, line: WorkerConnection) -> None:
        known = self._lines.get(machine)
        if known is not None and known[1] is line:
            del self._lines[machine]
            if self._place(machine) is not None:
                self._reach(machine)
        self._wake()

    def _next(self) -> None:
        """Give one of those who wait their turn."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return

    def _wake(self) -> None:
        """Have all who wait look again: there are other lines now."""
        waiting, self._waiting = self._waiting, deque()
        for turn in waiting:
            if not turn.done():
                turn.set_result(None)

    def _pass_on(self, turn: asyncio.Future[None]) -> None:
        """Give the turn of somebody who has gone to the next."""
        if turn.done() and not turn.cancelled():
            self._next()


def _expected_us(pair: tuple[CallPlace, WorkerConnection]) -> int:
    place, line = pair
    return (line.backlog + 1) * place.expected_us
