"""The trees as an ONNX model give the values of the library that grew them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.ensemble import HistGradientBoostingRegressor

from cost_models.learned.forest import Forest, Tree, below, to_onnx
from cost_models.learned.quantiles import _trees, fit_quantiles
from cost_models.learned.size import EnsembleSize
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidArtifact

RNG = np.random.default_rng(4)
ROWS = RNG.normal(size=(600, 5)).astype(np.float32)
TARGETS = np.abs(ROWS[:, 0]) + ROWS[:, 1].astype(np.float64) + RNG.normal(0, 0.1, 600)


def grown(seed: int = 0) -> Forest:
    return fit_quantiles(
        ROWS, TARGETS, np.ones(600), directions=[0, 1, 0, 0, 0], seed=seed, size=EnsembleSize()
    )


def test_exported_model_agrees_with_the_trees() -> None:
    forest = grown()
    rows = RNG.normal(size=(5_000, 5)).astype(np.float32)

    exported = open_regressor(to_onnx(forest, 5))(rows)

    assert exported.shape == (5_000, 3)
    assert np.abs(exported - forest.predict(rows)).max() < 1e-5


def test_trees_agree_with_the_library_that_grew_them() -> None:
    fitted = HistGradientBoostingRegressor(
        loss="quantile", quantile=0.5, max_iter=20, random_state=0
    )
    fitted.fit(ROWS, TARGETS)
    trees = _trees(fitted)
    base = float(np.ravel(fitted._baseline_prediction)[0])
    forest = Forest(trees=((), trees, ()), bases=(0.0, base, 0.0))

    assert np.abs(forest.predict(ROWS)[:, 1] - fitted.predict(ROWS)).max() < 1e-5


def test_quantiles_are_kept_apart_in_the_model_itself() -> None:
    sinking = Tree(feature=(-1,), threshold=(0.0,), left=(0,), right=(0,), value=(-2.0,))
    forest = Forest(trees=((sinking,), (), (sinking,)), bases=(0.5, 1.0, 0.5))

    exported = open_regressor(to_onnx(forest, 1))(np.zeros((1, 1), dtype=np.float32))

    assert exported.tolist() == [[1.0, 1.0, 1.0]]


def test_threshold_between_two_floats_branches_the_same_in_32_bits() -> None:
    low = np.float32(1.0)
    high = np.nextafter(low, np.float32(2.0))
    between = np.array([(float(low) + float(high)) / 2 + 1e-9])

    assert low <= below(between)[0] < high


def test_bytes_that_are_no_model_are_refused() -> None:
    with pytest.raises(InvalidArtifact, match="artifact's model must load"):
        open_regressor(b"nonsense")
