"""How large a request may be: counted while it comes in, so a lie in its header does not help."""

from __future__ import annotations

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.errors import answer
from scheduler.model.errors import TooLarge

MULTIPART_OVERHEAD = 64 * 1024
"""Bytes that boundaries, headers and the small fields of an upload may add to its file."""


class RequestLimit:
    """ASGI middleware that refuses bodies over the limit of their path.

    Parameters
    ----------
    max_bytes
        Limit of every path that is not in `paths`.
    paths
        Limits of single paths.
    """

    def __init__(self, app: ASGIApp, *, max_bytes: int, paths: dict[str, int]) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        limit = self.paths.get(scope["path"], self.max_bytes)
        declared = _declared_length(scope)
        if declared > limit:
            await answer(_too_large(limit, declared))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit, received)
            return message

        await self.app(scope, counted, send)


def _declared_length(scope: Scope) -> int:
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0


def _too_large(limit: int, got: int) -> TooLarge:
    return TooLarge(f"the body must have at most {limit} bytes; got {got}", field="body")
