"""The numeric canary: a provider must compute the same as the CPU.

Some providers give wrong results for some models and say nothing: one WebGPU release is off by
more than the result itself for convolutions of 33 input channels. So every model is tried on every
provider before its results count.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from devices.catalogue import Provider, provider
from devices.runtime.engines.engine import Shapes
from devices.runtime.errors import RunFailed
from devices.runtime.inputs import seeded_inputs
from devices.runtime.session import open_session
from scheduler.model.messages import Verdict

SEED = 20
"""Seed of the canary's inputs: any will do, as long as it is always the same."""

INCOMPARABLE = 1e30
"""Error of an output of another shape, or one that is a number on one side only. Finite, since it
travels as JSON."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Finding of the canary.

    Parameters
    ----------
    error
        Largest deviation from the CPU, relative to the largest value of that output; for outputs
        that are no floats the share of elements that differ.
    """

    error: float
    verdict: Verdict
    reason: str = ""


def canary(path: Path, row: Provider, *, shapes: Shapes, seed: int = SEED) -> Canary:
    """Open a model on a provider and compare it with the CPU on seeded inputs.

    Raises
    ------
    ProviderRefused
        If it cannot be opened on the provider at all.
    """
    session = open_session(path, row, shapes=shapes)
    inputs = seeded_inputs(session.inputs, shapes, seed)
    expected = cpu_outputs(path, inputs)
    try:
        got = session.run(inputs)
    except RunFailed as error:
        return Canary(error=INCOMPARABLE, verdict=Verdict.FAILED, reason=error.message)
    return judge(expected, got, row)


def cpu_outputs(path: Path, inputs: Mapping[str, Any]) -> Values:
    """Outputs of the CPU for a model and inputs: the reference."""
    return open_session(path, provider("cpu")).run(inputs)


def judge(expected: Values, got: Values, row: Provider) -> Canary:
    """Compare a provider's outputs with the CPU's, by the tolerance of its row."""
    errors = {name: deviation(expected[name], got[name]) for name in expected}
    worst = max(errors, key=lambda name: errors[name])
    error = errors[worst]
    if error <= row.tolerance:
        return Canary(error=error, verdict=Verdict.USABLE)
    return Canary(
        error=error,
        verdict=Verdict.WRONG,
        reason=f"output {worst!r} is off by {error:.3g} of the largest value; "
        f"{row.name} may be off by {row.tolerance:g}",
    )


def deviation(expected: Any, got: Any) -> float:
    """Distance of two outputs, relative to the largest expected value.

    Examples
    --------
    >>> deviation(np.array([1.0, -4.0]), np.array([1.0, -3.0]))
    0.25
    """
    expected, got = np.asarray(expected), np.asarray(got)
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
