"""Has an oracle predict from the learned model of the data folder, whenever that changes."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

from api.costs import ARTIFACT, standing
from cost_models.features import Summary
from cost_models.oracle import Oracle
from cost_models.prior import Shapes
from scheduler.model.errors import InvalidArtifact

_log = logging.getLogger(__name__)

Stamp = tuple[int, int, int]
"""What tells a file from another of the same name: inode, time and size; zeros for none."""


class Follower:
    """Looks at the file of the learned model for one oracle."""

    def __init__(self, oracle: Oracle, data_dir: Path) -> None:
        self._oracle = oracle
        self._data_dir = data_dir
        self._seen: Stamp | None = None

    async def look(self) -> str | None:
        """Read the file if it is not what it was.

        A corrupted one is told of in one sentence, and what was in use stays in use.

        Returns
        -------
        str | None
            Digest of the model that predictions stand on from now on, empty for none; ``None`` if
            nothing changed.
        """
        path = self._data_dir / ARTIFACT
        stamp = _stamp(path)
        is_first, changed = self._seen is None, stamp != self._seen
        self._seen = stamp
        if not changed:
            return None
        before = self._oracle.report().artifact.get("digest", "")
        try:
            found = await asyncio.to_thread(standing, path, self._oracle.graphs or _nothing)
        except InvalidArtifact as error:
            # At the start that was said by whoever made the oracle.
            if not is_first:
                self._refuse(f"{error.message}; predictions stay with the model before it")
            return None
        digest = found.artifact.get("digest", "")
        if digest == before:
            self._oracle.tell("")
            return None
        self._oracle.stand_on(found.layers, artifact=found.artifact)
        _log.info("predictions stand on %s", digest[:12] or "the roofline")
        return digest

    def _refuse(self, note: str) -> None:
        _log.warning(note)
        self._oracle.tell(note)


def _nothing(_digest: str, _shapes: Shapes) -> Summary | None:
    """Of an oracle that knows no graphs."""
    return None


def _stamp(path: Path) -> Stamp:
    try:
        found = path.stat()
    except FileNotFoundError:
        return (0, 0, 0)
    return (found.st_ino, found.st_mtime_ns, found.st_size)
