"""Factors of parts are found from the sums of whole graphs."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models.learned.additive import grow
from cost_models.learned.forest import factors_to_onnx
from cost_models.learned.kernels import Table
from devices.runtime.regressor import open_regressor

RNG = np.random.default_rng(3)
HIDDEN = {0.0: 1.5, 1.0: 4.0, 2.0: 0.8}
"""The factor of each kind of part is learned from whole graphs alone."""


def graph(kinds: list[float]) -> tuple[Table, float]:
    least = RNG.uniform(50.0, 500.0, len(kinds))
    columns = np.array([[kind, RNG.normal()] for kind in kinds], dtype=np.float32)
    return Table(columns, least), sum(us * HIDDEN[k] for us, k in zip(least, kinds, strict=True))


GRAPHS = [graph([float(k) for k in RNG.integers(3, size=RNG.integers(2, 9))]) for _ in range(300)]
FACTORS = grow(
    [table for table, _ in GRAPHS], np.array([us for _, us in GRAPHS]), rounds=200, seed=0
)


@pytest.mark.parametrize("kind", HIDDEN)
def test_factor_of_each_kind_is_found_though_only_sums_are_known(kind: float) -> None:
    found = FACTORS.predict(np.array([[kind, 0.0]], dtype=np.float32))

    assert np.exp(found[0, 0]) == pytest.approx(HIDDEN[kind], rel=0.1)


def test_exported_factors_agree_with_the_trees() -> None:
    rows = np.stack([RNG.integers(3, size=999), RNG.normal(size=999)], axis=1).astype(np.float32)

    exported = open_regressor(factors_to_onnx(FACTORS, 2))(rows)

    assert exported.shape == (999, 1)
    assert np.abs(exported - FACTORS.predict(rows)).max() < 1e-4


def test_same_graphs_and_seed_give_the_same_factors() -> None:
    tables, durations = zip(*GRAPHS[:40], strict=True)

    first, second = (grow(tables, np.array(durations), rounds=20, seed=5) for _ in range(2))

    assert first == second
