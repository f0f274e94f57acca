"""Fold a recording again, and hold its decisions against those that it names."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from api.store import codec
from api.store import unpack as unpack_checkpoint
from api.tools.recording.file import DecidingSettings, Entry, Recording
from scheduler.control import checkpoint
from scheduler.control.events import EVENT_TYPES, Event
from scheduler.model.errors import InvalidInput

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

BrainMaker = Callable[[Path, DecidingSettings], "Brain"]
"""Makes a brain that knows nothing yet from the files of a data folder."""
_DIGEST_BYTES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An event as a fold took it in.

    Parameters
    ----------
    decision
        Digest of the commands that followed.
    state
        True if all that the brain knew after it is what the site's checkpoint of that event holds,
        false if that is not known, ``None`` if there is no checkpoint of it.
    """

    entry: Entry
    event: Event
    decision: bytes
    state: bool | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """The first event on which something else was decided."""

    event: str
    kind: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The outcome of a replay.

    Parameters
    ----------
    events
        Number of events that were folded.
    state
        True if the state was that of the site's own checkpoint, ``None`` if it was not met. False
        is no proof of another one: equal values that are stored once or twice count too.
    first
        The first difference; nothing behind it was folded.
    """

    events: int
    state: bool | None
    first: Difference | None


def decided(recording: Recording, make_brain: BrainMaker) -> tuple[tuple[bytes, ...], Verdict]:
    """Fold a new recording; gives what is decided on each event, and how the state compares."""
    steps = list(_fold(recording, make_brain))
    verdict = Verdict(events=len(steps), state=_state(steps), first=None)
    return tuple(step.decision for step in steps), verdict


def replay(recording: Recording, make_brain: BrainMaker, *, upto_us: int | None = None) -> Verdict:
    """Fold a recording until something differs.

    Parameters
    ----------
    upto_us
        Events of a later time, and those behind the first such one, are left out.

    Raises
    ------
    InvalidInput
        If this release cannot take in one of its events or its checkpoint; it says which.
    """
    if len(recording.decisions) != len(recording.entries):
        raise InvalidInput("a recording must hold one decision per event; it does not")
    count, state = 0, None
    for step, before in zip(_fold(recording, make_brain), recording.decisions, strict=True):
        if upto_us is not None and step.event.at_us > upto_us:
            break
        count += 1
        state = step.state if step.state is not None else state
        if step.decision != before:
            return Verdict(events=count, state=state, first=_difference(step))
    return Verdict(events=count, state=state, first=None)


def _state(steps: list[Step]) -> bool | None:
    return next((step.state for step in steps if step.state is not None), None)


def _difference(step: Step) -> Difference:
    kind, at_us = step.entry.kind, step.event.at_us
    return Difference(event=step.entry.id, kind=kind, at_us=at_us)


def _fold(recording: Recording, make_brain: BrainMaker) -> Iterator[Step]:
    end = unpack_checkpoint(recording.end) if recording.end else None
    with _folder(recording.files) as folder:
        brain = make_brain(folder, recording.settings)
        if recording.beginning:
            checkpoint.resume(brain, unpack_checkpoint(recording.beginning)[1])
        for entry in recording.entries:
            event = _event(entry)
            decision = _digest(brain, entry, event)
            state = None
            if end is not None and end[0].event == entry.id:
                kept = make_brain(folder, recording.settings)
                # Read and written anew, as another release stores other fields.
                checkpoint.resume(kept, end[1])
                state = checkpoint.taken(brain) == checkpoint.taken(kept)
            yield Step(entry=entry, event=event, decision=decision, state=state)


def _event(entry: Entry) -> Event:
    if entry.kind not in EVENT_TYPES:
        raise InvalidInput(f"event {entry.id} must be of a known kind; got {entry.kind!r}")
    return codec.decode(EVENT_TYPES[entry.kind], entry.data)


def _digest(brain: Brain, entry: Entry, event: Event) -> bytes:
    try:
        commands = brain.handle(event)
    except Exception as error:
        law = f"event {entry.id} ({entry.kind}) must be one that this release can take in"
        raise InvalidInput(f"{law}; got {error!r}") from error
    named = [(type(command).__name__, command) for command in commands]
    # Sets have no order that outlives a process.
    data = msgspec.msgpack.encode(named, order="deterministic")
    return hashlib.blake2b(data, digest_size=_DIGEST_BYTES).digest()


@contextmanager
def _folder(files: dict[str, bytes]) -> Iterator[Path]:
    """A data folder with these files in it."""
    with tempfile.TemporaryDirectory(prefix="fjord-replay-") as made:
        folder = Path(made).resolve()
        for name, content in files.items():
            path = (folder / name).resolve()
            if not path.is_relative_to(folder):
                raise InvalidInput(f"a file of a recording must lie in its folder; got {name!r}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        yield folder
