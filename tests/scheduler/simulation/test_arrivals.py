"""Arrivals: as many as their rate says, in order, the same for the same seed."""

from __future__ import annotations

from random import Random

import pytest

from scheduler.simulation.arrivals import SECOND_US, bursty, periodic, poisson

UNTIL_US = 200 * SECOND_US


def test_periodic_runs_come_at_even_intervals() -> None:
    assert periodic(4, SECOND_US, jitter_us=0, random=Random(0)) == (0, 250_000, 500_000, 750_000)


def test_jitter_moves_each_by_no_more_than_itself() -> None:
    moved = periodic(10, UNTIL_US, jitter_us=3_000, random=Random(0))
    assert max(abs(at_us - 100_000 * i) for i, at_us in enumerate(moved)) <= 3_000


@pytest.mark.parametrize("seed", range(5))
def test_poisson_and_bursts_come_at_their_rate_on_average(seed: int) -> None:
    for found in (
        poisson(20, UNTIL_US, random=Random(seed)),
        bursty(20, UNTIL_US, burst=4, random=Random(seed)),
    ):
        assert 0.8 * 4_000 < len(found) < 1.2 * 4_000
        assert list(found) == sorted(found)
        assert found[-1] < UNTIL_US


def test_a_burst_comes_at_once() -> None:
    found = bursty(20, UNTIL_US, burst=4, random=Random(1))
    assert all(len(set(found[i : i + 4])) == 1 for i in range(0, len(found), 4))
