"""List scheduling: operations one after another, each where it costs least."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.timelines import (
    earliest_start,
    fits,
    lift,
    place,
    ready_us,
    reset,
    slot,
)

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.drafts import Draft

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]
Flag = NDArray[np.int8]

DONE, STUCK, STOPPED = 0, 1, 2
"""How the construction of a plan ends; `STUCK` if some operation fits nowhere any more."""
_OPEN = 0


@kernel
def list_schedule(
    a: Arrays, w: Draft, order: Int, penalty: Float, append: bool, ahead: bool, stop: Flag
) -> int:
    """Place all operations in an order, each in the mode that costs least.

    Parameters
    ----------
    penalty
        Per mode, what is added to its finish; empty for nothing. Of equal modes the first is
        taken.
    ahead
        Whether a mode costs the finish of the latest of the operation's targets instead, if each
        were to follow at once where it finishes earliest.
    """
    reset(a, w)
    widest = 0
    for i in range(len(order)):
        widest = max(widest, a.target_first[i + 1] - a.target_first[i])
    # Per target on trial: which one, and the last end on its machine before.
    trial = np.zeros((2, widest), np.int64)
    rank = np.zeros(len(order) if ahead else 0, np.int64)
    for position in range(len(rank)):
        rank[order[position]] = position
    for position in range(len(order)):
        i = wide(order[position])
        if a.state[i] != _OPEN:
            continue
        if stop[0] != 0:
            return STOPPED
        if ahead:
            k, start_us = _cheapest_ahead(a, w, i, rank, trial, penalty, append)
        else:
            k, start_us = cheapest(a, w, i, penalty, append)
        if k < 0:
            return STUCK
        place(a, w, i, k, start_us)
    return DONE


@lean_part
def cheapest(a: Arrays, w: Draft, i: int, penalty: Float, append: bool) -> tuple[int, int]:
    """Mode of an operation with the least sum of finish and penalty, and its start; or -1."""
    best = best_start_us = wide(-1)
    best_cost = np.inf
    device = ready = wide(-1)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        there = wide(a.machine_device[a.mode_machine[k]])
        if there != device:
            device = there
            ready = ready_us(a, w, i, device)
        more = a.mode_us[k] - a.now_us + (penalty[k] if len(penalty) else 0.0)
        # A lower bound on the cost saves the search for a gap.
        if ready < 0 or ready + more >= best_cost or not fits(a, w, i, wide(k)):
            continue
        start_us = slot(a, w, wide(k), ready, append)
        if start_us + more < best_cost:
            best, best_start_us, best_cost = wide(k), start_us, start_us + more
    return best, best_start_us


@lean_part
def _cheapest_ahead(
    a: Arrays, w: Draft, i: int, rank: Long, trial: Long, penalty: Float, append: bool
) -> tuple[int, int]:
    """Mode with which the latest of the targets could finish earliest, and its start; or -1.

    Ties go to the mode that itself finishes earlier.
    """
    best = best_start_us = wide(-1)
    best_us = best_end_us = wide(2**62)
    count = _targets_by_rank(a, i, rank, trial)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        start_us = earliest_start(a, w, i, wide(k), append)
        if start_us < 0:
            continue
        end_us = start_us + a.mode_us[k]
        last_us = w.last_us[a.mode_machine[k]]
        place(a, w, i, wide(k), start_us)
        latest_us = max(end_us, _targets_end_us(a, w, trial, count, penalty, append))
        lift(a, w, i, last_us)
        if latest_us < best_us or (latest_us == best_us and end_us < best_end_us):
            best, best_start_us = wide(k), start_us
            best_us, best_end_us = latest_us, end_us
    return best, best_start_us


@lean_part
def _targets_by_rank(a: Arrays, i: int, rank: Long, trial: Long) -> int:
    """Write down the targets of an operation, most urgent first; how many."""
    count = 0
    for e in range(a.target_first[i], a.target_first[i + 1]):
        target = a.target_op[e]
        place_at = count
        while place_at > 0 and rank[trial[0, place_at - 1]] >= rank[target]:
            place_at -= 1
        # Several edges may join the same two operations.
        if place_at < count and trial[0, place_at] == target:
            continue
        for x in range(count, place_at, -1):
            trial[0, x] = trial[0, x - 1]
        trial[0, place_at] = target
        count += 1
    return count


@lean_part
def _targets_end_us(
    a: Arrays, w: Draft, trial: Long, count: int, penalty: Float, append: bool
) -> int:
    """Latest end of targets that are placed on trial; very late if one fits nowhere."""
    latest_us = wide(0)
    placed = 0
    while placed < count and latest_us < 2**61:
        target = trial[0, placed]
        k, start_us = cheapest(a, w, target, penalty, append)
        if k < 0:
            latest_us = wide(2**61)
        else:
            trial[1, placed] = w.last_us[a.mode_machine[k]]
            place(a, w, target, k, start_us)
            latest_us = max(latest_us, w.end_us[target])
            placed += 1
    for x in range(placed - 1, -1, -1):
        lift(a, w, trial[0, x], trial[1, x])
    return wide(latest_us)


@lean_part
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
