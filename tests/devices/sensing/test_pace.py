"""The pace of a core."""

from __future__ import annotations

from devices.sensing.pace import FRESH_US, Pace, count_ns


def test_counting_takes_time_by_any_clock() -> None:
    moments = iter((5, 905, 7, 7))
    assert count_ns(lambda: next(moments)) == 900
    assert count_ns(lambda: next(moments)) == 1


def test_a_pace_serves_until_it_is_stale() -> None:
    pace = Pace()
    first = pace.ns(10)
    assert first > 0
    assert all(pace.ns(10 + later) == first for later in (0, 1, FRESH_US - 1))
