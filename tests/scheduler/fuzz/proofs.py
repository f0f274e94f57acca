"""Bounds of CP-SAT near problems on which an earlier form of its model proved too much.

Such errors are rare on random problems and common near those that had them, so that is where they
are looked for: another form of the model, or another release of the engine, has to pass here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import fits_nowhere
from scheduler.solvers.exact.cp_sat import CpSat
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays
from tests.scheduler.fuzz.brute import optimum
from tests.scheduler.fuzz.cases import REGRESSIONS, Case, read
from tests.scheduler.fuzz.changing import near

TRAPS = ("three_lanes_8", "shared_ends_21", "shared_ends_unrelaxed_21")
SETTINGS = (None, 0, 2)
"""Levels of linear relaxation; ``None`` is what the product uses."""
SEEDS = (0, 1)
WORK = 20 * WORK_PER_S


@dataclass(frozen=True)
class Claim:
    """CP-SAT's claim about a neighbour, and the truth: a bound, or ``None`` for infeasible."""

    case: Case
    setting: int | None
    seed: int
    said: int | None
    true: int | None

    @property
    def is_wrong(self) -> bool:
        """True if a schedule beats the bound, or there is none, or one although it says none."""
        if self.said is None or self.true is None:
            return self.said is not self.true
        return self.said > self.true


def neighbours(count: int) -> Iterator[Case]:
    """A number of problems near the traps, in turns; the same ones each time."""
    traps, number = [read(REGRESSIONS / f"{name}.json") for name in TRAPS], 0
    while count:
        number += 1
        found = near(traps[number % len(traps)], Random(number))
        case = replace(found, objective=Objective.MAKESPAN, warm_start=None)
        # Bounds of several bands are not what the traps are about; nor do they change the model.
        if not fits_nowhere(arrays(case.problem)):
            count -= 1
            yield case


def claims(case: Case) -> Iterator[Claim]:
    """Claims for all settings and seeds, without a first plan; none for problems too large."""
    best = optimum(case.problem, case.objective)
    if best is None:
        return
    true = None if best.schedule is None else best.values[0]
    for setting in SETTINGS:
        for seed in SEEDS:
            search = Search(arrays(case.problem), lambda: 0.0, case.objective)
            CpSat(linearization=setting)(search.part(work=WORK), seed)
            yield Claim(case, setting, seed, None if search.infeasible else search.bound, true)
