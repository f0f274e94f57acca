"""Shift plans to the left: place operations again in the same order, as early as each fits."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import NEVER_US, Arrays, Solution
from scheduler.solvers.kernels.bounds import margins
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.kernels.timeline.listing import shift_left


def left_shifted(form: Arrays, solution: Solution, memory: Draft | None = None) -> Solution:
    """Keep all modes; move each operation, in order of start, into the first gap it fits.

    No operation starts later than before, because at its turn its old place is free. If setups
    depend on the previous operation, the order on each machine is kept.

    Parameters
    ----------
    memory
        A draft for the form, if there is one at hand.

    References
    ----------
    Sprecher, Kolisch and Drexl (1995), doi:10.1016/0377-2217(93)E0294-8.
    """
    w = draft(form) if memory is None else memory
    # Durations are at least 1, so the order of starts respects precedence.
    order = np.argsort(solution.start_us, kind="stable").astype(np.int32)
    if not shift_left(form, w, order, solution.mode, solution.start_us):
        return solution
    return Solution(mode=w.mode.copy(), start_us=w.start_us.copy())


def regenerated(form: Arrays, wanted: Solution, memory: Draft | None = None) -> Solution | None:
    """Place all operations in the order of the wanted starts, which need not be feasible.

    Parameters
    ----------
    memory
        A draft for the form, if there is one at hand.

    Returns
    -------
    Solution or None
        Nothing if an operation fits nowhere in this order.
    """
    w = draft(form) if memory is None else memory
    order = np.argsort(margins.respecting(form, wanted.start_us), kind="stable").astype(np.int32)
    # No start counts as too late: the caller drops a plan that is not worth it.
    never_us = np.full(len(order), NEVER_US, np.int64)
    if not shift_left(form, w, order, wanted.mode, never_us):
        return None
    return Solution(w.mode.copy(), w.start_us.copy())
