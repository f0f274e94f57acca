"""The pace of a core: hidden clocks and neighbours of the host that slow down all that runs there.

Agents time a fixed loop beside each run (`devices.sensing.pace`). Work that waits for memory
follows the pace less than the loop does, so durations go with a power of it, which is fitted.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray

USUAL = 0.7
"""The power where none was fitted. Of three collections two are predicted best with it, and the
third with 0.3."""
LEAST_PAIRS = 30
"""Measurements beyond the first of their work below which the usual power is taken."""


def log_pace(pace_ns: int, usual_ns: int) -> float:
    """Logarithm of a core's slowness against the usual; 0 where one of them is not known (0).

    Usual is the pace at which the peaks of its machine were measured.

    Examples
    --------
    >>> round(log_pace(60_000, 40_000), 2), log_pace(60_000, 0)
    (0.41, 0.0)
    """
    return math.log(pace_ns / usual_ns) if pace_ns > 0 and usual_ns > 0 else 0.0


def fit_power(
    works: Sequence[Hashable], paces: Sequence[float], durations: Sequence[float]
) -> float:
    """The power of the pace that brings measurements of the same work together best.

    Parameters
    ----------
    works
        Work and place of each measurement: only equal ones are compared.
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
