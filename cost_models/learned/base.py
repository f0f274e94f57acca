"""The physical base: a weighted sum of terms, with weights per kind of machine.

All machines together give weights; each provider starts from those, and each kind of machine from
its provider's. With few measurements a machine stays near its relatives, with many it goes its
own way. Weights are never negative, since more work takes no less time.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.query import Query
from cost_models.learned.terms import ROOFLINE, TERMS, terms_us

Array = NDArray[np.float64]
LEAST_US = 0.1
PULLS = (0.1, 1.0, 5.0)
"""Pulls of a term towards the parent's weight, in rows that would consist of that term alone. Few
or noisy rows want more: the one is taken that does best on families left out."""
FOLDS = 4
LEAST_SHARE = 1e-3
"""Share of a duration that a term counts as at least, where it is pulled."""
ROUNDS = 6
"""Of reweighting, which turns least squares into least absolute errors."""
LEAST_ERROR = 0.02
"""Relative error below which rows count alike: the noise of a median."""


@dataclass(frozen=True, slots=True)
class Base:
    """Weights of the terms by machine kind, provider, and for all (the empty name)."""

    weights: Mapping[str, tuple[float, ...]]

    def predict(self, query: Query) -> float:
        """Time of a run on a machine at rest, in microseconds."""
        weights = np.array(self.weights_of(query))
        return max(LEAST_US, float(weights @ terms_us(query)))

    def weights_of(self, query: Query) -> tuple[float, ...]:
        """Those of the machine's kind if it was seen, else of its provider, else of all."""
        for name in (query.machine_kind, query.provider):
            if name in self.weights:
                return self.weights[name]
        return self.weights[""]


def fit_base(
    queries: Sequence[Query], durations_us: Sequence[float], families: Sequence[str]
) -> Base:
    """Fit all weights to durations at rest.

    Parameters
    ----------
    families
        Of each query: the strength of the pull is chosen on families left out.
    """
    folds = [hashlib.sha256(family.encode()).digest()[0] % FOLDS for family in families]
    if len(set(folds)) == 1:
        return _fit_all(queries, durations_us, PULLS[0])
    losses = [_loss(queries, durations_us, folds, pull) for pull in PULLS]
    return _fit_all(queries, durations_us, PULLS[losses.index(min(losses))])


def _loss(
    queries: Sequence[Query], durations_us: Sequence[float], folds: Sequence[int], pull: float
) -> float:
    """Mean absolute error of the logarithm on each fold, from the others."""
    errors = []
    for fold in sorted(set(folds)):
        known = [row for row, other in enumerate(folds) if other != fold]
        base = _fit_all([queries[r] for r in known], [durations_us[r] for r in known], pull)
        for row, other in enumerate(folds):
            if other == fold:
                errors.append(abs(math.log(base.predict(queries[row]) / durations_us[row])))
    return sum(errors) / len(errors)


def _fit_all(queries: Sequence[Query], durations_us: Sequence[float], pull: float) -> Base:
    terms = np.array([terms_us(query) for query in queries])
    durations = np.array(durations_us, dtype=np.float64)
    start = np.array([float(name == ROOFLINE) for name in TERMS])
    weights = {"": _fit(terms, durations, start, pull)}
    providers = _grouped(queries, lambda query: query.provider)
    for name, rows in providers.items():
        weights[name] = _fit(terms[rows], durations[rows], weights[""], pull)
    for name, rows in _grouped(queries, lambda query: query.machine_kind).items():
        parent = weights[queries[rows[0]].provider]
        weights[name] = _fit(terms[rows], durations[rows], parent, pull)
    return Base({name: tuple(map(float, each)) for name, each in weights.items()})


def _grouped(queries: Sequence[Query], key: Callable[[Query], str]) -> dict[str, list[int]]:
    groups: dict[str, list[int]] = defaultdict(list)
    for row, query in enumerate(queries):
        groups[key(query)].append(row)
    return dict(sorted(groups.items()))


def _fit(terms: Array, durations_us: Array, parent: Array, strength: float) -> Array:
    """Least absolute relative errors by reweighted least squares, pulled towards the parent.

    The parent's weights are scaled first: a machine that is slower in all is known from one row.
    """
    from scipy.optimize import nnls

    relative = terms / durations_us[:, None]
    start = parent / float(np.median(relative @ parent))
    # A term is pulled by what it makes up where it occurs, so its unit does not matter.
    share = np.sqrt(np.mean(relative**2, axis=0)) + LEAST_SHARE
    pull = np.diag(np.sqrt(strength) * share)
    weights = start
    for _ in range(ROUNDS):
        errors = np.abs(relative @ weights - 1.0)
        trust = np.sqrt(LEAST_ERROR / np.maximum(errors, LEAST_ERROR))
        left = np.vstack([relative * trust[:, None], pull])
        right = np.concatenate([trust, pull @ start])
        weights = nnls(left, right, maxiter=30 * len(start))[0]
    return weights
