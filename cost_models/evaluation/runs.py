"""After a few runs of the same partition under changing load: what each predictor says next."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.evaluation.baselines import machine_of, moving_average
from cost_models.evaluation.strangers import Strangers
from cost_models.profiles.measurement import Measurement

Vector = NDArray[np.float64]
RUNS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterRuns:
    """Predictions of rows that have enough runs before them.

    Parameters
    ----------
    rows
        Those that are predicted.
    learned_us
        The learned model (which has not seen the family), times the median ratio by which it was
        off in the runs before.
    average_us, last_us
        Moving average and last value of the same runs.
    """

    rows: tuple[Measurement, ...]
    learned_us: Vector
    average_us: Vector
    last_us: Vector


def after_runs(predicted: Strangers, runs: int = RUNS) -> AfterRuns:
    """Predict each row from one run of each of the rows before it, of the same partition there."""
    rows, learned, average, last = [], [], [], []
    for index, before in _histories(predicted.rows, runs):
        past = [float(predicted.rows[place].samples_us[-1]) for place in before]
        ratios = [us / predicted.p50_us[place] for us, place in zip(past, before, strict=True)]
        rows.append(predicted.rows[index])
        learned.append(predicted.p50_us[index] * float(np.median(ratios)))
        average.append(moving_average(past))
        last.append(past[-1])
    return AfterRuns(
        rows=tuple(rows),
        learned_us=np.array(learned),
        average_us=np.array(average),
        last_us=np.array(last),
    )


def partition_of(row: Measurement) -> tuple[object, ...]:
    """What makes two rows measurements of the same work at the same place."""
    shapes = tuple(sorted(row.shapes.items()))
    return (row.digest, shapes, row.batch, row.variant, machine_of(row), row.fingerprint)


def _histories(rows: Sequence[Measurement], runs: int) -> Iterator[tuple[int, list[int]]]:
    places: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index in sorted(range(len(rows)), key=lambda index: rows[index].at_us):
        before = places[partition_of(rows[index])]
        if len(before) >= runs:
            yield index, before[-runs:]
        before.append(index)
