"""Starting everything as early as it can is never worse."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from scheduler.model.checker import check
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import OPEN, Solution
from scheduler.solvers.heuristics.left_shift import left_shifted
from scheduler.solvers.translating import arrays, schedule_of
from tests.builders import job, operation, problem
from tests.scheduler.reference import serial
from tests.scheduler.strategies import problems


@settings(max_examples=60)
@given(problems())
def test_shifting_left_delays_nothing_and_changes_no_mode(p: Problem) -> None:
    form = arrays(p)
    before = serial(p, form)
    after = left_shifted(form, before)
    assert check(p, schedule_of(p, form, after)) == []
    np.testing.assert_array_equal(after.mode, before.mode)
    assert (after.start_us <= before.start_us)[form.state == OPEN].all()
    again = left_shifted(form, after)
    assert (again.start_us <= after.start_us).all()


def test_a_gap_is_closed_and_another_one_filled() -> None:
    ops = [operation("late", job="late", durations={"m0": 5}), operation("small")]
    form = arrays(problem(ops, jobs=[job("late", release_us=3), job("j0")]))
    plan = Solution(mode=np.array([0, 1], np.int32), start_us=np.array([9, 20], np.int64))
    assert left_shifted(form, plan).start_us.tolist() == [3, 0]
