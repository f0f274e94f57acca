"""Mean times, over the modes of an operation and over pairs of devices.

Functions take single columns and not the whole form: handing the form to a compiled function takes
longer than all means of a small problem.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]

_OPEN = 0


@kernel
def durations(state: Int, mode_first: Int, mode_us: Long) -> Float:
    """Mean duration per operation, over its modes; 0 if it has started or has none."""
    mean_us = np.zeros(len(state), np.float64)
    for i in range(len(state)):
        first, last = mode_first[i], mode_first[i + 1]
        if state[i] == _OPEN and last > first:
            total_us = 0
            for k in range(first, last):
                total_us += mode_us[k]
            mean_us[i] = total_us / (last - first)
    return mean_us


@kernel
def transfers(edge_us: Long, link_latency_us: Long, link_rate: Int) -> Float:
    """Mean transfer time per edge, over connected pairs of distinct devices."""
    share = np.zeros(edge_us.shape[1], np.float64)
    pairs = latency_us = 0
    for x in range(len(link_latency_us)):
        for y in range(len(link_latency_us)):
            if x != y and link_latency_us[x, y] >= 0:
                share[link_rate[x, y]] += 1
                latency_us += link_latency_us[x, y]
                pairs += 1
    mean_us = np.zeros(len(edge_us), np.float64)
    if pairs == 0:
        return mean_us
    for e in range(len(edge_us)):
        total_us = 0.0
        for r in range(len(share)):
            total_us += edge_us[e, r] * (share[r] / pairs)
        mean_us[e] = total_us + latency_us / pairs
    return mean_us
