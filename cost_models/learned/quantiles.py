"""Gradient-boosted quantiles of the log-ratio between the measured duration and the base.

References
----------
Friedman (2001), doi:10.1214/aos/1013203451, with the quantile loss, as scikit-learn's
``HistGradientBoostingRegressor`` has it. Ours fits the median, and then the distances of the outer
quantiles from it: they need few trees, and a distance is kept above zero, so that quantiles never
cross.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.engines import boosting
from cost_models.learned.forest import Forest, Tree, below
from cost_models.learned.size import EnsembleSize

Matrix = NDArray[np.float32]
Vector = NDArray[np.float64]

LOW, MIDDLE, HIGH = 0.10, 0.50, 0.95


def fit_quantiles(
    rows: Matrix,
    log_ratios: Vector,
    weights: Vector,
    *,
    directions: Sequence[int],
    seed: int,
    size: EnsembleSize,
) -> Forest:
    """Fit all three outputs; the columns go only the ways that physics lets them."""
    middle = _boost(
        rows, log_ratios, weights, MIDDLE, directions, size.trees[1], size.leaves[0], seed, size
    )
    rest = log_ratios - middle.predict(rows)
    # p10 is the median less a distance: a load that only slows a run only shrinks the distance.
    opposite = [-direction for direction in directions]
    low = _boost(rows, -rest, weights, 1 - LOW, opposite, size.trees[0], size.leaves[1], seed, size)
    high = _boost(rows, rest, weights, HIGH, directions, size.trees[2], size.leaves[1], seed, size)
    parts = (low, middle, high)
    return Forest(
        trees=tuple(_trees(part) for part in parts),
        bases=tuple(float(np.ravel(part._baseline_prediction)[0]) for part in parts),
    )


def _boost(
    rows: Matrix,
    targets: Vector,
    weights: Vector,
    quantile: float,
    directions: Sequence[int],
    trees: int,
    leaves: int,
    seed: int,
    size: EnsembleSize,
) -> Any:
    engine = boosting()(
        loss="quantile",
        quantile=quantile,
        max_iter=trees,
        max_leaf_nodes=leaves,
        learning_rate=size.rate,
        min_samples_leaf=size.least_rows,
        monotonic_cst=list(directions),
        early_stopping=False,
        random_state=seed,
    )
    return engine.fit(rows, targets, sample_weight=weights)


def _trees(fitted: Any) -> tuple[Tree, ...]:
    # The library has no public way to its trees; the test against its own predictions holds this.
    return tuple(_tree(stage[0].nodes) for stage in fitted._predictors)


def _tree(nodes: Any) -> Tree:
    leaves = nodes["is_leaf"].astype(bool)
    return Tree(
        feature=tuple(np.where(leaves, -1, nodes["feature_idx"]).tolist()),
        threshold=tuple(below(np.where(leaves, 0.0, nodes["num_threshold"])).tolist()),
        left=tuple(np.where(leaves, 0, nodes["left"]).tolist()),
        right=tuple(np.where(leaves, 0, nodes["right"]).tolist()),
        value=tuple(np.where(leaves, nodes["value"], 0.0).tolist()),
    )
