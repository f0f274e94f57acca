"""Hands this box's tensors to other boxes: ``GET /tensors/<key>``.

A tensor ``blank/<bytes>`` is of that size and holds nothing: it is there to measure the link.
"""

from __future__ import annotations

import asyncio
import contextlib
import hmac
import io
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, MutableMapping
from typing import Any, BinaryIO
from urllib.parse import urlsplit

import uvicorn

from devices.tensors import BLANK, TensorStore
from scheduler.model.errors import InvalidTensor

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

_PREFIX = "/tensors/"
_CHUNK_BYTES = 1024 * 1024
MOST_BLANK_BYTES = 16 * _CHUNK_BYTES


class TensorApp:
    """An ASGI application over the files of a tensor store.

    Parameters
    ----------
    token
        Bearer token that callers must show; empty for none.
    """

    def __init__(self, store: TensorStore, token: str = "") -> None:
        self._store = store
        self._token = token

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        if not self._is_allowed(scope):
            await _answer(send, 401)
        elif scope["method"] != "GET":
            await _answer(send, 405)
        elif not scope["path"].startswith(_PREFIX):
            await _answer(send, 404)
        else:
            await self._send_file(scope["path"], send)

    def _is_allowed(self, scope: Message) -> bool:
        given = dict(scope["headers"]).get(b"authorization", b"")
        return not self._token or hmac.compare_digest(given, f"Bearer {self._token}".encode())

    def _open(self, key: str) -> BinaryIO:
        run, _, name = key.partition("/")
        return _blank(name) if run == BLANK else self._store.path(key).open("rb")

    async def _send_file(self, path: str, send: Send) -> None:
        try:
            file = self._open(path.removeprefix(_PREFIX))
        except (FileNotFoundError, InvalidTensor):
            await _answer(send, 404)
            return
        with file:
            length = file.seek(0, 2)
            file.seek(0)
            await send(_start(200, length))
            # From memory to the socket: short reads, so that nothing else waits for long.
            while chunk := file.read(_CHUNK_BYTES):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def _blank(size: str) -> BinaryIO:
    """Bytes that nothing on the link can make fewer."""
    if not size.isdecimal() or not 0 < int(size) <= MOST_BLANK_BYTES:
        raise InvalidTensor(f"a blank tensor must have up to {MOST_BLANK_BYTES} bytes; got {size}")
    return io.BytesIO(os.urandom(int(size)))


class _Server(uvicorn.Server):
    """A server inside a process whose signals belong to somebody else."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(app: TensorApp, listener: socket.socket) -> AsyncIterator[None]:
    """Serve on a socket that listens already, until the block ends."""
    # Inherited by accepted connections: asyncio does it only for sockets that name their protocol,
    # and else the second packet of an answer waits 40 ms for the acknowledgement of the first.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    config = uvicorn.Config(app, lifespan="off", log_level="warning", access_log=False)
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield
    finally:
        server.should_exit = True
        await task


def own_address(server_url: str) -> str:
    """The address of this computer on the way to a server; no packet is sent."""
    parts = urlsplit(server_url)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((parts.hostname or "127.0.0.1", parts.port or 80))
        return str(probe.getsockname()[0])


def _start(status: int, length: int) -> Message:
    return {
        "type": "http.response.start",
        "status": status,
        "headers": [
            (b"content-type", b"application/octet-stream"),
            (b"content-length", str(length).encode()),
        ],
    }


async def _answer(send: Send, status: int) -> None:
    await send(_start(status, 0))
    await send({"type": "http.response.body", "body": b""})
