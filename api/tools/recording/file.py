"""The file of a recording: one line of JSON that says what follows, and all of it, packed.

The line names a format and its version first, so that a release knows what is not its own; size
and digest are those of all that follows.
"""

from __future__ import annotations

import hashlib
import zlib
from dataclasses import dataclass, replace

import msgspec

from scheduler.model.errors import InvalidInput

FORMAT = "fjord-recording"
VERSION = 1
"""It rises when a reader of the one before would misread a file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a recording: all that it says of itself.

    Parameters
    ----------
    release
        Version of Fjord that made it.
    host
        Kind of computer and version of Python that made it.
    events
        Number of events in it.
    size_bytes, digest
        Size and SHA-256, in hex, of what follows.
    """

    format: str = FORMAT
    version: int = VERSION
    site: str
    release: str
    host: str
    events: int
    size_bytes: int = 0
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event of the log: its id, its kind, and itself as JSON."""

    id: str
    kind: str
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidingSettings:
    """Settings of a service on which its decisions depend."""

    fill_share: float
    age_us: int
    unplaceable_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Recording:
    """All that the decisions of a site follow from.

    Parameters
    ----------
    beginning
        Packed checkpoint that the events come after; empty if they are the log from its start.
    end
        Packed checkpoint that the site took somewhere among the events; empty if there is none.
    entries
        Events, oldest first, without those that every fold leaves out.
    files
        Learned models and counts of graphs, by their paths in the data folder.
    decisions
        Digests of what the release that made the recording decided on each event.
    """

    settings: DecidingSettings
    beginning: bytes
    end: bytes
    entries: tuple[Entry, ...]
    files: dict[str, bytes]
    decisions: tuple[bytes, ...] = ()


def pack(head: Head, recording: Recording) -> bytes:
    """A recording as it is written to a file."""
    body = zlib.compress(msgspec.msgpack.encode(recording))
    whole = replace(head, size_bytes=len(body), digest=hashlib.sha256(body).hexdigest())
    return msgspec.json.encode(whole) + b"\n" + body


def unpack(packed: bytes) -> tuple[Head, Recording]:
    """Read a recording.

    Raises
    ------
    InvalidInput
        If it is none, of another version, cut short, or damaged.
    """
    line, _, body = packed.partition(b"\n")
    head = _head(line)
    if len(body) < head.size_bytes:
        raise InvalidInput(
            f"a recording must hold the {head.size_bytes} bytes that it names; "
            f"got {len(body)}: it is cut short"
        )
    found = hashlib.sha256(body).hexdigest()
    if found != head.digest:
        raise InvalidInput(
            f"a recording must have the digest {head.digest[:12]}; got {found[:12]}: it is damaged"
        )
    try:
        return head, msgspec.msgpack.decode(zlib.decompress(body), type=Recording)
    except (zlib.error, msgspec.MsgspecError) as error:
        raise InvalidInput(f"a recording must be readable; {error}") from error


class _Kind(msgspec.Struct):
    format: str
    version: int


def _head(line: bytes) -> Head:
    try:
        kind = msgspec.json.decode(line, type=_Kind)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"a recording must begin with its head; {error}") from error
    # First, as the head of another version may have another form.
    if (kind.format, kind.version) != (FORMAT, VERSION):
        raise InvalidInput(
            f"a recording must be of {FORMAT} in version {VERSION}; "
            f"got {kind.format} in version {kind.version}"
        )
    try:
        return msgspec.json.decode(line, type=Head)
    except msgspec.MsgspecError as error:
        raise InvalidInput(f"a recording must have a readable head; {error}") from error
