"""Predicts from an artifact: many runs in one call, from few works and few contexts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.artifact import Artifact
from cost_models.learned.calibration import group_of, widen_of
from cost_models.learned.columns import LOAD, load_columns, work_columns
from cost_models.learned.query import Query
from scheduler.model.measuring import Load

Regressor = Callable[[NDArray[np.float32]], NDArray[np.float32]]
"""Rows in, ``(n, 3)`` out: log-ratios p10, p50, p95 to the physical base."""

SLACK = 0.25
"""How far beyond the range of training a feature may be, as a part of that range."""


@dataclass(frozen=True, slots=True)
class Work:
    """A graph on a machine, made ready once: it stays the same whatever the load.

    Parameters
    ----------
    base_us
        What the physical base says of it.
    outside
        Its features that lie outside of the training data.
    """

    base_us: float
    columns: NDArray[np.float32]
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """A load, made ready once for runs on one provider."""

    load: Load
    columns: tuple[float, ...]
    outside: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Quantiles:
    """Predicted durations in microseconds, one entry per pair, p10 <= p50 <= p95.

    Parameters
    ----------
    is_outside
        Whether some feature lies outside of the training data: then p95 is wider.
    """

    p10_us: NDArray[np.float64]
    p50_us: NDArray[np.float64]
    p95_us: NDArray[np.float64]
    is_outside: NDArray[np.bool_]


class Learned:
    """The predictor of an artifact; holds no state of its own."""

    def __init__(self, artifact: Artifact, regressor: Regressor) -> None:
        self.artifact = artifact
        self._regressor = regressor

    def work(self, query: Query) -> Work:
        """Make a graph on a machine ready; keep it for as long as both stay the same."""
        known = self.artifact.ranges
        outside = [*_outside(query.graph, known, "graph.")]
        if query.provider not in self.artifact.providers:
            outside.append("provider")
        base_us = self.artifact.base.predict(query)
        columns = work_columns(query, base_us, self.artifact.providers)
        return Work(base_us, columns, tuple(outside))

    def context(self, load: Load, provider: str) -> Context:
        """Make a load ready for runs on a provider."""
        columns = load_columns(load, provider)
        named = dict(zip(LOAD, columns, strict=True))
        outside = tuple(_outside(named, self.artifact.ranges, "load."))
        return Context(load, tuple(columns), outside)

    def predict(
        self, works: Sequence[Work], contexts: Sequence[Context], pairs: NDArray[np.int64]
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
        logs = self._regressor(np.hstack([columns[work], loads[context]])).astype(np.float64)
        base = np.log(np.array([each.base_us for each in works]))[work]
        odd_work = np.array([bool(each.outside) for each in works])[work]
        odd_load = np.array([bool(each.outside) for each in contexts])[context]
        is_outside = odd_work | odd_load
        wider = self._widen(contexts)[context, is_outside.astype(np.int64)]
        p10, p50, p95 = np.exp(logs + base[:, None]).T
        return Quantiles(p10, p50, np.maximum(p50, p95 * np.exp(wider)), is_outside)

    def predict_rows(self, queries: Sequence[Query]) -> Quantiles:
        """Predict queries that come one by one; slower than `predict`, as nothing is kept."""
        works = [self.work(query) for query in queries]
        contexts = [self.context(query.load, query.provider) for query in queries]
        places = np.arange(len(queries))
        return self.predict(works, contexts, np.stack([places, places], axis=1))

    def _widen(self, contexts: Sequence[Context]) -> NDArray[np.float64]:
        found = self.artifact.widen
        return np.array(
            [
                [widen_of(found, group_of(each.load, is_outside=odd)) for odd in (False, True)]
                for each in contexts
            ]
        )


def _outside(
    values: Mapping[str, float], ranges: Mapping[str, tuple[float, float]], prefix: str
) -> list[str]:
    """Names of the values beyond the ranges; what training never had must be 0."""
    found = []
    for name, value in values.items():
        low, high = ranges.get(f"{prefix}{name}", (0.0, 0.0))
        slack = SLACK * (high - low) + 1e-9
        if not low - slack <= value <= high + slack:
            found.append(f"{prefix}{name}")
    return found
