"""Connections that fall silent in the middle of a request are closed after a time."""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol


class ImpatientProtocol(HttpToolsProtocol):
    """The protocol of uvicorn, which waits for ever for the rest of a request, with limits.

    Between two requests uvicorn's own limit holds, and while a request is answered there is none.
    """

    header_s = 10.0
    """From the connection, or from the first byte of a later request, to the end of its header."""
    body_s = 30.0
    """From one piece of a body to the next."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._limit: asyncio.TimerHandle | None = None
        self._heard_s = 0.0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a header."""
        super().connection_made(transport)
        self._allow(self.header_s)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait no more."""
        self._allow(None)
        super().connection_lost(exc)

    def on_message_begin(self) -> None:
        """Begin to wait for the rest of a header; that of a first request has been waited for."""
        super().on_message_begin()
        if self._limit is None:
            self._allow(self.header_s)

    def on_headers_complete(self) -> None:
        """Begin to wait for the body."""
        super().on_headers_complete()
        self._heard_s = self.loop.time()
        self._allow(self.body_s, self._check_body)

    def on_body(self, body: bytes) -> None:
        """Note that a piece came: one timer serves all of them."""
        super().on_body(body)
        self._heard_s = self.loop.time()

    def on_message_complete(self) -> None:
        """Wait no more: the request is there."""
        self._allow(None)
        super().on_message_complete()

    def _allow(self, seconds: float | None, then: Any = None) -> None:
        if self._limit is not None:
            self._limit.cancel()
        self._limit = None
        if seconds is not None:
            self._limit = self.loop.call_later(seconds, then or self._give_up)

    def _check_body(self) -> None:
        # While this side does not read, the other cannot send.
        if self.flow.read_paused:
            self._heard_s = self.loop.time()
        silent_s = self.loop.time() - self._heard_s
        if silent_s < self.body_s:
            self._allow(self.body_s - silent_s, self._check_body)
        else:
            self._give_up()

    def _give_up(self) -> None:
        self._limit = None
        self.transport.close()


def impatient(header_s: float, body_s: float) -> type[asyncio.Protocol]:
    """Make the protocol with other limits, in seconds."""
    return type("Impatient", (ImpatientProtocol,), {"header_s": header_s, "body_s": body_s})
