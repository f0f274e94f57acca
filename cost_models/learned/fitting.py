"""Fits a base and its quantiles to measurements; the same rows and seed give the same ones."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version

import numpy as np
from numpy.typing import NDArray

from cost_models.learned import kernels
from cost_models.learned.artifact import Artifact
from cost_models.learned.base import Scales, fit_base, woken_us
from cost_models.learned.columns import (
    LOAD,
    columns_of,
    directions,
    load_columns,
    work_columns,
)
from cost_models.learned.forest import Factors, Forest, factors_to_onnx, to_onnx
from cost_models.learned.learned import Learned, Quantiles
from cost_models.learned.quantiles import fit_quantiles
from cost_models.learned.query import Query, is_loaded, query_of
from cost_models.learned.size import EnsembleSize
from cost_models.online.pace import fit_power, log_pace
from cost_models.profiles.measurement import KERNELS, Measurement
from cost_models.profiles.store import data_digest

SAMPLES_PER_ROW = 20
"""Samples taken of a row: more say little that is new, and cost time."""
LEAST_IDLE_SHARE = 0.1
"""Share of the rows at rest below which the base is fitted to all."""
LIBRARIES = ("numpy", "onnx", "scikit-learn")


@dataclass(frozen=True, slots=True)
class Fitted:
    """A base and its trees, with the artifact that holds them."""

    artifact: Artifact
    factors: Factors
    forest: Forest

    def predict(self, rows: Sequence[Measurement]) -> Quantiles:
        """Predict measured runs, beside the load that they had."""
        learned = Learned(self.artifact, self.factors.predict, self.forest.predict)
        return learned.predict_rows([query_of(row) for row in rows])


def fit(rows: Sequence[Measurement], seed: int, size: EnsembleSize) -> Fitted:
    """Fit a base to all rows and trees to those of networks, without calibration."""
    providers = tuple(sorted({row.provider for row in rows}))
    power = _pace_power(rows)
    factors, scales = _base(rows, providers, power, seed, size)
    networks = networks_of(rows)
    queries = [query_of(row) for row in networks]
    woken = woken_us(queries, providers, factors.predict, scales)
    bases = woken[np.arange(len(queries)), [kernels.rest_of(query.load) for query in queries]]
    names, kernel_names = columns_of(providers), kernels.columns_of(providers)
    columns = [
        [*work_columns(query, base_us, providers), *load_columns(query.load, query.provider)]
        for query, base_us in zip(queries, woken[:, 0], strict=True)
    ]
    places, samples, weights = samples_of(networks)
    paced = bases * [math.exp(power * _log_pace(query)) for query in queries]
    forest = fit_quantiles(
        np.array(columns, dtype=np.float32)[places],
        np.log(samples / paced[places]),
        weights,
        directions=directions(names),
        seed=seed,
        size=size,
    )
    artifact = Artifact(
        onnx=to_onnx(forest, len(names)),
        names=names,
        factors_onnx=factors_to_onnx(factors, len(kernel_names)),
        kernel_names=kernel_names,
        scales=scales,
        pace_power=power,
        providers=providers,
        widen={"all": 0.0},
        ranges=_ranges(rows),
        families=tuple(sorted({family_of(row) for row in networks})),
        data_digest=data_digest(rows),
        rows=len(rows),
        seed=seed,
        versions={name: version(name) for name in LIBRARIES},
    )
    return Fitted(artifact, factors, forest)


def networks_of(rows: Iterable[Measurement]) -> list[Measurement]:
    """Rows of networks: those of single kernels only teach the parts of networks."""
    return [row for row in rows if row.family != KERNELS]


def family_of(row: Measurement) -> str:
    """Unit of holding out: the family, or the model itself where that is not known."""
    return row.family or row.digest


def _log_pace(run: Measurement | Query) -> float:
    return log_pace(run.load.pace_ns, run.peaks.pace_ns if run.peaks is not None else 0)


def _is_calm(row: Measurement) -> bool:
    return not is_loaded(row.load) and not row.load.is_cold


def _pace_power(rows: Sequence[Measurement]) -> float:
    calm = [row for row in networks_of(rows) if _is_calm(row)]
    return fit_power(
        [
            (row.digest, tuple(sorted(row.shapes.items())), row.machine, row.provider)
            for row in calm
        ],
        [_log_pace(row) for row in calm],
        [math.log(row.median_us) for row in calm],
    )


def _base(
    rows: Sequence[Measurement],
    providers: Sequence[str],
    power: float,
    seed: int,
    size: EnsembleSize,
) -> tuple[Factors, Scales]:
    calm = [row for row in rows if _is_calm(row)]
    chosen = calm if len(calm) >= LEAST_IDLE_SHARE * len(rows) else rows
    durations = [row.median_us * math.exp(-power * _log_pace(row)) for row in chosen]
    queries = [query_of(row) for row in chosen]
    return fit_base(queries, durations, providers, rounds=size.factors, seed=seed)


def samples_of(
    rows: Sequence[Measurement],
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.float64]]:
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
