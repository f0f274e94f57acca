"""Recorded rows of one host, and predictions of each by a model that never saw its family.

The rows are those of `fjord cost collect --seconds 300 --seed 23` on an AMD EPYC with two cores.

The predictions take some minutes to make, so they are kept. To be run when the learner changes
much: `python -m tests.cost_models.evaluation.recorded`.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cost_models.evaluation.strangers import Strangers, leave_one_family_out
from cost_models.learned.fitting import networks_of
from cost_models.profiles import parquet

FOLDER = Path(__file__).parents[2] / "data" / "cost_rows"
ROWS = FOLDER / "amd_epyc_2cores.parquet"
FILE = FOLDER / "predicted.npz"
PARTS = ("p50_us", "p95_us", "idle_us", "calm_us")


def recorded() -> Strangers:
    """The rows of networks with what was predicted of them."""
    kept = np.load(FILE)
    rows = networks_of(parquet.load(ROWS))
    assert list(kept["digests"]) == [row.row_digest[:12] for row in rows]
    return Strangers(
        rows=tuple(rows),
        baselines_us={},
        **{name: kept[name].astype(np.float64) for name in PARTS},
    )


def keep(found: Strangers) -> None:
    """Keep predictions, to a millionth."""
    digests = np.array([row.row_digest[:12] for row in found.rows])
    parts = {name: getattr(found, name).astype(np.float32) for name in PARTS}
    np.savez_compressed(FILE, digests=digests, **parts)


if __name__ == "__main__":
    keep(leave_one_family_out(parquet.load(ROWS), seed=0))
