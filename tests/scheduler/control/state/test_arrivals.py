"""The next run of a stream is due by the times of its last ones."""

from __future__ import annotations

from random import Random

import pytest

from scheduler.control.state.arrivals import next_us

MS = 1_000


def test_an_even_stream_goes_on_after_its_period() -> None:
    assert next_us([0, 100 * MS, 200 * MS, 300 * MS, 400 * MS, 500 * MS]) == (600 * MS, 602 * MS)


def test_a_jittered_stream_comes_within_the_range_of_its_intervals() -> None:
    times_us = [0, 95 * MS, 205 * MS, 300 * MS, 390 * MS, 495 * MS]
    assert next_us(times_us) == ((495 + 90) * MS, (495 + 110 + 2) * MS)


@pytest.mark.parametrize("runs", [1, 5])
def test_a_few_runs_have_no_rhythm(runs: int) -> None:
    assert next_us(range(0, 100 * MS * runs, 100 * MS)) is None


def test_runs_at_one_moment_have_no_rhythm() -> None:
    assert next_us([7] * 12) is None


@pytest.mark.parametrize("streams", [2, 3, 4])
def test_streams_of_one_period_are_told_apart(streams: int) -> None:
    offsets_us = [i * 100 * MS // streams + 3 * MS * i**2 for i in range(streams)]
    times_us = sorted(at + 100 * MS * i for i in range(4) for at in offsets_us)[-12:]
    if streams == 2:
        times_us.insert(0, times_us[1] - 100 * MS)
    early_us, late_us = next_us(times_us) or (0, 0)
    assert early_us <= times_us[-streams] + 100 * MS <= late_us
    assert late_us - early_us < 100 * MS // streams


def test_a_release_that_was_left_out_and_a_pause_change_nothing() -> None:
    times_us = [i * 100 * MS for i in (0, 1, 2, 3, 4, 6, 7, 8, 9, 50)]
    assert next_us(times_us) == (5100 * MS, 5102 * MS)


def test_runs_that_come_by_chance_hardly_ever_seem_even() -> None:
    random = Random(1)
    seen = 0
    for _ in range(300):
        times_us, at_us = [], 0.0
        for _ in range(12):
            at_us += random.expovariate(1 / (100 * MS))
            times_us.append(round(at_us))
        seen += next_us(times_us) is not None
    assert seen <= 3
