"""Figures of predictions against measurements."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Figures of one predictor on some rows.

    Parameters
    ----------
    rows
        Rows that it had an answer for.
    median_error
        Median distance of predicted / measured from 1; measured is the median of a row.
    within_10, within_20
        Share of rows with an error of at most 10 and 20 %.
    bias
        Median of predicted / measured, less 1: above 0 if it says too much.
    coverage
        Share of all samples that are at most p95; ``None`` if the predictor has none.
    """

    rows: int
    median_error: float
    within_10: float
    within_20: float
    bias: float
    coverage: float | None = None


def figures(
    predicted_us: Vector,
    measured_us: Vector,
    *,
    p95_us: Vector | None = None,
    samples_us: Sequence[Sequence[int]] = (),
) -> Figures | None:
    """Figures over the rows with a prediction (the others are NaN); ``None`` if there are none.

    Examples
    --------
    >>> found = figures(np.array([105.0, 90.0, np.nan]), np.array([100.0, 100.0, 1.0]))
    >>> found.rows, round(found.within_10, 2), round(found.bias, 3)
    (2, 1.0, -0.025)
    """
    known = np.isfinite(predicted_us)
    if not known.any():
        return None
    ratio = predicted_us[known] / measured_us[known]
    # A prediction of exactly 110 for 100 is within 10 %, whatever binary fractions say.
    errors = np.abs(ratio - 1.0) - 1e-9
    return Figures(
        rows=int(known.sum()),
        median_error=float(np.median(np.abs(ratio - 1.0))),
        within_10=float(np.mean(errors <= 0.10)),
        within_20=float(np.mean(errors <= 0.20)),
        bias=float(np.median(ratio) - 1.0),
        coverage=None if p95_us is None else _coverage(p95_us, samples_us),
    )


def _coverage(p95_us: Vector, samples_us: Sequence[Sequence[int]]) -> float:
    """Each row weighs the same, however many samples it has."""
    shares = [
        np.mean(np.array(samples) <= most) for most, samples in zip(p95_us, samples_us, strict=True)
    ]
    return float(np.mean(shares))
