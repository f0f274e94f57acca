"""Start everything as early as it can: from any plan to an active one that is no worse."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.kernels.timeline.listing import shift_left


def left_shifted(form: Arrays, solution: Solution, memory: Draft | None = None) -> Solution:
    """Keep all modes; move each operation, in order of start, into the first gap it fits.

    None starts later than before: when its turn comes, its old place is free. Where setups depend
    on who was before, the order on each machine is kept.

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
