"""Habits of HTTP that proxies, health checkers and browsers take for granted."""

from __future__ import annotations

import asyncio
import contextlib
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import answer
from api.http.parsing import parsing
from api.http.unpacking import Unpacked, check_transfer, is_packed
from scheduler.model.errors import InvalidInput


class PlainHttp:
    """ASGI middleware that no route can forget.

    Headers that cannot be read are refused before anything reads them, a packed body is unpacked or
    refused and never taken for the body itself, and HEAD is answered wherever GET is.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on that can be read."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        try:
            check(scope)
            if is_packed(_values(scope, b"content-encoding")):
                scope, receive = _without_packing(scope), Unpacked(receive)
        except InvalidInput as error:
            await answer(error)(scope, receive, send)
            return
        if scope["method"] == "HEAD":
            await self._head(scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _head(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with the headers of a GET, and end it there: its body may have no end."""
        begun = asyncio.Event()

        async def send_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                await send(message)
                begun.set()

        got = asyncio.ensure_future(self.app({**scope, "method": "GET"}, receive, send_headers))
        told = asyncio.ensure_future(begun.wait())
        try:
            await asyncio.wait({got, told}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            told.cancel()
            got.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await got
        await send({"type": "http.response.body", "body": b""})


def check(scope: Scope) -> None:
    """Refuse headers that cannot be read: a host, an origin, or a packing by the way it is sent."""
    check_transfer(_values(scope, b"transfer-encoding"))
    for name, value in scope["headers"]:
        text = value.decode("latin-1")
        if name == b"host":
            with parsing("host must be a name or an address, with or without a port", field="host"):
                # Asking for the port reads all of it.
                _ = urlsplit(f"//{text}").port
        elif name == b"origin":
            with parsing("origin must be the address of a web page", field="origin"):
                _ = urlsplit(text).port


def _values(scope: Scope, wanted: bytes) -> list[bytes]:
    return [value for name, value in scope["headers"] if name == wanted]


def _without_packing(scope: Scope) -> Scope:
    """Describe the body that comes out: it is not packed, and its length is not known."""
    packing = {b"content-encoding", b"content-length"}
    return {**scope, "headers": [pair for pair in scope["headers"] if pair[0] not in packing]}
