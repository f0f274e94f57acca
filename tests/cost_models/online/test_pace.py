from __future__ import annotations

import math

import pytest

from cost_models.online.pace import USUAL, fit_power, log_pace


@pytest.mark.parametrize(("pace_ns", "usual_ns"), [(0, 30_000), (60_000, 0), (0, 0)])
def test_unknown_pace_changes_nothing(pace_ns: int, usual_ns: int) -> None:
    assert log_pace(pace_ns, usual_ns) == 0.0


def test_core_that_takes_twice_as_long_is_half_as_fast() -> None:
    assert log_pace(60_000, 30_000) == pytest.approx(math.log(2))


def test_power_is_that_which_brings_the_same_work_together() -> None:
    works = [name for name in "abcdefghij" for _ in range(5)]
    paces = [0.1 * (row % 5) for row in range(len(works))]
    durations = [ord(work) + 0.4 * pace for work, pace in zip(works, paces, strict=True)]

    assert fit_power(works, paces, durations) == pytest.approx(0.4)


def test_usual_power_is_taken_where_hardly_anything_was_measured_twice() -> None:
    assert fit_power(["a", "a", "b"], [0.0, 0.5, 0.1], [1.0, 1.1, 3.0]) == USUAL
