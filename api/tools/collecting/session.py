"""One collection into a folder: it goes on where an earlier one of the same seed stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from api.tools.collecting.collector import CollectionTally, Collector
from api.tools.collecting.corpus import Point, corpus
from api.tools.collecting.stations import Station, stations
from cost_models.profiles.measurement import Measurement
from cost_models.profiles.store import Store
from devices.box.host import usable_cores

MODELS = "models"
"""Folder beside the rows that keeps the model files which had to be made."""
_HELD = 25
"""Rows kept back: a disk that syncs is foreign load."""

Progress = Callable[[str], None]


@dataclass(slots=True)
class _Writer:
    store: Store
    waiting: list[Measurement] = field(default_factory=list)

    def take(self, row: Measurement) -> None:
        self.waiting.append(row)
        if len(self.waiting) >= _HELD:
            self.flush()

    def flush(self) -> None:
        self.store.append(self.waiting)
        self.waiting = []


def collect(
    into: Path,
    *,
    seconds: float,
    seed: int = 0,
    globs: Sequence[str] = (),
    groups: int | None = None,
    progress: Progress = lambda _text: None,
    points: Sequence[Point] | None = None,
    machines: Sequence[Station] | None = None,
) -> CollectionTally:
    """Measure for so long, and append the rows to a folder.

    Parameters
    ----------
    seconds
        Time to measure; making the models comes before, once per folder and seed.
    globs
        Model files of your own.
    groups
        Most groups to measure; ``None`` for as many as there is time for.
    progress
        Told in words how far it is.
    points, machines
        Points to measure, and machines for them; by default all that this box has.
    """
    cores = usable_cores()
    into.mkdir(parents=True, exist_ok=True)
    progress("preparing models")
    chosen = corpus(into / MODELS, globs=globs, seed=seed) if points is None else list(points)
    where = stations(cores) if machines is None else list(machines)
    name = f"collected-{socket.gethostname()}-{seed}"
    mark = into / f"{name}.progress"
    writer = _Writer(Store(into, name))
    collector = Collector(chosen, where, cores, writer.take, seed=seed)

    def done(number: int) -> None:
        writer.flush()
        mark.write_text(str(number))
        progress(f"{number} groups of models, {collector.tally.rows} rows")

    progress(f"{len(chosen)} models on {len(where)} machines, {seconds:g} s")
    try:
        return collector.run(seconds, groups, first=_groups_done(mark), done=done)
    finally:
        writer.flush()


def _groups_done(mark: Path) -> int:
    try:
        return max(0, int(mark.read_text()))
    except (OSError, ValueError):  # none yet, or cut off: what was measured is measured again
        return 0
