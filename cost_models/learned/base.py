"""The base: the sum over the kernels of a graph, each its roofline times a learned factor.

A network never seen consists of kernels like those of others, on this machine or on its relatives.
All kernels of a kind of machine share a scale of its own, which a few measurements move from 1 and
many decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.additive import grow
from cost_models.learned.forest import Factors
from cost_models.learned.kernels import RESTS_US, Table, table, wakes
from cost_models.learned.query import Query
from scheduler.model.measuring import IDLE

LEAST_US = 0.1
HALF_TRUSTED = 10
"""Measurements of a kind of machine at which half of the scale that they show is believed."""

Vector = NDArray[np.float64]
Regressor = Callable[[NDArray[np.float32]], NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Scales:
    """Slowness of all work on a kind of machine, as a logarithm; 0 where not known."""

    by_kind: Mapping[str, float]

    def of(self, query: Query) -> float:
        """Scale of the query's machine."""
        return self.by_kind.get(query.machine_kind, 0.0)


def sums_us(tables: Sequence[Table], factors: Regressor, scales: Sequence[float]) -> Vector:
    """Times of runs on machines at rest, in microseconds, by one call.

    Parameters
    ----------
    factors
        Logarithm of the factor of each kernel, ``(kernels, 1)``.
    scales
        Scale of the machine of each run.
    """
    owner = np.repeat(np.arange(len(tables)), [len(each.least_us) for each in tables])
    logs = factors(np.vstack([each.columns for each in tables]))[:, 0].astype(np.float64)
    parts = np.concatenate([each.least_us for each in tables]) * np.exp(logs)
    sums = np.bincount(owner, parts) * np.exp(np.array(scales))
    found: Vector = np.maximum(LEAST_US, sums)
    return found


def woken_us(
    queries: Sequence[Query], providers: Sequence[str], factors: Regressor, scales: Scales
) -> Vector:
    """Times at rest after each rest of `RESTS_US`, ``(queries, rests)``, by one call."""
    tables = [
        part
        for query in queries
        for part in (table(replace(query, load=IDLE), providers), *wakes(query, providers))
    ]
    each = np.repeat([scales.of(query) for query in queries], len(RESTS_US))
    sums = sums_us(tables, factors, each.tolist()).reshape(-1, len(RESTS_US))
    sums[:, 1:] += sums[:, :1]
    return sums


def fit_base(
    queries: Sequence[Query],
    durations_us: Sequence[float],
    providers: Sequence[str],
    *,
    rounds: int,
    seed: int,
) -> tuple[Factors, Scales]:
    """Fit factors, in so many rounds, and scales to durations at rest."""
    tables = [table(query, providers) for query in queries]
    durations = np.array(durations_us, dtype=np.float64)
    factors = grow(tables, durations, rounds=rounds, seed=seed)
    off = np.log(durations / sums_us(tables, factors.predict, [0.0] * len(tables)))
    errors: dict[str, list[float]] = defaultdict(list)
    for query, error in zip(queries, off, strict=True):
        errors[query.machine_kind].append(float(error))
    scales = {
        kind: median(found) * len(found) / (len(found) + HALF_TRUSTED)
        for kind, found in sorted(errors.items())
    }
    return factors, Scales(scales)
