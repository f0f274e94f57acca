"""Trains an artifact from measurements: a fit to all, calibrated on families left out."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.artifact import Artifact
from cost_models.learned.calibration import group_of, widen
from cost_models.learned.fitting import family_of, fit, networks_of, samples_of
from cost_models.learned.learned import Quantiles
from cost_models.learned.size import EnsembleSize
from cost_models.profiles.measurement import Measurement
from scheduler.model.errors import InvalidMeasurement

FOLDS = 5
LEAST_FAMILIES = 2


def train(rows: Sequence[Measurement], *, seed: int, size: EnsembleSize | None = None) -> Artifact:
    """Fit to all rows, and calibrate on families that a fit has not seen.

    Raises
    ------
    InvalidMeasurement
        If the rows are of fewer than two families of networks, or carry no features.
    Unavailable
        If a library that training needs is missing.
    """
    ordered = sorted(rows, key=lambda row: (row.at_us, row.row_digest))
    _check(ordered)
    size = size or EnsembleSize()
    held_out = [
        (held, fit([row for row in ordered if family_of(row) not in families], seed, size))
        for families in _folds(ordered)
        if (held := [row for row in ordered if family_of(row) in families])
    ]
    scores = [_Scores.of(held, fitted.predict(held)) for held, fitted in held_out]
    artifact = fit(ordered, seed, size).artifact
    return replace(artifact, widen=_widen(scores), metrics=_metrics(scores))


def _check(rows: Sequence[Measurement]) -> None:
    for index, row in enumerate(rows):
        if not row.graph:
            name = f"rows[{index}].graph"
            raise InvalidMeasurement(f"{name} must hold features; got none", field=name)
        if not row.kernels:
            name = f"rows[{index}].kernels"
            raise InvalidMeasurement(
                f"{name} must name the kernels of the graph; got none: measure it again", field=name
            )
    families = {family_of(row) for row in networks_of(rows)}
    if len(families) < LEAST_FAMILIES:
        raise InvalidMeasurement(
            f"training needs rows of {LEAST_FAMILIES} families or more; got {len(families)}",
            field="rows",
        )


def _folds(rows: Sequence[Measurement]) -> list[set[str]]:
    """Families in folds of about as many rows each, the largest family first."""
    sizes: dict[str, int] = {}
    for row in networks_of(rows):
        sizes[family_of(row)] = sizes.get(family_of(row), 0) + 1
    folds: list[set[str]] = [set() for _ in range(min(FOLDS, len(sizes)))]
    filled = [0] * len(folds)
    for family in sorted(sizes, key=lambda name: (-sizes[name], _hash(name))):
        least = filled.index(min(filled))
        folds[least].add(family)
        filled[least] += sizes[family]
    return folds


def _hash(name: str) -> str:
    return hashlib.sha256(name.encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class _Scores:
    """Figures of predictions of held-out rows."""

    scores: NDArray[np.float64]
    weights: NDArray[np.float64]
    groups: list[str]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Measurement], predicted: Quantiles) -> _Scores:
        places, samples, weights = samples_of(rows)
        medians = np.array([row.median_us for row in rows])
        groups = [
            group_of(rows[place].load, is_outside=bool(predicted.is_outside[place]))
            for place in places
        ]
        scores = np.log(samples / predicted.p95_us[places])
        return cls(scores, weights, groups, np.abs(predicted.p50_us / medians - 1.0))


def _widen(held_out: Sequence[_Scores]) -> dict[str, float]:
    groups = [group for each in held_out for group in each.groups]
    scores = np.concatenate([each.scores for each in held_out])
    return widen(scores, np.concatenate([each.weights for each in held_out]), groups)


def _metrics(held_out: Sequence[_Scores]) -> dict[str, float]:
    errors = np.concatenate([each.errors for each in held_out])
    return {
        "median_error": float(np.median(errors)),
        "within_10": float(np.mean(errors <= 0.10)),
        "within_20": float(np.mean(errors <= 0.20)),
    }
