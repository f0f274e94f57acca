"""The service of this benchmark: `fjord serve` with an oracle that its parent can change.

Lines on standard input name the oracle that is asked from then on.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from threading import Thread

import uvloop

from api.http.server import serve
from api.oracle.oracle import build_oracle
from api.process.settings import Settings
from benchmarks.placement.ema import EmaOracle
from benchmarks.placement.oracles import Switched
from scheduler.model.ports import DurationOracle

FULL = "all layers"
AVERAGE = "moving average"


class Choice:
    """Makes the oracle of each brain of the process, and chooses the one that is asked."""

    def __init__(self) -> None:
        self._name = AVERAGE
        self._made: list[Switched] = []

    def make(self, data_dir: Path) -> DurationOracle:
        """An oracle for a new brain."""
        oracles: dict[str, DurationOracle] = {AVERAGE: EmaOracle(), FULL: build_oracle(data_dir)}
        made = Switched(oracles)
        made.choose(self._name)
        self._made.append(made)
        return made

    def follow(self) -> None:
        """Choose the oracle that each line names."""
        for line in sys.stdin:
            self._name = line.strip()
            for made in self._made:
                made.choose(self._name)


def main() -> None:
    data_dir, port = sys.argv[1:]
    choice = Choice()
    Thread(target=choice.follow, daemon=True).start()
    settings = replace(Settings.from_environment(), data_dir=Path(data_dir), port=int(port))
    uvloop.run(serve(settings, make_oracle=choice.make))


if __name__ == "__main__":
    main()
