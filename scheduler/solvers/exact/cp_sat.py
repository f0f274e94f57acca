"""CP-SAT on the whole problem: finds plans, proves bounds, optima and infeasibility."""

from __future__ import annotations

import math
from dataclasses import dataclass

from scheduler.model.objectives import Objective
from scheduler.model.schedule import Status
from scheduler.solvers.arrays import Arrays
from scheduler.solvers.exact.constraints import constrained
from scheduler.solvers.exact.cp_model import Interrupted, Values
from scheduler.solvers.exact.cp_objectives import SumTooLarge, minimise
from scheduler.solvers.exact.engine import WORK_PER_ENGINE_S, Effort, run
from scheduler.solvers.exact.frame import Frame, bound_of, frame_of, frozen_overruns_us
from scheduler.solvers.search import WORK_PER_S, Found, Search

MAX_HORIZON_US = 2**56
"""The engine sums in 64 bits; beyond this (2000 years) a few terms could overflow."""
MAX_MODES = 300_000
"""Most modes; a model of more takes longer to write down than a search usually lasts."""
FIRST_SLICE_S = 2.0
"""Least time of the engine before it restarts from a plan that others found. Each slice is twice as
long as the one before, so that learning anew costs at most half of all time."""
BY = "cp_sat"


@dataclass(frozen=True, slots=True, kw_only=True)
class CpSat:
    """Constraint programming with clause learning, on the whole model.

    Starts from the best plan of the search, if there is one, within the frame of plans that are not
    worse. Bands are ignored: for strict bands the caller solves band by band. With one worker and a
    limit in work the answer is the same each time. Identical machines are left to the symmetry
    detection of the engine.

    Parameters
    ----------
    linearization
        As in `Effort`. Levels prove in different ways, which a second opinion can use.

    References
    ----------
    Perron, Didier and Gay (2023), The CP-SAT-LP solver, doi:10.4230/LIPIcs.CP.2023.3. The model
    is the flexible job shop with optional intervals, with transfers per pair of devices.
    """

    workers: int = 1
    linearization: int | None = None

    def __call__(self, search: Search, seed: int) -> None:
        """Search until the optimum is proven, or until the search is over."""
        form, soft = search.form, search.objective is Objective.DEADLINE_MISSES
        if not soft and frozen_overruns_us(form).any():
            search.refute()
            return
        slice_s = FIRST_SLICE_S
        while not search.stop_flag[0]:
            incumbent = search.best
            frame = frame_of(form, search.objective, incumbent, soft=soft)
            least = bound_of(form, search.objective, frame)
            if least is not None:
                search.raise_bound(least)
            if is_unwritable(form, frame) or not search.spend():
                return
            try:
                over = self._slice(search, seed, frame, incumbent, slice_s)
            except (Interrupted, SumTooLarge):
                return
            if over:
                return
            slice_s *= 2

    def _slice(
        self, search: Search, seed: int, frame: Frame, incumbent: Found | None, slice_s: float
    ) -> bool:
        """Run until the end, or until others find a better plan; true if the search is decided."""
        model = constrained(
            search.form,
            frame,
            soft=search.objective is Objective.DEADLINE_MISSES,
            stopped=lambda: bool(search.stop_flag[0]),
        )
        offset = minimise(model, search.objective)
        if incumbent is not None:
            model.hint(incumbent.solution)
        until_s = search.elapsed_s + slice_s

        def taken(values: Values) -> None:
            search.offer(model.solution(values), BY)

        def stale() -> bool:
            found = search.best
            others = found is not None and found is not incumbent and found.by != BY
            return others and search.elapsed_s > until_s

        outcome = run(
            model,
            search,
            seed,
            # The engine cannot pause, so others of its lane have their turns between two slices.
            Effort(
                slice_s * WORK_PER_S / WORK_PER_ENGINE_S if search.takes_turns else math.inf,
                self.workers,
                linearization=self.linearization,
            ),
            taken=taken,
            bounded=lambda bound: search.raise_bound(bound + offset, claimed_by=BY),
            stale=stale,
        )
        if outcome.status is Status.INFEASIBLE:
            _conclude_infeasible(search, incumbent)
        elif outcome.bound is not None:
            search.raise_bound(outcome.bound + offset, claimed_by=BY)
        return outcome.status in {Status.OPTIMAL, Status.INFEASIBLE}


def _conclude_infeasible(search: Search, incumbent: Found | None) -> None:
    """Conclude from an empty frame that there is no plan, unless a plan had narrowed the frame."""
    if incumbent is None or incumbent.score[0] > 0:
        search.refute(claimed_by=BY)


def is_unwritable(form: Arrays, frame: Frame) -> bool:
    """True if a model exceeds the engine's range, or takes too long to write down."""
    return frame.horizon_us > MAX_HORIZON_US or len(form.mode_us) > MAX_MODES


cp_sat = CpSat()
