"""Want: the objective and data of one of several bands, in a plan for all of them."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import Arrays


@dataclass(frozen=True, slots=True, kw_only=True)
class Want:
    """Objective of one band, with the form that prices it.

    Parameters
    ----------
    form
        All operations, with due dates, deadlines, weights and energies of the jobs of the band.
    """

    form: Arrays
    objective: Objective
