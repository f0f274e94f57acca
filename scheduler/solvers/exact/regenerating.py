"""From wanted starts, which need not fit to the microsecond, to a plan that keeps every rule."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import NEVER_US, Arrays, Solution
from scheduler.solvers.kernels.bounds import margins
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.kernels.timeline.listing import shift_left


def regenerated(form: Arrays, wanted: Solution, memory: Draft | None = None) -> Solution | None:
    """Place all operations in the order of the wanted starts, each as early as it fits.

    Parameters
    ----------
    memory
        A draft for the form, if there is one at hand.
    """
    w = draft(form) if memory is None else memory
    order = np.argsort(margins.respecting(form, wanted.start_us), kind="stable").astype(np.int32)
    # No start is too late here: what is not worth it will not be taken.
    never_us = np.full(len(order), NEVER_US, np.int64)
    if not shift_left(form, w, order, wanted.mode, never_us):
        return None
    return Solution(w.mode.copy(), w.start_us.copy())
