"""Writes reports of agents into the profile store of the data folder."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from api.oracle.oracle import ExactGraphs
from cost_models.profiles.gathering import Gathered, Gatherer, row_of
from cost_models.profiles.store import Store, Survey
from scheduler.control.commands import KeepExecution, KeepProfile

FOLDER = "profiles"
"""Of the data folder. Rows of other boxes, or collected ones, may be merged into it."""

_log = logging.getLogger(__name__)


class Recorder:
    """Gathers executions and profiles, and appends the rows that they make."""

    def __init__(self, data_dir: Path, box: str) -> None:
        self.folder = data_dir / FOLDER
        self.survey = Survey(self.folder)
        self._gatherer = Gatherer()
        self._graphs = ExactGraphs(data_dir / "models")
        self._store = Store(self.folder, f"service-{box}-{os.getpid()}")

    def take(self, commands: Iterable[KeepProfile | KeepExecution]) -> None:
        """Take in measurements that the brain wants kept. Quick: nothing is counted or written."""
        for command in commands:
            match command:
                case KeepProfile(profile=profile, machine=machine) if machine is not None:
                    self._gatherer.add_profile(profile, machine)
                case KeepExecution():
                    self._gatherer.add_run(
                        command.query,
                        command.machine,
                        command.duration_us,
                        command.load,
                        command.at_us,
                    )

    async def write(self, at_us: int) -> None:
        """Write the rows that are complete, and count the rows of the folder."""
        await asyncio.to_thread(self._write, self._gatherer.take(at_us))

    def _write(self, gathered: list[Gathered]) -> None:
        self._graphs.prepare((each.digest, each.shapes) for each in gathered)
        rows = [row for each in gathered if (row := row_of(each, self._graphs)) is not None]
        self._store.append(rows)
        self.survey.look()
