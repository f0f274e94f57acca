"""Ends of trainings: one line each in a file beside the model, so that a restart knows them."""

from __future__ import annotations

import contextlib
from pathlib import Path

import msgspec

from scheduler.control.records.costs import Training

FILE = "cost-model.trainings"
SHOWN = 20


class History:
    """The trainings of a data folder."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / FILE
        self.latest: tuple[Training, ...] = ()

    def read(self) -> None:
        """Read the trainings that others wrote. A line that is no training is passed over."""
        found = []
        with contextlib.suppress(FileNotFoundError):
            for line in self._path.read_bytes().splitlines():
                with contextlib.suppress(msgspec.DecodeError):
                    found.append(msgspec.json.decode(line, type=Training))
        self.latest = tuple(found[-SHOWN:])

    def add(self, training: Training) -> None:
        """Write down a training."""
        self.latest = (*self.latest, training)[-SHOWN:]
        with self._path.open("ab") as file:
            file.write(msgspec.json.encode(training) + b"\n")
