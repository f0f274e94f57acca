from __future__ import annotations

import math

import pytest

from cost_models.learned.pace import USUAL, fit_power, log_pace
from scheduler.model.measuring import Load, Peaks


def test_pace_counts_against_the_one_of_the_peaks() -> None:
    peaks = Peaks(provider="cpu", pace_ns=30_000)

    assert log_pace(Load(pace_ns=60_000), peaks) == pytest.approx(math.log(2))


@pytest.mark.parametrize(
    ("load", "peaks"),
    [
        (Load(), Peaks(provider="cpu", pace_ns=30_000)),
        (Load(pace_ns=60_000), Peaks(provider="cpu")),
        (Load(pace_ns=60_000), None),
    ],
)
def test_unknown_pace_changes_nothing(load: Load, peaks: Peaks | None) -> None:
    assert log_pace(load, peaks) == 0.0


def test_power_is_that_which_brings_the_same_work_together() -> None:
    works = [name for name in "abcdefghij" for _ in range(5)]
    paces = [0.1 * (row % 5) for row in range(len(works))]
    durations = [ord(work) + 0.4 * pace for work, pace in zip(works, paces, strict=True)]

    assert fit_power(works, paces, durations) == pytest.approx(0.4)


def test_usual_power_is_taken_where_hardly_anything_was_measured_twice() -> None:
    assert fit_power(["a", "a", "b"], [0.0, 0.5, 0.1], [1.0, 1.1, 3.0]) == USUAL
