"""Take a recording of a site out of its store and its data folder."""

from __future__ import annotations

from pathlib import Path

from api.oracle.counting import COST_SUFFIX
from api.oracle.oracle import ARTIFACT
from api.oracle.shelf import FOLDER
from api.store import FIRST, Store, codec, order
from api.store import unpack as unpack_checkpoint
from api.tools.recording.file import DecidingSettings, Entry, Recording
from scheduler.model.errors import InvalidCheckpoint, InvalidInput, Unavailable

TRIES = 5
"""The log may go behind a newer checkpoint while it is read."""
_PAGE = 1_000


async def take(store: Store, data_dir: Path, settings: DecidingSettings) -> Recording:
    """Read the log that is kept, the checkpoint before it, and the files of costs.

    The site may run meanwhile.

    Raises
    ------
    InvalidInput
        If nothing of a site of this name is in the store.
    InvalidCheckpoint
        If the log does not begin at its start, and no checkpoint before it can be read.
    Unavailable
        If the log went on to another beginning each time that it was read.
    """
    for _ in range(TRIES):
        kept, gone = await store.checkpoints(), await store.trimmed()
        readable = [event for event, packed in kept.items() if _is_readable(packed)]
        start = _beginning(readable, gone)
        entries = await _entries(store, start)
        if not entries and not kept:
            law = "a site must have events in the store to be recorded"
            raise InvalidInput(f"{law}; got site {store.site!r} without any", field="site")
        if await store.trimmed() == gone:
            newest = readable[0] if readable and readable[0] != start else ""
            return Recording(
                settings=settings,
                beginning=kept.get(start, b""),
                end=kept.get(newest, b""),
                entries=entries,
                files=_files(data_dir),
            )
    raise Unavailable("the log went behind a newer checkpoint each time it was read: try again")


def _is_readable(packed: bytes) -> bool:
    try:
        unpack_checkpoint(packed)
    except InvalidCheckpoint:
        return False
    return True


def _beginning(readable: list[str], gone: str) -> str:
    """The oldest event from which on all is there."""
    if not gone:
        return FIRST
    whole = [event for event in readable if order(event) >= order(gone)]
    if not whole:
        raise InvalidCheckpoint(
            f"a checkpoint must be readable, as events up to {gone} are no longer in the log"
        )
    return whole[-1]


async def _entries(store: Store, after: str) -> tuple[Entry, ...]:
    skipped, found = await store.skipped(), list[Entry]()
    last = await store.last_event()
    while order(after) < order(last):
        page = await store.events(after, count=_PAGE)
        if not page:
            break
        found += [
            Entry(id=id_, kind=type(event).__name__, data=codec.encode(event))
            for id_, event in page
            if id_ not in skipped
        ]
        after = page[-1][0]
    return tuple(found)


def _files(data_dir: Path) -> dict[str, bytes]:
    """Files that the oracle of a service reads."""
    paths = (
        data_dir / ARTIFACT,
        *sorted((data_dir / FOLDER).glob("*.json")),
        *sorted((data_dir / "models").glob(f"*{COST_SUFFIX}")),
    )
    found: dict[str, bytes] = {}
    for path in paths:
        try:
            found[path.relative_to(data_dir).as_posix()] = path.read_bytes()
        except FileNotFoundError:
            # No model was trained yet, or one was removed since it was listed.
            continue
    return found
