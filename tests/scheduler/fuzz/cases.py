"""One question to the solvers, as a test can load it: problem, objective, first plan."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scheduler.model import codec
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule

DATA = Path(__file__).parents[2] / "data"
FOUND = DATA / "fuzz"
"""Cases that were wrong once."""
REGRESSIONS = DATA / "regressions"
"""Problems whose makespan was wrong once."""


@dataclass(frozen=True)
class Case:
    """A question.

    Parameters
    ----------
    warm_start
        A plan to begin with, for a problem that need not be quite the same.
    """

    problem: Problem
    objective: Objective = Objective.MAKESPAN
    warm_start: Schedule | None = None


def objectives(problem: Problem) -> list[Objective]:
    """Objectives that suit a problem: some need dates that jobs may lack."""
    missing: set[Objective] = set()
    if all(job.due_us is None for job in problem.jobs):
        missing |= {Objective.MAX_LATENESS, Objective.WEIGHTED_TARDINESS}
    if all(job.deadline_us is None for job in problem.jobs):
        missing.add(Objective.DEADLINE_MISSES)
    return [objective for objective in Objective if objective not in missing]


def to_json(case: Case, **more: Any) -> dict[str, Any]:
    return {
        **more,
        "objective": case.objective.value,
        "warm_start": None if case.warm_start is None else codec.to_json(case.warm_start),
        "problem": codec.to_json(case.problem),
    }


def from_json(document: dict[str, Any]) -> Case:
    """Read a case; raises `InvalidInput` if it breaks a law."""
    plan = document.get("warm_start")
    return Case(
        problem=codec.from_json(document["problem"]),
        objective=Objective(document["objective"]),
        warm_start=None if plan is None else codec.schedule_from_json(plan),
    )


def write(case: Case, file: Path, **more: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(to_json(case, **more), indent=1) + "\n")


def read(file: Path) -> Case:
    document = json.loads(file.read_text())
    return from_json(document if "problem" in document else _asked(document))


def _asked(problem: dict[str, Any]) -> dict[str, Any]:
    return {"problem": problem, "objective": Objective.MAKESPAN.value}


def known() -> list[Path]:
    """Files of all cases that were wrong once."""
    return sorted([*FOUND.glob("*.json"), *REGRESSIONS.glob("*.json")])
