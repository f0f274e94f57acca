"""Moves the upper quantile to where it belongs on networks that training has not seen.

References
----------
Romano, Patterson and Candes (2019), "Conformalized quantile regression", arXiv:1905.03222. Ours
is one-sided, takes the scores of each family from a model trained without it, and gives a figure
per group of context (Mondrian), since a run beside others errs more than one at rest.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.query import is_loaded
from scheduler.model.measuring import Load

Vector = NDArray[np.float64]
COVERAGE = 0.95
LEAST_SCORES = 200
"""Scores below which a group takes the figure of all: 10 of them lie above p95."""
ALL = "all"
IDLE, LOADED = "idle", "loaded"
OUTSIDE = "outside"
OUTSIDE_WIDEN = 0.2
"""Added (22 %) outside of the training data, as long as no such row was held out."""


def group_of(load: Load, *, is_outside: bool) -> str:
    """The group of context that a run belongs to."""
    place = LOADED if is_loaded(load) else IDLE
    return f"{place}-{OUTSIDE}" if is_outside else place


def widen(scores: Vector, weights: Vector, groups: Sequence[str]) -> dict[str, float]:
    """Figures to add to the log of p95, so that 95 % of the weight lies below; by group and in all.

    Parameters
    ----------
    scores
        Log of the measured duration, less the log of p95 from a model that has not seen the family.
    """
    names = np.array(groups)
    found = {ALL: _quantile(scores, weights)}
    for name in sorted(set(groups)):
        mine = names == name
        if mine.sum() >= LEAST_SCORES:
            found[name] = _quantile(scores[mine], weights[mine])
    return found


def widen_of(found: Mapping[str, float], group: str) -> float:
    """The figure of a group, or a careful one if too few of it were held out.

    A loaded machine is never given less than one at rest, and a row outside of the training data
    never less than one inside: more load must not lower a quantile.
    """
    inside = group.removesuffix(f"-{OUTSIDE}")
    known = found.get(IDLE, found[ALL])
    if inside != IDLE:
        known = max(known, found.get(inside, found[ALL]))
    if inside == group:
        return known
    return max(known, found.get(group, known + OUTSIDE_WIDEN))


def _quantile(scores: Vector, weights: Vector) -> float:
    """Least score with at least 95 % of the weight, and one row more, at or below it."""
    order = np.argsort(scores, kind="stable")
    reached = np.cumsum(weights[order])
    wanted = COVERAGE * (reached[-1] + float(np.mean(weights)))
    place = min(int(np.searchsorted(reached, wanted)), len(scores) - 1)
    return float(scores[order][place])
