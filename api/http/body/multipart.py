"""Multipart bodies, read as they come in: each part goes to a sink that its reader chose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from python_multipart.multipart import MultipartParser, parse_options_header

from api.http.errors import shown
from api.http.parsing import parsing
from scheduler.model.errors import InvalidInput, TooLarge

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

BATCH_BYTES = 1024 * 1024
"""Bytes that the parsing thread gets at once: a network read is 64 KiB, a thread switch 50 us."""
MAX_PARTS = 256
MAX_HEADER_BYTES = 8 * 1024


class Sink(Protocol):
    """Takes the content of one part."""

    def write(self, data: bytes, /) -> object:
        """Take the next bytes."""
        ...


@dataclass(slots=True, kw_only=True)
class Part:
    """One part of a multipart body.

    Parameters
    ----------
    filename
        As the sender calls it; empty for a plain field.
    """

    name: str
    filename: str = ""
    content_type: str = ""
    content: MemorySink = field(default_factory=lambda: MemorySink())


class MemorySink:
    """Keeps a part in memory, up to a limit in bytes."""

    def __init__(self, limit: int | None = None) -> None:
        self.limit = limit
        self.data = bytearray()

    def write(self, data: bytes) -> None:
        """Take the next bytes; `TooLarge` over the limit."""
        self.data += data
        if self.limit is not None and len(self.data) > self.limit:
            raise TooLarge(f"a field must have at most {self.limit} bytes", field="body")


class MultipartReader:
    """Parses a multipart body.

    Parameters
    ----------
    open_sink
        Chooses where the content of a part goes, by its name; by default into the part itself.

    Raises
    ------
    InvalidInput
        If the content type names no boundary.
    """

    def __init__(
        self, content_type: str, open_sink: Callable[[Part], Sink | None] = lambda part: None
    ) -> None:
        law = "content-type must be multipart/form-data with a boundary"
        with parsing(law, field="content-type"):
            kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary")
        if kind != b"multipart/form-data" or not boundary:
            raise InvalidInput(f"{law}; got {shown(content_type)}", field="content-type")
        self.parts: list[Part] = []
        self._open_sink = open_sink
        self._sink: Sink = MemorySink()
        self._headers: dict[bytes, bytes] = {}
        self._header = (bytearray(), bytearray())
        self._ended = False
        callbacks: MultipartCallbacks = {
            "on_part_begin": self._begin_part,
            "on_header_field": lambda data, start, end: self._add_header(0, data[start:end]),
            "on_header_value": lambda data, start, end: self._add_header(1, data[start:end]),
            "on_header_end": self._end_header,
            "on_headers_finished": self._end_headers,
            "on_part_data": self._add_content,
            "on_end": self._end,
        }
        with parsing(law, field="content-type"):
            self._parser = MultipartParser(boundary, callbacks)

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the body."""
        with parsing("the body must be multipart/form-data"):
            self._parser.write(data)

    def finish(self) -> list[Part]:
        """The parts of a body that has come in whole."""
        if not self._ended:
            raise InvalidInput("the body must end with its boundary; got only a part of it")
        return self.parts

    def _begin_part(self) -> None:
        self._headers = {}
        if len(self.parts) >= MAX_PARTS:
            raise TooLarge(f"the body must have at most {MAX_PARTS} parts", field="body")

    def _add_header(self, which: int, data: bytes) -> None:
        self._header[which].extend(data)
        if len(self._header[0]) + len(self._header[1]) > MAX_HEADER_BYTES:
            raise TooLarge(f"a part's header must have at most {MAX_HEADER_BYTES} bytes")

    def _end_header(self) -> None:
        name, value = self._header
        self._headers[bytes(name).lower()] = bytes(value)
        self._header = (bytearray(), bytearray())

    def _end_headers(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        if b"name" not in options:
            raise InvalidInput("each part must have a name; got one without", field="body")
        part = Part(
            name=options[b"name"].decode(errors="replace"),
            filename=options.get(b"filename", b"").decode(errors="replace"),
            content_type=self._headers.get(b"content-type", b"").decode(errors="replace"),
        )
        self.parts.append(part)
        self._sink = self._open_sink(part) or part.content

    def _add_content(self, data: bytes, start: int, end: int) -> None:
        self._sink.write(data[start:end])

    def _end(self) -> None:
        self._ended = True


async def read_stream(reader: MultipartReader, chunks: AsyncIterator[bytes]) -> list[Part]:
    """Parse a long body in a thread, so that hashing and writing do not hold the service up."""
    batch = bytearray()
    async for chunk in chunks:
        batch += chunk
        if len(batch) >= BATCH_BYTES:
            await asyncio.to_thread(reader.feed, bytes(batch))
            batch.clear()
    await asyncio.to_thread(reader.feed, bytes(batch))
    return reader.finish()


def read_body(content_type: str, body: bytes) -> list[Part]:
    """Parse a body that is in memory."""
    reader = MultipartReader(content_type)
    reader.feed(body)
    return reader.finish()
