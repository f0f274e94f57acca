"""Leave one host out: predict the networks of a box from models trained on others alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from cost_models.evaluation.metrics import Figures, figures
from cost_models.learned.fitting import fit, networks_of
from cost_models.learned.size import EnsembleSize
from cost_models.profiles.measurement import Measurement


def host_of(row: Measurement) -> str:
    """Hardware of a row, whatever its provider and threads: the first part of its fingerprint."""
    return row.fingerprint.partition(";")[0]


def leave_one_host_out(
    rows: Sequence[Measurement], *, seed: int, size: EnsembleSize | None = None
) -> dict[str, Figures | None]:
    """Figures of each host as the others predict it; empty where there is one host alone."""
    hosts = sorted({host_of(row) for row in rows})
    if len(hosts) < 2:
        return {}
    return {host: _left_out(rows, host, seed, size or EnsembleSize()) for host in hosts}


def _left_out(
    rows: Sequence[Measurement], host: str, seed: int, size: EnsembleSize
) -> Figures | None:
    asked = networks_of(row for row in rows if host_of(row) == host)
    known = [row for row in rows if host_of(row) != host]
    if not asked or not networks_of(known):
        return None
    predicted = fit(known, seed, size).predict(asked)
    return figures(predicted.p50_us, np.array([row.median_us for row in asked], dtype=np.float64))
