"""Limits on requests: their size, counted as they come in, and the callers that wait at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.http.errors import answer
from scheduler.model.errors import TooLarge, Unavailable

MULTIPART_OVERHEAD = 64 * 1024
"""Bytes that boundaries, headers and the small fields of an upload may add to its file."""
FILE_TYPES = (b"multipart/form-data", b"application/x-npy")
"""Types of bodies that are taken in without making objects of their contents."""
DOCUMENT_BYTES = 1024 * 1024
"""Limit of JSON that describes something: only runs, and plans for them, carry arrays."""
_WITH_ARRAYS = ("/runs", "/plan")
SEAT_RETRY_US = 5_000_000
"""A caller without a seat is asked to come back after this time: listeners stay for long."""
JSON_ADVICE = ": send arrays as .npy, in a form or bare"


class RequestLimit:
    """ASGI middleware that refuses bodies over the limit of their path and their type.

    Parameters
    ----------
    max_bytes
        Limit of files on every path that is not in `paths`.
    max_json_bytes
        Limit of other bodies where arrays may come so: JSON takes up to twenty times its length in
        memory. Elsewhere `DOCUMENT_BYTES` is the limit, if it is less.
    paths
        Limits of files on single paths.
    """

    def __init__(
        self, app: ASGIApp, *, max_bytes: int, max_json_bytes: int, paths: dict[str, int]
    ) -> None:
        self.app = app
        self.max_bytes = max_bytes
        self.max_json_bytes = max_json_bytes
        self.paths = paths

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with its body counted."""
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
            return
        limit = self.paths.get(scope["path"], self.max_bytes)
        advice = ""
        if not _header(scope, b"content-type").lower().startswith(FILE_TYPES):
            limit, advice = min(limit, self.max_json_bytes), JSON_ADVICE
            if not scope["path"].endswith(_WITH_ARRAYS):
                limit, advice = min(limit, DOCUMENT_BYTES), ""
        length = _header(scope, b"content-length")
        declared = int(length) if length.isdigit() else 0
        if declared > limit:
            await answer(_too_large(limit, declared, advice))(scope, receive, send)
            return
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > limit:
                raise _too_large(limit, received, advice)
            return message

        await self.app(scope, counted, send)


class Seats:
    """Seats for callers that wait for something to happen: live views, and waits for a run.

    Parameters
    ----------
    limit
        At least 1. Each takes a connection, and a share of all that is handed out.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._taken = 0

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Have a seat while the block lasts; `Unavailable` if there is none."""
        if self._taken >= self.limit:
            law = f"at most {self.limit} may listen to this service or wait for a run at once"
            raise Unavailable(f"{law}; got one more", retry_after_us=SEAT_RETRY_US)
        self._taken += 1
        try:
            yield
        finally:
            self._taken -= 1


def _header(scope: Scope, wanted: bytes) -> bytes:
    return next((bytes(value) for name, value in scope["headers"] if name == wanted), b"")


def _too_large(limit: int, got: int, advice: str) -> TooLarge:
    return TooLarge(f"the body must have at most {limit} bytes; got {got}{advice}", field="body")
