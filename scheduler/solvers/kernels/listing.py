"""List scheduling: operations one after another, each where it costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import kernel, part, wide
from scheduler.solvers.kernels.timelines import earliest_start, place, reset

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long
    from scheduler.solvers.kernels.drafts import Draft

_OPEN = 0


@part
def regenerate(a: Arrays, w: Draft, order: Int, mode: Int, append: bool) -> bool:
    """Place operations in an order that respects precedence, each in its mode as early as it fits.

    False if a mode does not fit; the draft then ends in the middle.
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
