"""Use of each renewable resource over time, as sorted steps."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean_part, wide
from scheduler.solvers.kernels.sorting import above, not_below

Int = NDArray[np.int32]
Long = NDArray[np.int64]
_FAR_PAST_US = -(2**62)


class Steps(NamedTuple):
    """Per resource (row), the amount taken from each step until the next."""

    filled: Long
    at_us: Long
    taken: Long


def steps(resources: int, most: int) -> Steps:
    """Allocate for at most `most` operations."""
    shape = (resources, 2 * most + 2)
    return Steps(
        np.zeros(resources, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64)
    )


@lean_part
def clear_steps(s: Steps) -> None:
    """Leave every resource untouched."""
    for r in range(len(s.filled)):
        s.filled[r] = 1
        s.at_us[r, 0] = _FAR_PAST_US
        s.taken[r, 0] = 0


@lean_part
def below_from_us(s: Steps, r: int, start_us: int, duration_us: int, most: int) -> int:
    """First moment, not before `start_us`, from which at most `most` is taken for the duration."""
    times_us = s.at_us[r]
    taken = s.taken[r]
    count = s.filled[r]
    p = above(times_us, wide(0), count, start_us) - 1
    # From the last step on nothing is taken.
    while p < count - 1 and times_us[p] < start_us + duration_us:
        if taken[p] > most:
            start_us = times_us[p + 1]
        p += 1
    return start_us


@lean_part
def add(s: Steps, r: int, start_us: int, end_us: int, amount: int) -> None:
    """Take an amount in a span; a negative one gives it back."""
    if start_us < end_us:
        first = _step(s, r, start_us)
        last = _step(s, r, end_us)
        for p in range(first, last):
            s.taken[r, p] += amount
        # The later step first, because inserting a step moves those after it.
        _drop_if_level(s, r, last)
        _drop_if_level(s, r, first)


@lean_part
def _drop_if_level(s: Steps, r: int, p: int) -> None:
    """Drop a step that changes nothing, so that two steps per operation are room enough."""
    if s.taken[r, p] == s.taken[r, p - 1]:
        s.filled[r] -= 1
        for q in range(p, s.filled[r]):
            s.at_us[r, q] = s.at_us[r, q + 1]
            s.taken[r, q] = s.taken[r, q + 1]


@lean_part
def _step(s: Steps, r: int, at_us: int) -> int:
    """Position of the step that begins at a moment; inserted if there is none."""
    times_us = s.at_us[r]
    taken = s.taken[r]
    count = s.filled[r]
    p = not_below(times_us, wide(0), count, at_us)
    if p < count and times_us[p] == at_us:
        return p
    for q in range(count, p, -1):
        times_us[q] = times_us[q - 1]
        taken[q] = taken[q - 1]
    times_us[p] = at_us
    taken[p] = taken[p - 1]
    s.filled[r] = count + 1
    return p
