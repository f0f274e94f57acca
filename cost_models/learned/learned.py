"""Predicts from an artifact: many runs in one call, from few works and few contexts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.artifact import Artifact
from cost_models.learned.base import Regressor, woken_us
from cost_models.learned.calibration import group_of, widen_of
from cost_models.learned.columns import LOAD, load_columns, work_columns
from cost_models.learned.kernels import rest_of
from cost_models.learned.query import Query
from scheduler.model.measuring import Load

Opener = Callable[[bytes], Regressor]
"""Makes trees callable: rows in, one row of outputs for each out."""

SLACK = 0.25
"""Distance beyond the range of training that a feature may have, as a part of that range."""


@dataclass(frozen=True, slots=True)
class PreparedGraph:
    """A graph on a machine, made ready once: it stays the same whatever the load.

    Parameters
    ----------
    woken_us
        Sum over its kernels on that machine after each rest of `RESTS_US`, the first none.
    pace_ns
        Pace of the core when the peaks of the machine were measured; 0 if it was not.
    outside
        Its features that lie outside of the training data.
    """

    woken_us: tuple[float, ...]
    pace_ns: int
    columns: NDArray[np.float32]
    outside: tuple[str, ...]

    @property
    def base_us(self) -> float:
        """Sum over its kernels on that machine at rest."""
        return self.woken_us[0]


@dataclass(frozen=True, slots=True)
class PreparedLoad:
    """A load, made ready once for runs on one provider."""

    load: Load
    columns: tuple[float, ...]
    outside: tuple[str, ...]

    @property
    def rest(self) -> int:
        """Place of the rest before the run in `RESTS_US`."""
        return rest_of(self.load)


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Predicted durations in microseconds, one entry per pair, p10 <= p50 <= p95.

    Parameters
    ----------
    is_outside
        True if some feature lies outside of the training data: then p95 is wider.
    """

    p10_us: NDArray[np.float64]
    p50_us: NDArray[np.float64]
    p95_us: NDArray[np.float64]
    is_outside: NDArray[np.bool_]


class Learned:
    """The predictor of an artifact; holds no state of its own."""

    def __init__(self, artifact: Artifact, factors: Regressor, quantiles: Regressor) -> None:
        self.artifact = artifact
        self._factors = factors
        self._quantiles = quantiles

    @classmethod
    def opened(cls, artifact: Artifact, opener: Opener) -> Learned:
        """Open an artifact: its trees are made callable."""
        return cls(artifact, opener(artifact.factors_onnx), opener(artifact.onnx))

    def work(self, query: Query) -> PreparedGraph:
        """Make a graph on a machine ready; keep it for as long as both stay the same."""
        return self.works([query])[0]

    def works(self, queries: Sequence[Query]) -> list[PreparedGraph]:
        """Make many ready by one call."""
        artifact = self.artifact
        sums = woken_us(queries, artifact.providers, self._factors, artifact.scales)
        return [self._work(*pair) for pair in zip(queries, sums.tolist(), strict=True)]

    def _work(self, query: Query, woken_us: Sequence[float]) -> PreparedGraph:
        outside = _outside(query.graph, self.artifact.ranges, "graph.")
        if query.provider not in self.artifact.providers:
            outside.append("provider")
        columns = work_columns(query, woken_us[0], self.artifact.providers)
        pace_ns = query.peaks.pace_ns if query.peaks is not None else 0
        return PreparedGraph(tuple(woken_us), pace_ns, columns, tuple(outside))

    def context(self, load: Load, provider: str) -> PreparedLoad:
        """Make a load ready for runs on a provider."""
        columns = load_columns(load, provider)
        named = dict(zip(LOAD, columns, strict=True))
        outside = tuple(_outside(named, self.artifact.ranges, "load."))
        return PreparedLoad(load, tuple(columns), outside)

    def predict(
        self,
        works: Sequence[PreparedGraph],
        contexts: Sequence[PreparedLoad],
        pairs: NDArray[np.int64],
    ) -> Quantiles:
        """Predict pairs of a work and a context, all in one call of the engine.

        Parameters
        ----------
        pairs
            ``(n, 2)``: places in `works` and in `contexts`.
        """
        work, context = pairs[:, 0], pairs[:, 1]
        columns = np.array([each.columns for each in works], dtype=np.float32)
        loads = np.array([each.columns for each in contexts], dtype=np.float32)
        logs = self._quantiles(np.hstack([columns[work], loads[context]])).astype(np.float64)
        rests = np.array([each.rest for each in contexts])[context]
        base = np.log(np.array([each.woken_us for each in works]))[work, rests]
        base += self.artifact.pace_power * _log_paces(works, contexts, pairs)
        odd_work = np.array([bool(each.outside) for each in works])[work]
        odd_load = np.array([bool(each.outside) for each in contexts])[context]
        is_outside = odd_work | odd_load
        wider = self._widen(contexts)[context, is_outside.astype(np.int64)]
        p10, p50, p95 = np.exp(logs + base[:, None]).T
        return Quantiles(p10, p50, np.maximum(p50, p95 * np.exp(wider)), is_outside)

    def predict_rows(self, queries: Sequence[Query]) -> Quantiles:
        """Predict queries that come one by one; slower than `predict`, as nothing is kept."""
        works = self.works(queries)
        contexts = [self.context(query.load, query.provider) for query in queries]
        places = np.arange(len(queries))
        return self.predict(works, contexts, np.stack([places, places], axis=1))

    def _widen(self, contexts: Sequence[PreparedLoad]) -> NDArray[np.float64]:
        found = self.artifact.widen
        return np.array(
            [
                [widen_of(found, group_of(each.load, is_outside=odd)) for odd in (False, True)]
                for each in contexts
            ]
        )


def _log_paces(
    works: Sequence[PreparedGraph], contexts: Sequence[PreparedLoad], pairs: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Slowness of the core of each pair against before, as a logarithm; 0 if not known."""
    before = np.array([each.pace_ns for each in works], dtype=np.float64)[pairs[:, 0]]
    now = np.array([each.load.pace_ns for each in contexts], dtype=np.float64)[pairs[:, 1]]
    is_known = (before > 0) & (now > 0)
    return np.where(is_known, np.log(np.where(is_known, now, 1) / np.where(is_known, before, 1)), 0)


def _outside(
    values: Mapping[str, float], ranges: Mapping[str, tuple[float, float]], prefix: str
) -> list[str]:
    """Names of the values beyond the ranges; a value that training never had must be 0."""
    found = []
    for name, value in values.items():
        low, high = ranges.get(f"{prefix}{name}", (0.0, 0.0))
        slack = SLACK * (high - low) + 1e-9
        if not low - slack <= value <= high + slack:
            found.append(f"{prefix}{name}")
    return found
