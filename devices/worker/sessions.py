"""Sessions of a worker, kept warm while there is room."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from scheduler.model.messages import MOST_SESSION_BYTES, MOST_SESSIONS

if TYPE_CHECKING:
    from devices.catalogue import Provider
    from devices.runtime.session import Session

Shapes = Mapping[str, tuple[int, ...]]
Key = tuple[str, str, tuple[tuple[str, tuple[int, ...]], ...]]


class SessionCache:
    """Sessions by model and provider; the one unused for longest leaves first.

    Parameters
    ----------
    room_bytes
        Most bytes of model files to hold sessions of.
    most
        Most sessions to hold.
    """

    def __init__(self, room_bytes: int = MOST_SESSION_BYTES, most: int = MOST_SESSIONS) -> None:
        self._room_bytes = room_bytes
        self._most = most
        self._held: OrderedDict[Key, tuple[Session, int]] = OrderedDict()

    def get(self, digest: str, provider: str, path: str, shapes: Shapes) -> tuple[Session, int]:
        """A session and the microseconds it took to make it now, 0 if it was there.

        Parameters
        ----------
        shapes
            Of the inputs. A provider that needs them all has one session per combination.

        Raises
        ------
        ProviderRefused
            If the provider does not take the model whole.
        """
        # Here, because a worker that only runs functions needs no inference engine.
        from devices.catalogue import provider as row_of
        from devices.runtime.session import open_session

        row = row_of(provider)
        fixed = shapes if row.needs_static_shapes else None
        key = _key(digest, row, shapes)
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
            return held[0], 0
        session = open_session(Path(path), row, shapes=fixed)
        self._held[key] = (session, os.path.getsize(path))
        self._shrink()
        return session, session.load_us

    def keep(self, session: Session, digest: str, path: Path, shapes: Shapes) -> None:
        """Keep a session that was made elsewhere while there is room; it is the first to leave."""
        key, size = _key(digest, session.row, shapes), path.stat().st_size
        has_room = len(self._held) < self._most and self._bytes() + size <= self._room_bytes
        if key not in self._held and has_room:
            self._held[key] = (session, size)
            self._held.move_to_end(key, last=False)

    def drop(self, digest: str) -> None:
        """Let go of all sessions of a model."""
        for key in [key for key in self._held if key[0] == digest]:
            del self._held[key]

    def clear(self) -> None:
        """Let go of all sessions."""
        self._held.clear()

    def _shrink(self) -> None:
        while len(self._held) > 1 and (
            len(self._held) > self._most or self._bytes() > self._room_bytes
        ):
            self._held.popitem(last=False)

    def _bytes(self) -> int:
        return sum(size for _, size in self._held.values())


def _key(digest: str, row: Provider, shapes: Shapes) -> Key:
    return (digest, row.name, tuple(sorted(shapes.items())) if row.needs_static_shapes else ())
