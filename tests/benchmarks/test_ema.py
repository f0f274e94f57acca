"""The oracle of moving averages: its medians and its p95."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.placement.ema import EmaOracle
from scheduler.model.ports import Provenance
from tests.cost_models.asking import predicted, profile, query


def test_profile_gives_median_spread_load_and_memory() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((90, 100, 110, 100, 200)), "")
    found = predicted(oracle, query())
    # p95 lies at rank 3.8 of 0..4: 110 + 0.8 x (200 - 110).
    assert (found.p50_us, found.p95_us) == (100, 182)
    assert (found.load_us, found.peak_bytes, found.resident_bytes) == (70_000, 9_000, 6_000)
    assert found.observations == 5
    assert found.provenance is Provenance.MEASURED


def test_p95_comes_to_cover_about_95_percent() -> None:
    oracle, source = EmaOracle(), random.Random(4)
    oracle.learn_profile(profile((1_000,) * 10), "")
    covered = []
    for _ in range(3_000):
        duration_us = round(1_000 * (0.8 + 0.4 * source.random()))
        covered.append(duration_us <= predicted(oracle, query()).p95_us)
        oracle.observe(query(), duration_us)
    assert 0.93 < sum(covered[1_000:]) / 2_000 < 0.97


@given(st.lists(st.integers(-5, 10**12), max_size=20))
def test_prediction_is_never_zero_and_p95_never_below_p50(durations: list[int]) -> None:
    oracle = EmaOracle()
    for duration_us in [1, *durations]:
        oracle.observe(query(), duration_us)
        found = predicted(oracle, query())
        assert 1 <= found.p50_us <= found.p95_us
