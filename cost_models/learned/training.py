"""Trains an artifact from measurements; the same rows and seed give the same one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.artifact import Artifact
from cost_models.learned.base import Base, fit_base
from cost_models.learned.calibration import group_of, widen
from cost_models.learned.columns import (
    LOAD,
    columns_of,
    directions,
    load_columns,
    work_columns,
)
from cost_models.learned.forest import Forest, to_onnx
from cost_models.learned.learned import Learned, Quantiles
from cost_models.learned.quantiles import Shape, fit_quantiles
from cost_models.learned.query import Query, is_loaded, query_of
from cost_models.profiles.measurement import Measurement
from cost_models.profiles.store import data_digest
from scheduler.model.errors import InvalidMeasurement

FOLDS = 5
LEAST_FAMILIES = 2
SAMPLES_PER_ROW = 20
"""More of one row say little that is new, and cost time."""
LEAST_IDLE_SHARE = 0.1
"""Share of the rows at rest below which the base is fitted to all."""
LIBRARIES = ("numpy", "onnx", "scikit-learn", "scipy")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A base and its trees, with the artifact that holds them."""

    artifact: Artifact
    forest: Forest

    def predict(self, rows: Sequence[Measurement]) -> Quantiles:
        """Predict measured runs, beside the load that they had."""
        learned = Learned(self.artifact, self.forest.predict)
        return learned.predict_rows([query_of(row) for row in rows])


def train(rows: Sequence[Measurement], *, seed: int, shape: Shape | None = None) -> Artifact:
    """Fit to all rows, and calibrate on families that a fit has not seen.

    Raises
    ------
    InvalidMeasurement
        If the rows are of fewer than two families of networks, or carry no features.
    Unavailable
        If a library that training needs is missing.
    """
    ordered = sorted(rows, key=lambda row: (row.at_us, row.row_digest()))
    _check(ordered)
    shape = shape or Shape()
    held_out = [
        (held, fit([row for row in ordered if family_of(row) not in families], seed, shape))
        for families in _folds(ordered)
        if (held := [row for row in ordered if family_of(row) in families])
    ]
    scores = [_Scores.of(held, fitted.predict(held)) for held, fitted in held_out]
    artifact = fit(ordered, seed, shape).artifact
    return replace(artifact, widen=_widen(scores), metrics=_metrics(scores))


def fit(rows: Sequence[Measurement], seed: int, shape: Shape) -> Fitted:
    """Fit a base and its trees, without calibration."""
    queries = [query_of(row) for row in rows]
    base = _base(rows, queries)
    providers = tuple(sorted({row.provider for row in rows}))
    names = columns_of(providers)
    bases = np.array([base.predict(query) for query in queries])
    columns = [
        [*work_columns(query, base_us, providers), *load_columns(query.load, query.provider)]
        for query, base_us in zip(queries, bases, strict=True)
    ]
    places, samples, weights = _samples(rows)
    forest = fit_quantiles(
        np.array(columns, dtype=np.float32)[places],
        np.log(samples / bases[places]),
        weights,
        directions=directions(names),
        seed=seed,
        shape=shape,
    )
    artifact = Artifact(
        onnx=to_onnx(forest, len(names)),
        names=names,
        base=base,
        providers=providers,
        widen={"all": 0.0},
        ranges=_ranges(rows),
        families=tuple(sorted({family_of(row) for row in rows})),
        data_digest=data_digest(rows),
        rows=len(rows),
        seed=seed,
        versions={name: version(name) for name in LIBRARIES},
    )
    return Fitted(artifact, forest)


def family_of(row: Measurement) -> str:
    """What is held out together: the family, or the model itself where that is not known."""
    return row.family or row.digest


def _check(rows: Sequence[Measurement]) -> None:
    for index, row in enumerate(rows):
        if not row.graph:
            name = f"rows[{index}].graph"
            raise InvalidMeasurement(f"{name} must hold features; got none", field=name)
    families = {family_of(row) for row in rows}
    if len(families) < LEAST_FAMILIES:
        raise InvalidMeasurement(
            f"training needs rows of {LEAST_FAMILIES} families or more; got {len(families)}",
            field="rows",
        )


def _base(rows: Sequence[Measurement], queries: Sequence[Query]) -> Base:
    calm = [
        index for index, row in enumerate(rows) if not is_loaded(row.load) and not row.load.is_cold
    ]
    chosen = calm if len(calm) >= LEAST_IDLE_SHARE * len(rows) else range(len(rows))
    families = [family_of(rows[i]) for i in chosen]
    return fit_base([queries[i] for i in chosen], [rows[i].median_us for i in chosen], families)


def _samples(rows: Sequence[Measurement]) -> tuple[NDArray[np.int64], Any, Any]:
    """Row of each sample, the samples, and their weights: each row weighs 1."""
    kept = [_spread(row.samples_us) for row in rows]
    places = np.repeat(np.arange(len(rows)), [len(each) for each in kept])
    weights = np.concatenate([np.full(len(each), 1.0 / len(each)) for each in kept])
    return places, np.concatenate(kept).astype(np.float64), weights


def _spread(samples_us: Sequence[int]) -> NDArray[np.int64]:
    """At most so many samples of a row: even steps through its sorted ones."""
    ordered = np.sort(np.array(samples_us, dtype=np.int64))
    if len(ordered) <= SAMPLES_PER_ROW:
        return ordered
    steps = (np.arange(SAMPLES_PER_ROW) + 0.5) / SAMPLES_PER_ROW * len(ordered)
    return ordered[steps.astype(np.int64)]


def _ranges(rows: Sequence[Measurement]) -> Mapping[str, tuple[float, float]]:
    found: dict[str, tuple[float, float]] = {}
    for row in rows:
        loads = zip(LOAD, load_columns(row.load, row.provider), strict=True)
        values = {f"graph.{name}": value for name, value in row.graph.items()}
        for name, value in (values | {f"load.{name}": v for name, v in loads}).items():
            low, high = found.get(name, (value, value))
            found[name] = (min(low, value), max(high, value))
    return found


def _folds(rows: Sequence[Measurement]) -> list[set[str]]:
    """Families in folds of about as many rows each, the largest family first."""
    sizes: dict[str, int] = {}
    for row in rows:
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
    """How predictions of held-out rows did."""

    scores: NDArray[np.float64]
    weights: NDArray[np.float64]
    groups: list[str]
    errors: NDArray[np.float64]

    @classmethod
    def of(cls, rows: Sequence[Measurement], predicted: Quantiles) -> _Scores:
        places, samples, weights = _samples(rows)
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
