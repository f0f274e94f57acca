"""Boosted trees of a factor per part, learned from sums of the parts alone.

Only whole graphs are timed; the time of a single kernel is never told. Yet each round knows the
share of the time that it gives to each kernel, and moves the factors of kernels that are alike by
the errors of their graphs, weighed by those shares. As the square of a weighted mean is
at most the weighted mean of squares, no round makes the fit worse.

References
----------
Friedman (2002), "Stochastic gradient boosting", doi:10.1016/S0167-9473(01)00065-2, with the trees
of Geurts, Ernst and Wehenkel (2006), doi:10.1007/s10994-006-6226-1, whose drawn cuts generalise
better from few graphs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from cost_models.learned.engines import drawn_trees
from cost_models.learned.forest import Factors, Tree, below
from cost_models.learned.kernels import Table

Vector = NDArray[np.float64]

RATE = 0.15
LEAVES = 24
GRAPHS = 0.7
"""Share of the graphs that a round looks at."""
COLUMNS = 0.6
"""Share of the columns that a cut may choose from."""
MOST = 0.5
"""Error (log scale) that a graph pulls with at most: beyond, something else is wrong with it."""
LEAST_GRAPHS = 4.0
"""Least weight of a leaf, in whole graphs."""
PULL = 1.0
"""Pull of a leaf towards no change, in whole graphs."""
_LEAST_SHARE = 1e-4


def grow(tables: Sequence[Table], durations_us: Vector, *, rounds: int, seed: int) -> Factors:
    """Factors by which the parts of each graph are slower than their least time."""
    columns = np.vstack([each.columns for each in tables])
    logs = np.log(np.concatenate([each.least_us for each in tables]))
    owner = np.repeat(np.arange(len(tables)), [len(each.least_us) for each in tables])
    wanted = np.log(durations_us)
    level = float(np.median(wanted - _log_sums(logs, owner)))
    logs = logs + level
    chance = np.random.default_rng(seed)
    trees = []
    for number in range(rounds):
        sums = _log_sums(logs, owner)
        share = np.exp(logs - sums[owner])
        off = np.clip(wanted - sums, -MOST, MOST)[owner]
        chosen = (chance.random(len(tables)) < GRAPHS)[owner] & (share > _LEAST_SHARE)
        if not chosen.any():
            continue
        tree, leaf = _tree(columns, off, np.where(chosen, share, 0.0), seed + number)
        trees.append(tree)
        logs = logs + np.array(tree.value)[leaf]
    return Factors(tuple(trees), level)


def _log_sums(logs: Vector, owner: NDArray[np.int64]) -> Vector:
    return np.log(np.bincount(owner, np.exp(logs)))


def _tree(
    columns: NDArray[np.float32], off: Vector, weights: Vector, seed: int
) -> tuple[Tree, NDArray[np.int64]]:
    """One tree, and the leaf of each part."""
    used = weights > 0
    total = float(weights.sum())
    engine = drawn_trees()(
        max_leaf_nodes=LEAVES,
        min_weight_fraction_leaf=min(0.4, LEAST_GRAPHS / total),
        max_features=COLUMNS,
        random_state=seed,
    )
    fitted = engine.fit(columns[used], off[used], sample_weight=weights[used])
    leaf = fitted.apply(columns)
    nodes = fitted.tree_
    weight = np.bincount(leaf, weights, nodes.node_count)
    moved = np.bincount(leaf, weights * off, nodes.node_count)
    is_leaf = nodes.feature < 0
    tree = Tree(
        feature=tuple(np.where(is_leaf, -1, nodes.feature).tolist()),
        threshold=tuple(below(np.where(is_leaf, 0.0, nodes.threshold)).tolist()),
        left=tuple(np.where(is_leaf, 0, nodes.children_left).tolist()),
        right=tuple(np.where(is_leaf, 0, nodes.children_right).tolist()),
        value=tuple(np.where(is_leaf, RATE * moved / (weight + PULL), 0.0).tolist()),
    )
    return tree, leaf
