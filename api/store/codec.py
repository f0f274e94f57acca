"""Messages as stream entries and back: a type field and a JSON field."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, TypeVar

import msgspec

from scheduler.model import keys
from scheduler.model.errors import Defect

T = TypeVar("T")
Fields = tuple[str, str, str, bytes]
RawEntry = tuple[bytes, Mapping[bytes, bytes] | None]

_log = logging.getLogger(__name__)
_encoder = msgspec.json.Encoder()
_decoders: dict[type, msgspec.json.Decoder[Any]] = {}


def encode(message: object) -> bytes:
    """A message as JSON."""
    return _encoder.encode(message)


def decode(kind: type[T], data: bytes) -> T:
    """A message from JSON.

    Raises
    ------
    Defect
        If it is not one: only we write to these keys.
    """
    decoder = _decoders.get(kind)
    if decoder is None:
        # Making a decoder takes longer than most uses of it.
        decoder = _decoders.setdefault(kind, msgspec.json.Decoder(kind))
    try:
        found: T = decoder.decode(data)
    except msgspec.MsgspecError as error:
        raise Defect(f"the store holds no readable {kind.__name__}: {error}") from error
    return found


def fields(message: object) -> Fields:
    """The fields of the stream entry that holds a message."""
    return (keys.TYPE_FIELD, type(message).__name__, keys.DATA_FIELD, encode(message))


def entries(found: Iterable[RawEntry], kinds: Mapping[str, type[T]]) -> list[tuple[str, T]]:
    """The messages of stream entries, with their ids; see `each_entry`."""
    return list(each_entry(found, kinds))


def each_entry(found: Iterable[RawEntry], kinds: Mapping[str, type[T]]) -> Iterator[tuple[str, T]]:
    """The messages of stream entries, with their ids, each decoded when it is asked for.

    What cannot be read is logged and left out: one bad entry must not stop all that come after it.
    """
    for entry_id, raw in found:
        try:
            message = _message(raw or {}, kinds)
        except Defect as defect:
            _log.error("entry %s is left out: %s", entry_id.decode(), defect)
            continue
        yield entry_id.decode(), message


def _message(raw: Mapping[bytes, bytes], kinds: Mapping[str, type[T]]) -> T:
    name = raw.get(keys.TYPE_FIELD.encode(), b"").decode(errors="replace")
    if name not in kinds:
        raise Defect(f"no message is called {name!r}")
    return decode(kinds[name], raw.get(keys.DATA_FIELD.encode(), b""))
