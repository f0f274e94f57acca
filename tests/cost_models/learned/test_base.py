"""Columns of the base beside the kernels of a graph: its ends, and the rest before a run."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models.features import Kernel
from cost_models.learned import Query
from cost_models.learned.base import fit_base, woken_us
from cost_models.learned.kernels import RESTS_US, table
from scheduler.model.measuring import Load, Peaks

PEAKS = Peaks(provider="cpu", flops_per_s={"float32": 1e11}, bytes_per_s=1e10, launch_ns=5_000)
WAKE_US = 400.0


def query(flops: int = 10_000_000, *, rest_us: int = 0, input_bytes: float = 4e6) -> Query:
    return Query(
        graph={"input_bytes": input_bytes, "output_bytes": 4.0},
        kernels=(Kernel(1, "conv", "Conv", "float32", flops, 4_000, 4_000, 8_000),),
        provider="cpu",
        peaks=PEAKS,
        load=Load(idle_us=rest_us),
    )


def test_a_rest_adds_a_part_and_changes_no_other() -> None:
    plain, rested = table(query(), ["cpu"]), table(query(rest_us=10_000), ["cpu"])

    assert len(rested.least_us) == len(plain.least_us) + 1
    assert (rested.columns[:-1] == plain.columns).all()


def test_what_goes_into_a_graph_takes_time_by_its_size() -> None:
    small, large = (table(query(input_bytes=size), ["cpu"]).least_us for size in (4e6, 8e6))
    assert large.sum() - small.sum() == pytest.approx(4e6 / PEAKS.bytes_per_s * 1e6)


def test_what_a_rest_costs_is_learned_apart_from_the_kernels() -> None:
    sizes = np.linspace(1e6, 3e7, 40).astype(int).tolist()
    asked = [query(size, rest_us=us, input_bytes=4.0) for size in sizes for us in (0, 10_000)]
    taken = [30.0 + size / 5e4 + WAKE_US * bool(rest) for size in sizes for rest in (0, 1)]

    factors, scales = fit_base(asked, taken, ["cpu"], rounds=200, seed=0)
    found = woken_us([query(12_345_678, input_bytes=4.0)], ["cpu"], factors.predict, scales)[0]

    assert found[0] == pytest.approx(30.0 + 12_345_678 / 5e4, rel=0.2)
    assert found[RESTS_US.index(10_000)] - found[0] == pytest.approx(WAKE_US, rel=0.3)
