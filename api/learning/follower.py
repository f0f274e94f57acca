"""Has an oracle predict from the learned model of the data folder, whenever that changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from api.oracle.shelf import Shelf
from cost_models.oracle import Oracle
from scheduler.model.errors import InvalidArtifact

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""Inode, time and size, which tell a file from another of its name; zeros for none."""
_NONE = (0, 0, 0)


class Follower:
    """Looks at the file of the learned model for one oracle."""

    def __init__(self, oracle: Oracle, shelf: Shelf, latest: Path) -> None:
        self._oracle = oracle
        self._shelf = shelf
        self._latest = latest
        self._seen: Stamp | None = None

    async def look(self) -> str | None:
        """Keep the model by its digest if the file has changed, ready for predictions.

        A corrupted one is told of in one sentence, and the model in use stays in use.

        Returns
        -------
        str | None
            Digest of the model that predictions should stand on, empty for none; ``None`` if they
            do.
        """
        stamp = _stamp(self._latest)
        if stamp == self._seen:
            return None
        self._seen = stamp
        before = self._oracle.report().artifact.get("digest", "")
        digest = ""
        if stamp != _NONE:
            try:
                digest = (await asyncio.to_thread(self._shelf.put)).artifact.digest
            except InvalidArtifact as error:
                stay = "stay with the model before it" if before else "start from the roofline"
                self._refuse(f"{error.message}; predictions {stay}")
                return None
        if digest == before:
            self._oracle.tell("")
            return None
        _log.info("predictions are to stand on %s", digest[:12] or "the roofline")
        return digest

    def _refuse(self, note: str) -> None:
        _log.warning(note)
        self._oracle.tell(note)


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return _NONE
    return (found.st_ino, found.st_mtime_ns, found.st_size)
