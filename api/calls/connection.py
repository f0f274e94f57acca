"""The line to the door of one worker: calls are sent ahead, answers come back in their order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import cast

from devices.calls.frames import (
    LENGTHS_BYTES,
    Answer,
    Buffer,
    Call,
    TensorHead,
    answer_of,
    framed,
    lengths,
)
from scheduler.model.errors import DeviceLost


@dataclass(frozen=True, slots=True)
class Request:
    """Inputs of a call, as they go to the worker.

    Parameters
    ----------
    tensors
        The bytes of each input, in the order of the heads.
    outputs
        Names of the outputs that are wanted; empty for all.
    latest_us
        Moment of the monotonic clock after which it is not begun; 0 for no limit.
    """

    heads: tuple[TensorHead, ...]
    tensors: Sequence[Buffer]
    outputs: tuple[str, ...] = ()
    latest_us: int = 0


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer of a worker, with the bytes of its outputs."""

    answer: Answer
    body: memoryview


class WorkerConnection(asyncio.Protocol):
    """Calls of one worker that are under way.

    Parameters
    ----------
    freed
        Called when one of them has ended: there is room for another.
    lost
        Called when the line is gone.
    """

    def __init__(self, freed: Callable[[], None], lost: Callable[[], None]) -> None:
        self._freed = freed
        self._lost = lost
        self._under_way: dict[int, asyncio.Future[Reply]] = {}
        self._ids = 0
        self._buffer = bytearray()
        self._wanted = LENGTHS_BYTES
        self._transport: asyncio.Transport | None = None
        self._is_leaving = False

    @property
    def backlog(self) -> int:
        """Calls that the worker has not answered, those that nobody waits for included."""
        return len(self._under_way)

    def call(self, lease: str, epoch: int, request: Request) -> asyncio.Future[Reply]:
        """Send a call; its answer comes, or `DeviceLost` if the worker ends before."""
        assert self._transport is not None
        self._ids += 1
        call = Call(self._ids, lease, epoch, request.heads, request.outputs, request.latest_us)
        reply: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._under_way[self._ids] = reply
        self._transport.writelines(framed(call, request.tensors))
        return reply

    def leave(self) -> None:
        """Close the line once every call is answered."""
        self._is_leaving = True
        if not self._under_way and self._transport is not None:
            self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        # That of uvloop is no class of asyncio's, but does what one does.
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Hand out the answers that are whole; most come whole, and are not copied."""
        if self._buffer:
            self._buffer += data
            if len(self._buffer) < self._wanted:
                return
            data = bytes(self._buffer)
            self._buffer.clear()
        at = 0
        while self._is_whole(data, at):
            header, body = lengths(memoryview(data)[at:])
            at += LENGTHS_BYTES
            self._hand_out(data[at : at + header], memoryview(data)[at + header :][:body])
            at += header + body
        self._buffer += data[at:]

    def _is_whole(self, data: bytes, at: int) -> bool:
        """True if a frame begins there and is whole; notes how many bytes are wanted if not."""
        self._wanted = LENGTHS_BYTES
        if len(data) - at >= LENGTHS_BYTES:
            self._wanted += sum(lengths(memoryview(data)[at:]))
        return len(data) - at >= self._wanted

    def connection_lost(self, error: Exception | None) -> None:
        """Fail what is under way: nobody knows if it ran."""
        for reply in self._under_way.values():
            if not reply.done():
                reply.set_exception(DeviceLost("the worker ended during the call"))
        self._under_way.clear()
        self._lost()

    def _hand_out(self, header: bytes, body: memoryview) -> None:
        answer = answer_of(header)
        reply = self._under_way.pop(answer.id, None)
        if reply is not None and not reply.done():  # else its caller has gone
            reply.set_result(Reply(answer, body))
        self._freed()
        if self._is_leaving:
            self.leave()
