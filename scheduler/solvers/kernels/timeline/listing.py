"""List scheduling: places operations in a given order, each in the mode that costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.timeline.picking import announce, cheapest, cheapest_ahead, trial
from scheduler.solvers.kernels.timeline.timelines import earliest_start, place, reset

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.timeline.drafts import Draft

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]
Flag = NDArray[np.int8]

DONE, STUCK, STOPPED = 0, 1, 2
"""Ends of a construction; `STUCK` if an operation fits nowhere any more."""
_OPEN = 0


@kernel
def list_schedule(
    a: Arrays, w: Draft, order: Int, penalty: Float, append: bool, ahead: bool, stop: Flag
) -> int:
    """Place all operations in an order, each in the mode that costs least.

    Parameters
    ----------
    penalty
        Per mode, a cost added to its finish; empty for none. Of equal modes the first is taken.
    ahead
        True if a mode instead costs the latest finish of the operation's targets, each placed next
        in the mode in which it finishes earliest.
    """
    reset(a, w)
    t = trial(a, w, order, ahead)
    for position in range(len(order)):
        i = wide(order[position])
        if a.state[i] != _OPEN:
            continue
        if stop[0] != 0:
            return STOPPED
        if ahead:
            k, start_us = cheapest_ahead(a, w, i, t, penalty, append)
        else:
            k, start_us = cheapest(a, w, i, t.ready_us, penalty, append)
        if k < 0:
            return STUCK
        place(a, w, i, k, start_us)
        if ahead:
            announce(a, w, i, t)
    return DONE


@lean_part
def regenerate(a: Arrays, w: Draft, order: Int, mode: Int, append: bool) -> bool:
    """Place operations in an order that respects precedence, each in its mode as early as it fits.

    False if a mode does not fit; the draft is then incomplete.
    """
    reset(a, w)
    for position in range(len(order)):
        i = wide(order[position])
        if a.state[i] != _OPEN:
            continue
        k = wide(mode[i])
        start_us = earliest_start(a, w, i, k, append)
        if start_us < 0:
            return False
        place(a, w, i, k, start_us)
    return True


@kernel
def shift_left(a: Arrays, w: Draft, order: Int, mode: Int, start_us: Long) -> bool:
    """Regenerate a plan in order of its starts; false if that would delay an operation."""
    if not regenerate(a, w, order, mode, not w.spans.merged):
        return False
    later = 0
    for i in range(len(start_us)):
        later += w.start_us[i] > start_us[i]
    return later == 0
