"""Results on disk, a line of JSON each, so that a long grid can be stopped and continued."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.solvers.cases import Case
from benchmarks.solvers.competitors import version_of
from benchmarks.solvers.outcome import Budget

Key = tuple[str, str, str, float, int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A run: its question and its answer.

    Parameters
    ----------
    status
        ``proven``, ``found``, ``none``, ``unsupported``, ``failed``, or ``refused`` by the checker.
    lower, upper
        Best-known bounds, in the units of the file as everything here.
    """

    family: str
    name: str
    competitor: str
    version: str
    time_s: float
    workers: int
    seed: int
    lower: float | None
    upper: float | None
    status: str
    value: float | None = None
    bound: float | None = None
    elapsed_s: float = 0.0
    found_by: str = ""
    trace: list[list[float]] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)
    why: str = ""

    @property
    def key(self) -> Key:
        """The identity of the run: records with the same key are results of one run."""
        case = f"{self.family}:{self.name}"
        return (case, self.competitor, self.version, self.time_s, self.workers, self.seed)

    def at(self, time_s: float) -> float | None:
        """Best value that was known at a time; ``None`` if there was none."""
        known = [value for found_s, value in self.trace if found_s <= time_s]
        if self.elapsed_s <= time_s and self.value is not None:
            known.append(self.value)
        return min(known, default=None)


def key_of(case: Case, competitor: str, budget: Budget) -> Key:
    """Key that a run is going to have."""
    version = version_of(competitor)
    return (case.key, competitor, version, budget.time_s, budget.workers, budget.seed)


def record_of(case: Case, competitor: str, budget: Budget, answer: dict[str, Any]) -> Record:
    """Put a run together."""
    return Record(
        family=case.family,
        name=case.name,
        competitor=competitor,
        version=version_of(competitor),
        lower=case.lower,
        upper=case.upper,
        **asdict(budget),
        **answer,
    )


def read(file: Path) -> Iterator[Record]:
    """Records of a file; none if it is not there. A last line that was cut off does not count."""
    if not file.is_file():
        return
    for line in file.read_text(encoding="utf-8").splitlines():
        try:
            yield Record(**json.loads(line))
        except ValueError:
            continue


def append(file: Path, record: Record) -> None:
    """Add a record, at once."""
    file.parent.mkdir(parents=True, exist_ok=True)
    text = file.read_bytes()[-1:] if file.is_file() else b"\n"
    with file.open("a", encoding="utf-8") as lines:
        # After a line that was cut off, a line of its own.
        lines.write(("" if text in (b"\n", b"") else "\n") + json.dumps(asdict(record)) + "\n")
