"""Learned cost models by digest: those that the log names are kept while they are needed."""

from __future__ import annotations

import os
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path

from cost_models.learned import Learned, artifact_from
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidArtifact, InvalidInput

FOLDER = "cost-models"
"""Of the data folder."""
LATEST = 3
"""So many of the latest stay in any case."""
SKEW_US = 3_600_000_000
"""The clock of files and that of the store differ by less."""
_OPENED = 4
"""Opened ones that are kept: the one in force, and those of a fold on its way to it."""


def opened(path: Path) -> Learned:
    """Open the file of a learned model.

    Raises
    ------
    InvalidArtifact
        If it is none; it says so in one sentence.
    """
    try:
        return Learned.opened(artifact_from(path.read_bytes()), open_regressor)
    except (InvalidInput, OSError) as error:
        raise InvalidArtifact(f"{path} is no learned cost model: {error}") from error


class Shelf:
    """The learned models of a data folder.

    Parameters
    ----------
    latest
        File of the model in use, written by each training.
    """

    def __init__(self, data_dir: Path, latest: Path) -> None:
        self._folder = data_dir / FOLDER
        self._latest = latest

    def put(self) -> Learned:
        """Keep the latest model by its digest, and open it.

        Raises
        ------
        InvalidArtifact
            If the file is no learned model.
        """
        found = opened(self._latest)
        path = self._path(found.artifact.digest)
        if not path.exists():
            self._folder.mkdir(parents=True, exist_ok=True)
            _write_whole(path, found.artifact.to_bytes())
        # One that comes back counts as new.
        path.touch()
        return self.take(found.artifact.digest)

    def take(self, digest: str) -> Learned:
        """Open a model that was kept, or is the latest.

        Raises
        ------
        InvalidArtifact
            If it is not here any more.
        """
        path = self._path(digest)
        if path.exists():
            return _opened(path)
        if self._latest.exists():
            found = opened(self._latest)
            if found.artifact.digest == digest:
                return found
        raise InvalidArtifact(f"the learned cost model {digest[:12]} is not in {self._folder}")

    def drop(self, needed: Iterable[str], since_us: int) -> None:
        """Delete models that nobody can ask for any more.

        Parameters
        ----------
        needed
            Digests that stay.
        since_us
            Models that were kept from then on stay too: the log may name them.
        """
        if not self._folder.is_dir():
            return
        kept = {self._path(digest) for digest in needed}
        files = sorted(self._folder.glob("*.json"), key=lambda path: path.stat().st_mtime_ns)
        for path in files[:-LATEST]:
            if path not in kept and path.stat().st_mtime_ns // 1_000 < since_us - SKEW_US:
                path.unlink(missing_ok=True)

    def _path(self, digest: str) -> Path:
        return self._folder / f"{digest}.json"


@lru_cache(maxsize=_OPENED)
def _opened(path: Path) -> Learned:
    # The file under a digest never changes.
    return opened(path)


def _write_whole(path: Path, content: bytes) -> None:
    """Write a file that is there whole or not at all, also after a loss of power."""
    part = path.with_suffix(f".{os.getpid()}.part")
    with part.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
