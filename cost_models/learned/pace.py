"""The pace of a core: hidden clocks and neighbours of the host that slow down all that runs there.

Agents time a fixed loop beside each run (`devices.pace`). Work that waits for memory follows the
pace less than the loop does, so durations go with a power of it, which is fitted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

from scheduler.model.measuring import Load, Peaks

USUAL = 0.7
"""The power that was found on the hosts seen so far."""
LEAST_PAIRS = 30
"""Measurements beyond the first of their work below which the usual power is taken."""


def log_pace(load: Load, peaks: Peaks | None) -> float:
    """Logarithm of how much slower the core is than when its peaks were measured; 0 if unknown."""
    if peaks is None or load.pace_ns <= 0 or peaks.pace_ns <= 0:
        return 0.0
    return math.log(load.pace_ns / peaks.pace_ns)


def fit_power(
    works: Sequence[Hashable], paces: Sequence[float], durations: Sequence[float]
) -> float:
    """The power of the pace that brings measurements of the same work together best.

    Parameters
    ----------
    works
        What was measured where: only equal ones are compared.
    paces, durations
        Logarithms.
    """
    groups: dict[Hashable, list[int]] = defaultdict(list)
    for row, work in enumerate(works):
        groups[work].append(row)
    pairs = [rows for rows in groups.values() if len(rows) > 1]
    if sum(len(rows) - 1 for rows in pairs) < LEAST_PAIRS:
        return USUAL
    slower, longer = (
        np.concatenate([_centred([values[row] for row in rows]) for rows in pairs])
        for values in (paces, durations)
    )
    spread = float(slower @ slower)
    return min(1.0, max(0.0, float(slower @ longer) / spread)) if spread else USUAL


def _centred(values: Sequence[float]) -> NDArray[np.float64]:
    found = np.array(values, dtype=np.float64)
    return found - np.float64(np.median(found))
