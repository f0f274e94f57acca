"""One connection of an API process to a worker: frames in, answers out, and nobody waits for it."""

from __future__ import annotations

import select
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import msgspec

from devices.calls.frames import (
    LENGTHS_BYTES,
    MOST_BODY_BYTES,
    MOST_HEADER_BYTES,
    Answer,
    Buffer,
    Call,
    call_of,
    framed,
    lengths,
)

SEND_MS = 1_000
"""A caller that does not take its answer within this time is let go."""
MOST_AT_ONCE = 8
"""Calls that are taken from one caller before others have their turn."""
_MOST_PIECES = 512
"""Of one system call; the system takes 1,024."""


class CallerGone(Exception):
    """The connection is closed, or broke off, or does not speak as it should."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A call that has come whole, with its tensors, its caller and the time of that."""

    call: Call
    body: memoryview
    caller: Caller
    read_us: int


class Caller:
    """Reads calls from a connection as far as they have come, and never waits for more."""

    def __init__(self, connection: socket.socket) -> None:
        connection.setblocking(False)
        self.connection = connection
        self.is_gone = False
        self._header_bytes = self._body_bytes = -1
        self._call: Call | None = None
        self._want(LENGTHS_BYTES)

    def read(self, now_us: int) -> list[Waiting]:
        """Calls that have come whole since the last time, so many at most: others come too.

        Raises
        ------
        CallerGone
            If no more will come.
        """
        found: list[Waiting] = []
        while len(found) < MOST_AT_ONCE and self._fill():
            buffer = self._buffer
            if self._header_bytes < 0:
                self._begin(buffer)
            elif self._call is None:
                self._call = _decoded(buffer)
                self._want(self._body_bytes)
            else:
                found.append(Waiting(self._call, memoryview(buffer), self, now_us))
                self._call, self._header_bytes = None, -1
                self._want(LENGTHS_BYTES)
        return found

    def answer(self, answer: Answer, tensors: Sequence[Buffer]) -> bool:
        """Send an answer; false if the caller is gone, or does not take it in time."""
        views = [memoryview(piece) for piece in framed(answer, tensors)]
        try:
            while views:
                views = self._send(views)
        except (OSError, CallerGone):
            return False
        return True

    def close(self) -> None:
        """End the connection."""
        self.is_gone = True
        self.connection.close()

    def _begin(self, buffer: bytearray) -> None:
        self._header_bytes, self._body_bytes = lengths(buffer)
        if self._header_bytes > MOST_HEADER_BYTES or self._body_bytes > MOST_BODY_BYTES:
            raise CallerGone
        self._want(self._header_bytes)

    def _want(self, size: int) -> None:
        self._buffer = bytearray(size)
        self._left = memoryview(self._buffer)

    def _fill(self) -> bool:
        """Read into the buffer; true if that is full, false if the rest is still to come."""
        while self._left:
            try:
                got = self.connection.recv_into(self._left)
            except BlockingIOError:
                return False
            except OSError as error:
                raise CallerGone from error
            if not got:
                raise CallerGone
            self._left = self._left[got:]
        return True

    def _send(self, views: list[memoryview]) -> list[memoryview]:
        """Send as much as goes at once; gives the rest."""
        try:
            sent = self.connection.sendmsg(views[:_MOST_PIECES])
        except BlockingIOError:
            poll = select.poll()
            poll.register(self.connection, select.POLLOUT)
            if not poll.poll(SEND_MS):
                raise CallerGone from None
            return views
        for i, view in enumerate(views):
            if sent < len(view):
                return [view[sent:], *views[i + 1 :]]
            sent -= len(view)
        return []


def _decoded(buffer: bytearray) -> Call:
    try:
        return call_of(buffer)
    except msgspec.MsgspecError as error:
        raise CallerGone from error
