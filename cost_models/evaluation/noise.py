"""The noise floor: how far the same thing is from itself. No prediction can be better."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import pairwise
from statistics import median

import numpy as np

from cost_models.evaluation.metrics import Figures, figures
from cost_models.evaluation.runs import partition_of
from cost_models.learned.query import is_loaded
from cost_models.profiles.measurement import Measurement

LEAST_SAMPLES = 4


def at_once(rows: Sequence[Measurement]) -> Figures | None:
    """The first half of each row's samples against the second half."""
    halves = [row.samples_us for row in rows if len(row.samples_us) >= LEAST_SAMPLES]
    first = [median(samples[: len(samples) // 2]) for samples in halves]
    second = [median(samples[len(samples) // 2 :]) for samples in halves]
    return figures(np.array(first, dtype=np.float64), np.array(second, dtype=np.float64))


def later(rows: Sequence[Measurement]) -> Figures | None:
    """A row at rest against the next one of the same work, also at rest, some time after."""
    again: dict[tuple[object, ...], list[Measurement]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: row.at_us):
        if not is_loaded(row.load):
            again[partition_of(row)].append(row)
    pairs = [pair for each in again.values() for pair in pairwise(each)]
    first = [before.median_us for before, _ in pairs]
    second = [after.median_us for _, after in pairs]
    return figures(np.array(first, dtype=np.float64), np.array(second, dtype=np.float64))
