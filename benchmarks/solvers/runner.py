"""Running a grid: one process per run, competitors in turn, finished runs left out."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.solvers import records
from benchmarks.solvers.cases import Case
from benchmarks.solvers.competitors import ROOT
from benchmarks.solvers.outcome import Budget

GRACE_S = 60.0
"""For starting, importing and building, before a run that does not end is ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """All runs to make."""

    cases: Sequence[Case]
    competitors: Sequence[str]
    seeds: Sequence[int]
    time_s: float
    workers: int

    def runs(self) -> Iterator[tuple[Case, str, Budget]]:
        """Runs one after another. Competitors take turns in going first."""
        for index, case in enumerate(self.cases):
            for seed in self.seeds:
                turn = (index + seed) % len(self.competitors)
                for competitor in (*self.competitors[turn:], *self.competitors[:turn]):
                    yield (
                        case,
                        competitor,
                        Budget(time_s=self.time_s, workers=self.workers, seed=seed),
                    )


def run(grid: Grid, results: Path, tell: Callable[[str], None]) -> None:
    """Make all runs whose results are not there yet; each is written down at once."""
    done = {record.key for record in records.read(results)}
    waiting = [one for one in grid.runs() if records.key_of(*one) not in done]
    for number, (case, competitor, budget) in enumerate(waiting, 1):
        answer = _answer(case, competitor, budget)
        record = records.record_of(case, competitor, budget, answer)
        records.append(results, record)
        tell(f"{number}/{len(waiting)}  {case.key}  {competitor}  {_said(record)}")


def _answer(case: Case, competitor: str, budget: Budget) -> dict[str, Any]:
    asked = {"case": case.as_dict(), "competitor": competitor, "budget": asdict(budget)}
    path = os.pathsep.join(filter(None, (str(ROOT), os.environ.get("PYTHONPATH", ""))))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.solvers.one"],
            input=json.dumps(asked),
            capture_output=True,
            text=True,
            env={**os.environ, "PYTHONPATH": path},
            timeout=budget.time_s * 2 + GRACE_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return {"status": "failed", "why": "did not end"}
    if done.returncode:
        last = done.stderr.strip().splitlines()[-1:] or [f"exit code {done.returncode}"]
        return {"status": "failed", "why": last[0]}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def _said(record: records.Record) -> str:
    if record.value is None:
        return f"{record.status} {record.why}".strip()
    against = f" (best known {record.upper:g})" if record.upper is not None else ""
    return f"{record.value:g}{against} {record.status} in {record.elapsed_s:.2f} s"
