"""Makes a prediction of a median and a deviation."""

from __future__ import annotations

from math import exp

from cost_models.online.correction import Track
from cost_models.online.session_times import SessionTime
from scheduler.model.measuring import Kind
from scheduler.model.ports import Prediction, Provenance

P10 = 0.78
"""Standard deviations to the p10 over those to the p95, of a normal distribution."""
LARGEST = 34.5
"""Largest logarithm of a duration: 30 years. Anything beyond is as good as never."""


def prediction(
    median: float,
    deviation: float,
    reach: float,
    provenance: Provenance,
    *,
    session: SessionTime,
    track: Track | None = None,
    observations: int = 0,
    kind: Kind = Kind.UNKNOWN,
) -> Prediction:
    """Whole microseconds, in order and at least 1, with memory and session time as far as known.

    Parameters
    ----------
    median, deviation
        Moments of the logarithm of the duration.
    reach
        Standard deviations from the median to the p95.
    session
        Time to make the session.
    track
        Track of the work there; ``None`` if nothing was measured.
    """
    p50_us = max(1, round(exp(min(median, LARGEST))))
    p10_us = max(1, round(exp(min(median - P10 * reach * deviation, LARGEST))))
    p95_us = max(p50_us, round(exp(min(median + reach * deviation, LARGEST))))
    return Prediction(
        p50_us=p50_us,
        p95_us=p95_us,
        p10_us=min(p10_us, p50_us),
        load_us=session.us,
        load_provenance=session.provenance,
        peak_bytes=track.peak_bytes if track is not None else 0,
        resident_bytes=track.resident_bytes if track is not None else 0,
        energy_uj=track.energy_uj if track is not None else None,
        provenance=provenance,
        observations=observations,
        observed_us=track.observed_us if track is not None else None,
        kind=kind,
    )
