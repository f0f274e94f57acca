"""A timeline against the obvious: a set of taken microseconds."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from scheduler.model.checker import check
from scheduler.model.problem import Problem
from scheduler.model.schedule import Assignment, Limits, Schedule
from scheduler.solvers.heuristics.fastest_machine import fastest_machine
from scheduler.solvers.heuristics.left_shift import left_shifted
from scheduler.solvers.heuristics.timeline import Timeline
from tests.builders import mode, operation, problem
from tests.scheduler.strategies import problems

SPANS = st.lists(st.tuples(st.integers(0, 30), st.integers(1, 6)), max_size=8)


@given(spans=SPANS, ready_us=st.integers(0, 40), duration_us=st.integers(1, 8))
def test_the_first_gap_that_is_long_enough_is_found(
    spans: list[tuple[int, int]], ready_us: int, duration_us: int
) -> None:
    timeline = Timeline()
    for start_us, length_us in spans:
        timeline.block(start_us, start_us + length_us)
    taken = {at for start, length in spans for at in range(start, start + length)}
    expected = next(
        at for at in range(ready_us, 100) if not taken & set(range(at, at + duration_us))
    )
    assert timeline.earliest_start_us(ready_us, duration_us) == expected
    joined = {at for s, e in zip(timeline.starts, timeline.ends, strict=True) for at in range(s, e)}
    assert joined == taken


def test_spans_that_touch_become_one() -> None:
    timeline = Timeline()
    for start_us in (0, 4, 2):
        timeline.block(start_us, start_us + 2)
    assert (timeline.starts, timeline.ends) == ([0], [6])


def test_appending_counts_operations_and_not_windows() -> None:
    timeline = Timeline()
    timeline.block(10, 20)
    timeline.occupy(0, 3)
    assert timeline.append_start_us(0, 7) == 3
    assert timeline.append_start_us(0, 8) == 20


@given(problems())
def test_shifting_left_delays_nothing_and_changes_no_mode(p: Problem) -> None:
    before = fastest_machine(p, Limits(), 0).schedule
    assert before is not None
    after = left_shifted(p, before)
    assert check(p, after) == []
    for old, new in zip(before, after, strict=True):
        assert (new.operation, new.mode) == (old.operation, old.mode)
        assert new.start_us <= old.start_us


def test_shifting_left_takes_the_quickest_mode_on_the_machine() -> None:
    p = problem([operation("slack", modes=(mode("m0", 5), mode("m0", 3)))])
    slow = Assignment(operation="slack", mode=0, machine="m0", start_us=2, end_us=7)
    (placed,) = left_shifted(p, Schedule(assignments=(slow,)))
    assert (placed.mode, placed.start_us, placed.end_us) == (1, 0, 3)
