"""Peaks that were measured on this box, so that a restart does not measure them again."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

import msgspec

from devices.box.fingerprint import fingerprint
from devices.catalogue import Provider
from scheduler.model.measuring import Peaks

_VERSION = "1"
"""Version of the micro-benchmark: another one may find other figures."""


class PeakCache:
    """A folder of one file per provider and build.

    Parameters
    ----------
    folder
        Made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def lock(self) -> Path:
        """A file to lock while measuring: two at once would slow each other."""
        return self._folder / "measuring"

    def get(self, row: Provider) -> Peaks | None:
        """Peaks of a provider; ``None`` if none are kept, or the file cannot be read."""
        try:
            return msgspec.json.decode(self._file(row).read_bytes(), type=Peaks)
        except (OSError, msgspec.MsgspecError):
            return None

    def put(self, row: Provider, peaks: Peaks) -> None:
        """Keep it; where nothing can be written, it is measured again next time."""
        file = self._file(row)
        draft = file.with_suffix(f".{os.getpid()}")
        with suppress(OSError):
            self._folder.mkdir(parents=True, exist_ok=True)
            draft.write_bytes(msgspec.json.encode(peaks))
            draft.replace(file)

    def _file(self, row: Provider) -> Path:
        key = hashlib.sha256(f"{_VERSION} {fingerprint(row)}".encode()).hexdigest()[:16]
        return self._folder / f"{row.name}-{key}.json"
