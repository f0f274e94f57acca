"""Checkpoints beside the log: how they are packed, which are kept, and which can be read.

A checkpoint is one line of JSON that says what follows, and the state, packed. The line names a
format and its version first, so that a release knows what is not its own; the digest is of all
that follows.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import msgspec

from api.store.questions import Questions
from scheduler.control.checkpoint import VERSION
from scheduler.model import keys
from scheduler.model.errors import InvalidCheckpoint
from scheduler.model.forms import Document

FORMAT = "fjord-checkpoint"
KEPT = 2
"""Checkpoints that are kept: the newest, and the one before in case that one is damaged."""
_QUICK = 1
"""Level of compression: most of the gain comes from texts that repeat."""

READERS: dict[int, Callable[[Document], Document]] = {VERSION: lambda document: document}
"""Makers of a document of today from one of each version that is known. A release keeps the reader
of the release before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """The head of a checkpoint: all that it says of itself.

    Parameters
    ----------
    event
        Id of the last event that it has taken in.
    epoch
        Of the controller that wrote it.
    at_us
        Time of its writing.
    model
        Digest of the learned model that predictions stood on; empty for none.
    digest
        SHA-256 of the state that follows, in hex.
    """

    format: str = FORMAT
    version: int
    event: str
    epoch: int
    at_us: int
    model: str = ""
    digest: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Keeping:
    """A checkpoint to be kept, and the entries that can go for it.

    Parameters
    ----------
    event
        Id of the last event that it has taken in.
    packed
        Bytes that `pack` gave.
    drop
        Checkpoints that go.
    behind
        The log up to this event goes, that one included; empty if it is to stay as it is.
    unskip
        Ids among those events that folds have left out.
    """

    event: str
    packed: bytes
    drop: tuple[str, ...] = ()
    behind: str = ""
    unskip: tuple[str, ...] = ()


def pack(head: Head, document: Document) -> bytes:
    """A checkpoint as it is kept."""
    body = zlib.compress(msgspec.msgpack.encode(document), _QUICK)
    whole = replace(head, digest=hashlib.sha256(body).hexdigest())
    return msgspec.json.encode(whole) + b"\n" + body


def head_of(packed: bytes) -> Head:
    """Read the head of a checkpoint, once that is known to be whole and of a known version.

    Raises
    ------
    InvalidCheckpoint
        If it is not; it says so in one sentence.
    """
    line, _, body = packed.partition(b"\n")
    try:
        head = msgspec.json.decode(line, type=Head)
    except msgspec.MsgspecError as error:
        raise InvalidCheckpoint(f"a checkpoint must begin with its head; {error}") from error
    if head.format != FORMAT or head.version not in READERS:
        known = ", ".join(map(str, sorted(READERS)))
        raise InvalidCheckpoint(
            f"a checkpoint must be of {FORMAT} in version {known}; "
            f"got {head.format} in version {head.version}"
        )
    found = hashlib.sha256(body).hexdigest()
    if found != head.digest:
        raise InvalidCheckpoint(
            f"a checkpoint must have the digest {head.digest[:12]}; got {found[:12]}: it is damaged"
        )
    return head


def unpack(packed: bytes) -> tuple[Head, Document]:
    """A checkpoint as it was packed, in the form of today.

    Raises
    ------
    InvalidCheckpoint
        If it is damaged, or of a version that is not known.
    """
    head = head_of(packed)
    body = packed[packed.index(b"\n") + 1 :]
    try:
        document = msgspec.msgpack.decode(zlib.decompress(body))
    except (zlib.error, msgspec.MsgspecError) as error:
        raise InvalidCheckpoint(f"a checkpoint must be readable; {error}") from error
    if not isinstance(document, dict):
        raise InvalidCheckpoint("a checkpoint must hold a document; it does not")
    return head, READERS[head.version](document)


def order(entry: str) -> tuple[int, int]:
    """Give the key by which ids of entries are sorted.

    Examples
    --------
    >>> sorted(["10-0", "9-12", "9-2"], key=order)
    ['9-2', '9-12', '10-0']
    """
    time, _, count = entry.partition("-")
    return int(time), int(count or 0)


class Checkpoints(Questions):
    """Checkpoints that are kept, and where the log begins."""

    async def checkpoints(self) -> dict[str, bytes]:
        """All that are kept, packed, the newest first, by the last event that each has taken in."""
        found = await self.call("HGETALL", keys.checkpoints(self.site))
        kept: dict[str, bytes] = {entry.decode(): packed for entry, packed in found.items()}
        return {entry: kept[entry] for entry in sorted(kept, key=order, reverse=True)}

    async def trimmed(self) -> str:
        """Id of the latest event that is gone from the log; empty while all are there."""
        found = await self.call("GET", keys.trimmed(self.site))
        return "" if found is None else found.decode()
