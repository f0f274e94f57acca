"""Simple predictors to compare with, on the same rows.

Those that go by the graph (per FLOP, roofline, sum of operators) are given one factor per machine,
the best for its median error on the families that they may see: none is held back by its unit.
Those that go by the past (average, last value) know nothing of a partition that has not run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cost_models.profiles.measurement import Measurement

Vector = NDArray[np.float64]
Size = Callable[[Measurement], float]

BY_GRAPH: Mapping[str, Size] = {
    "per FLOP": lambda row: row.graph.get("flops", 0.0),
    "roofline": lambda row: row.roofline_us,
    "operator sum": lambda row: row.operator_sum_us,
}
LAST_WEIGHT = 0.1
"""Least share of an observation in the moving average, as in the first oracle of this project."""


def machine_of(row: Measurement) -> str:
    """Machine, provider and threads: the subject of one line of a report."""
    cores = "" if row.threads == 1 else f" x{row.threads}"
    return f"{row.machine} {row.provider}{cores}"


def scaled(size: Size, known: Sequence[Measurement], asked: Sequence[Measurement]) -> Vector:
    """Sizes times the machine's median duration per size; NaN where nothing is known of it."""
    ratios: dict[str, list[float]] = defaultdict(list)
    for row in known:
        if size(row) > 0:
            ratios[machine_of(row)].append(row.median_us / size(row))
    factors = {machine: float(np.median(each)) for machine, each in ratios.items()}
    nothing = float("nan")
    return np.array(
        [(size(row) or nothing) * factors.get(machine_of(row), nothing) for row in asked]
    )


def moving_average(past_us: Sequence[float]) -> float:
    """Average of past runs, in which the latest weighs a tenth or more."""
    average = past_us[0]
    for count, value in enumerate(past_us[1:], start=2):
        average += max(LAST_WEIGHT, 1.0 / count) * (value - average)
    return average
