"""Binary search in a sorted stretch of an array."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean_part

Long = NDArray[np.int64]


@lean_part
def not_below(values: Long, low: int, high: int, value: int) -> int:
    """First position in ``[low, high)`` whose value is not below; `high` if there is none."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] < value:
            low = middle + 1
        else:
            high = middle
    return low


@lean_part
def above(values: Long, low: int, high: int, value: int) -> int:
    """First position in ``[low, high)`` whose value is above; `high` if there is none."""
    while low < high:
        middle = (low + high) >> 1
        if values[middle] <= value:
            low = middle + 1
        else:
            high = middle
    return low
