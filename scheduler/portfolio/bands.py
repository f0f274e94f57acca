"""Priority bands: the value that each wants, its value in a plan, and the proofs of it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from scheduler.model.errors import InvalidSchedule
from scheduler.model.objectives import Objective
from scheduler.model.operations import Band
from scheduler.model.schedule import BandResult, Status
from scheduler.portfolio.members import missing_data
from scheduler.portfolio.rebasing import offset
from scheduler.portfolio.restricting import for_band
from scheduler.solvers.arrays import ENDED, NEVER_US, OPEN, Arrays, Solution
from scheduler.solvers.bounding import NEVER_STOP, Flag, lower_bound
from scheduler.solvers.kernels.serial.evaluation import CODES, score
from scheduler.solvers.wanting import Want

BOUND_WORK = 1_000_000
"""Array elements to read for the bound of a band: some milliseconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """The part that one band has in a problem.

    Parameters
    ----------
    want
        Objective that is minimised for it.
    offset
        Added to a value of the form, which counts times from its own origin, to give the problem's.
    counts
        True if it has a value: without any due date no job can be late. Otherwise its makespan is
        minimised, as far as that costs no other band.
    is_makespan
        True if its maximum lateness stands for its makespan.
    """

    band: Band
    want: Want
    offset: int
    counts: bool
    is_makespan: bool

    def worth(self, plan: Solution) -> tuple[int, int]:
        """Deadline overrun and value of the band in a plan."""
        late_us, value = score(self.want.form, *plan, CODES[self.want.objective])
        return int(late_us), int(value)

    def least(self, stop: Flag = NEVER_STOP) -> int:
        """Lower bound on its value, whatever other bands have."""
        return lower_bound(self.want.form, self.want.objective, stop, work=BOUND_WORK)


def shares(form: Arrays, objective: Objective, origin_us: int) -> list[Share]:
    """Share of each band whose jobs have operations, the most urgent first."""
    bands = np.unique(form.job_band[form.job]).tolist()
    return [_share(form, objective, origin_us, band) for band in bands]


def _share(form: Arrays, objective: Objective, origin_us: int, band: int) -> Share:
    own = for_band(form, band)
    present = own._replace(
        job_due_us=own.job_due_us[own.job], job_deadline_us=own.job_deadline_us[own.job]
    )
    counts = not missing_data(present, objective)
    is_makespan = not counts or objective is Objective.MAKESPAN
    if is_makespan:
        want = Want(form=ending(own, band), objective=Objective.MAX_LATENESS)
    else:
        want = Want(form=own, objective=objective)
    moved = offset(own, objective, origin_us)
    return Share(band=Band(band), want=want, offset=moved, counts=counts, is_makespan=is_makespan)


def ending(form: Arrays, band: int) -> Arrays:
    """Form in which the maximum lateness is the makespan of one band alone.

    The makespan of all would hide gains before the last end of another band.
    """
    own = form.job_band == band
    return form._replace(job_due_us=np.where(own, 0, NEVER_US))


def outlasted(form: Arrays, band: int) -> bool:
    """True if a fixed operation of another band could end after this band."""
    others = (form.state != OPEN) & (form.job_band[form.job] != band)
    if not others.any():
        return False
    least_us = lower_bound(ending(form, band), Objective.MAX_LATENESS, work=BOUND_WORK)
    return least_us < int(form.frozen_end_us[others].max())


class Proofs:
    """Bounds per band: the best value it can have while the bands above keep theirs."""

    def __init__(self, form: Arrays, objective: Objective, origin_us: int, stop: Flag) -> None:
        self.shares = shares(form, objective, origin_us)
        self.bounds = [share.least(stop) for share in self.shares]
        self.claimed_by = [""] * len(self.shares)

    def raise_bound(self, place: int, bound: int, *, claimed_by: str = "") -> None:
        """Take a bound that holds while all bands above keep their values."""
        if bound > self.bounds[place]:
            self.bounds[place], self.claimed_by[place] = bound, claimed_by

    def worth(self, plan: Solution) -> list[tuple[int, int]]:
        """Score by which plans compare: overrun and value of each band, the most urgent first.

        Makespans of bands without a value come last.
        """
        found = [(share.counts, share.worth(plan)) for share in self.shares]
        values = [worth if counts else (worth[0], 0) for counts, worth in found]
        return [*values, *(worth for counts, worth in found if not counts)]

    def proven(self, plan: Solution) -> int:
        """Number of bands, from the most urgent one on, that are proven optimal in order."""
        met = 0
        for share, bound in zip(self.shares, self.bounds, strict=True):
            late_us, value = share.worth(plan)
            if late_us or (share.counts and value > bound):
                break
            met += 1
        return met

    def told(self, plan: Solution | None, met: int) -> tuple[BandResult, ...]:
        """Results in the numbers of the problem. Below a band without proof, nothing is proven.

        Raises
        ------
        InvalidSchedule
            If a bound is above the value of the plan.
        """
        found = []
        # Bounds are of plans in which no band is late. In others a band can have a smaller value.
        is_late = plan is not None and any(share.worth(plan)[0] for share in self.shares)
        for place, share in enumerate(self.shares):
            least = self.bounds[place] + share.offset if share.counts else 0
            by = self.claimed_by[place] if share.counts else ""
            result = BandResult(band=share.band, status=Status.LIMIT, bound=least, claimed_by=by)
            if plan is not None:
                late_us, value = share.worth(plan)
                value = value + share.offset if share.counts else 0
                if least > value and not is_late:
                    message = f"bound of band {share.band.name} must be <= {value}; got {least}"
                    raise InvalidSchedule(message, field="bands")
                status = Status.LIMIT if late_us else Status.FEASIBLE
                status = Status.OPTIMAL if place < met else status
                result = replace(result, status=status, value=value, bound=min(least, value))
            found.append(result)
        return tuple(found)


def are_several(form: Arrays, objective: Objective) -> bool:
    """True if several bands have operations to plan, or another band hides gains of this one."""
    is_open = form.state == OPEN
    # In a sum, running operations of other bands have the same part in every plan.
    hides = objective in (Objective.MAKESPAN, Objective.MAX_LATENESS)
    judged = (form.state != ENDED) if hides else is_open
    return bool(is_open.any()) and len(np.unique(form.job_band[form.job[judged]])) > 1
