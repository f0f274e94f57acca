"""Bodies that come packed by gzip: undone as they come in, a bounded piece at a time."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Iterable

from starlette.types import Message, Receive

from api.http.parsing import parsing
from scheduler.model.errors import InvalidInput, UnsupportedEncoding

PIECE_BYTES = 64 * 1024
"""Most bytes that come out at once: a small body may unpack to a thousand times its size."""
PADDING_BYTES = 1024 * 1024
"""Bytes of a packed body beyond those that come out: names and frames, never so many."""
_GZIP = frozenset({"gzip", "x-gzip"})
_PLAIN = {"", "identity"}
GZIP_BITS, EITHER_BITS = 31, 47
"""For zlib: the largest window, with header and checksum of gzip; or of either, as they come."""
_LAW = "the body must be whole, and packed by gzip as content-encoding says"


def is_packed(encodings: Iterable[bytes], more: frozenset[str] = frozenset()) -> bool:
    """Read the values of ``Content-Encoding``: true for gzip, false for a body as it is.

    Parameters
    ----------
    more
        Other names that are taken.

    Raises
    ------
    UnsupportedEncoding
        If there is any other encoding, or more than one.

    Examples
    --------
    >>> is_packed([]), is_packed([b"identity"]), is_packed([b"x-gzip"])
    (False, False, True)
    """
    text = b",".join(encodings).decode("latin-1")
    named = [coding.strip().lower() for coding in text.split(",")]
    packed = [coding for coding in named if coding not in _PLAIN]
    if len(packed) > 1 or any(coding not in _GZIP | more for coding in packed):
        law = "content-encoding must be gzip, or be left out"
        raise UnsupportedEncoding(f"{law}; got {text!r}", field="content-encoding")
    return bool(packed)


def check_transfer(codings: Iterable[bytes]) -> None:
    """Refuse values of ``Transfer-Encoding`` other than chunked, which the server has undone.

    It hands any other coding on as if it were the body.

    Raises
    ------
    UnsupportedEncoding
        If there is one. RFC 9112 would have 501; as with the packing of a body, it is the sender
        who can mend it.
    """
    text = b",".join(codings).decode("latin-1")
    if text.strip().lower() not in {"", "chunked"}:
        law = "transfer-encoding must be chunked, or be left out; pack by content-encoding: gzip"
        raise UnsupportedEncoding(f"{law}; got {text!r}", field="transfer-encoding")


class Unpacked:
    """Receives a packed body, and hands it on as it was before it was packed.

    It holds no limit on what comes out: who receives from it counts that.

    Parameters
    ----------
    bits
        Forms that it takes, as zlib has them.

    Raises
    ------
    InvalidInput
        If the body is not packed so, or ends before its time.
    """

    def __init__(self, receive: Receive, bits: int = GZIP_BITS) -> None:
        self._receive = receive
        self._bits = bits
        self._member = zlib.decompressobj(bits)
        self._waiting = b""
        self._more = True
        self._ended = False
        self._taken_bytes = 0
        self._given_bytes = 0

    async def __call__(self) -> Message:
        """Receive the next piece; after the last one, what comes after the body."""
        while not self._ended:
            # A long body that was packed well is there at once; others want their turn.
            await asyncio.sleep(0)
            piece = self._next_piece()
            if piece:
                return {"type": "http.request", "body": piece, "more_body": True}
            if not self._more:
                return self._end()
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._take(message)
        return await self._receive()

    def _take(self, message: Message) -> None:
        self._waiting = message.get("body", b"")
        self._more = message.get("more_body", False)
        self._taken_bytes += len(self._waiting)
        frames_bytes = self._taken_bytes - len(self._waiting) - self._given_bytes
        if frames_bytes > PADDING_BYTES + self._given_bytes // 64:
            raise InvalidInput(f"{_LAW}; got {frames_bytes} bytes of packing", field="body")

    def _next_piece(self) -> bytes:
        """Unpack until something comes out; nothing if all that has come is used up."""
        with parsing(_LAW, field="body"):
            while self._waiting:
                if self._member.eof:
                    # A file of gzip may be several, one after another.
                    self._member = zlib.decompressobj(self._bits)
                piece = self._member.decompress(self._waiting, PIECE_BYTES)
                self._waiting = self._member.unconsumed_tail or self._member.unused_data
                self._given_bytes += len(piece)
                if piece:
                    return piece
        return b""

    def _end(self) -> Message:
        if not self._member.eof:
            raise InvalidInput(f"{_LAW}; got its beginning only", field="body")
        self._ended = True
        return {"type": "http.request", "body": b"", "more_body": False}
