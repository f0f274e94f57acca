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

from devices.catalogue import Provider, provider
from devices.runtime.engines.engine import Shapes
from devices.runtime.errors import RunFailed
from devices.runtime.inputs import seeded_inputs
from devices.runtime.judging.deviation import INCOMPARABLE, worst
from devices.runtime.session import open_session
from scheduler.model.messages import Verdict

SEED = 20
"""Seed of the canary's inputs: any will do, as long as it is always the same."""

Values = Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Canary:
    """Finding of the canary.

    Parameters
    ----------
    error
        Largest deviation from the CPU, relative to the largest value of that output; for outputs
        that are no floats the share of elements that differ.
    output
        The worst output; empty if all are right.
    """

    error: float
    verdict: Verdict
    reason: str = ""
    output: str = ""


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
    output, error = worst(expected, got)
    if error <= row.tolerance:
        return Canary(error=error, verdict=Verdict.USABLE)
    return Canary(
        error=error,
        verdict=Verdict.WRONG,
        output=output,
        reason=f"output {output!r} is off by {error:.3g} of the largest value; "
        f"{row.name} may be off by {row.tolerance:g}",
    )
