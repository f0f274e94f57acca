"""Leave one family out: predict each network from models that never saw its kind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from cost_models.evaluation.baselines import BY_GRAPH, scaled
from cost_models.learned.calibration import group_of, widen, widen_of
from cost_models.learned.fitting import family_of, fit, networks_of
from cost_models.learned.size import EnsembleSize
from cost_models.profiles.measurement import KERNELS, Measurement
from scheduler.model.measuring import IDLE, Load

Vector = NDArray[np.float64]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Strangers:
    """Predictions for all rows, each from the other families.

    Parameters
    ----------
    p50_us, p95_us
        Of the learned model.
    idle_us, calm_us
        Its p50 if nothing else had gone on: at the usual pace of the core, and at the pace it had.
    baselines_us
        By name of the baseline; NaN where it has no answer.
    """

    rows: tuple[Measurement, ...]
    p50_us: Vector
    p95_us: Vector
    idle_us: Vector
    calm_us: Vector
    baselines_us: dict[str, Vector]


def leave_one_family_out(
    rows: Sequence[Measurement],
    *,
    seed: int,
    size: EnsembleSize | None = None,
    progress: Progress = lambda done, total: None,
) -> Strangers:
    """Predict the rows of each family of networks from all others and from the single kernels.

    The upper quantile of a family is calibrated on the others' rows, as they were predicted when
    it was their turn.
    """
    networks = networks_of(rows)
    single = [row for row in rows if row.family == KERNELS]
    families = sorted({family_of(row) for row in networks})
    p50, p95 = np.zeros(len(networks)), np.zeros(len(networks))
    idle, calm = np.zeros(len(networks)), np.zeros(len(networks))
    is_outside = np.zeros(len(networks), dtype=bool)
    baselines = {name: np.zeros(len(networks)) for name in BY_GRAPH}
    for number, family in enumerate(families):
        progress(number, len(families))
        held = np.array([family_of(row) == family for row in networks])
        known = [row for row, is_held in zip(networks, held, strict=True) if not is_held]
        asked = [row for row, is_held in zip(networks, held, strict=True) if is_held]
        fitted = fit([*known, *single], seed, size or EnsembleSize())
        predicted = fitted.predict(asked)
        idle[held] = fitted.predict([replace(row, load=IDLE) for row in asked]).p50_us
        calm[held] = fitted.predict([replace(row, load=_calm(row)) for row in asked]).p50_us
        p50[held], p95[held] = predicted.p50_us, predicted.p95_us
        is_outside[held] = predicted.is_outside
        for name, figure in BY_GRAPH.items():
            baselines[name][held] = scaled(figure, known, asked)
    progress(len(families), len(families))
    p95 = np.maximum(p50, p95 * _wider(networks, p95, is_outside))
    return Strangers(
        rows=tuple(networks),
        p50_us=p50,
        p95_us=p95,
        idle_us=idle,
        calm_us=calm,
        baselines_us=baselines,
    )


def _calm(row: Measurement) -> Load:
    return Load(pace_ns=row.load.pace_ns)


def _wider(rows: Sequence[Measurement], p95_us: Vector, is_outside: NDArray[np.bool_]) -> Vector:
    """Factor of each row's p95, from the rows of other families."""
    groups = [
        group_of(row.load, is_outside=bool(odd)) for row, odd in zip(rows, is_outside, strict=True)
    ]
    samples = [np.log(row.samples_us) - np.log(p95) for row, p95 in zip(rows, p95_us, strict=True)]
    families = np.array([family_of(row) for row in rows])
    factors = np.ones(len(rows))
    for family in sorted(set(families)):
        others = [index for index in range(len(rows)) if families[index] != family]
        found = _widen(others, samples, groups)
        for index in np.flatnonzero(families == family):
            factors[index] = np.exp(widen_of(found, groups[index]))
    return factors


def _widen(
    places: Sequence[int], samples: Sequence[Vector], groups: Sequence[str]
) -> dict[str, float]:
    scores = np.concatenate([samples[place] for place in places])
    weights = np.concatenate(
        [np.full(len(samples[place]), 1.0 / len(samples[place])) for place in places]
    )
    return widen(scores, weights, [groups[place] for place in places for _ in samples[place]])
