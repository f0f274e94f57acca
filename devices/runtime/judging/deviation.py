"""Distance of a provider's outputs from the CPU's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from fjord.narrow import widened

INCOMPARABLE = 1e30
"""Error of an output of another shape, or one that is a number on one side only. Finite, since it
travels as JSON."""


def deviation(expected: Any, got: Any) -> float:
    """Distance of two outputs, relative to the largest expected value.

    Examples
    --------
    >>> deviation(np.array([1.0, -4.0]), np.array([1.0, -3.0]))
    0.25
    """
    expected, got = widened(np.asarray(expected)), widened(np.asarray(got))
    if expected.shape != got.shape:
        return INCOMPARABLE
    if expected.size == 0:
        return 0.0
    if expected.dtype.kind != "f":
        return float(np.mean(expected != got))
    return _float_deviation(expected.astype(np.float64), got.astype(np.float64))


def _float_deviation(expected: np.ndarray[Any, Any], got: np.ndarray[Any, Any]) -> float:
    finite = np.isfinite(expected)
    # Infinities and NaNs must be the same in the same places; then the rest is compared.
    if not np.array_equal(expected[~finite], got[~finite], equal_nan=True):
        return INCOMPARABLE
    if not finite.any():
        return 0.0
    difference = float(np.max(np.abs(expected[finite] - got[finite])))
    if np.isnan(difference):
        return INCOMPARABLE
    scale = float(np.max(np.abs(expected[finite])))
    return min(INCOMPARABLE, difference / scale if scale else difference)


def worst(expected: Mapping[str, Any], got: Mapping[str, Any]) -> tuple[str, float]:
    """The output that is off the most, and by how much."""
    errors = {name: deviation(expected[name], got[name]) for name in expected}
    name = max(errors, key=lambda name: errors[name])
    return name, errors[name]
