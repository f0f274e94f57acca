"""Over arrays the rules are those of the checker."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model.checker import ViolationKind, check
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import OPEN, Solution
from scheduler.solvers.translating import arrays, schedule_of
from scheduler.solvers.verifying import verify
from tests.builders import chain
from tests.scheduler.reference import serial
from tests.scheduler.strategies import problems


@settings(max_examples=300)
@given(p=problems(deadlines=True), data=st.data())
def test_a_plan_is_refused_when_the_checker_refuses_it(p: Problem, data: st.DataObject) -> None:
    form = arrays(p)
    solution = serial(p, form)
    mode, start_us = solution.mode.copy(), solution.start_us.copy()
    for i in np.flatnonzero(form.state == OPEN).tolist():
        if data.draw(st.booleans()):
            mode[i] = data.draw(st.integers(form.mode_first[i], form.mode_first[i + 1] - 1))
            start_us[i] = max(0, start_us[i] + data.draw(st.integers(-9, 3)))
    changed = Solution(mode, start_us)
    kinds = {violation.kind for violation in check(p, schedule_of(p, form, changed))}
    # Both are one column of the arrays: the earliest start.
    if ViolationKind.PAST in kinds:
        kinds |= {ViolationKind.RELEASE}
    found = verify(form, changed)
    assert found in kinds if kinds else found is None


def test_what_is_missing_moved_or_of_another_operation_is_refused() -> None:
    form = arrays(chain(2, 3))
    start_us = np.array([0, 2], np.int64)
    whole = Solution(np.array([0, 1], np.int32), start_us)
    assert verify(form, whole) is None
    assert verify(form, Solution(whole.mode[:1], start_us[:1])) is ViolationKind.MISSING
    assert verify(form, Solution(np.array([1, 1], np.int32), start_us)) is ViolationKind.MODE
    started = form._replace(
        state=np.array([1, 0], np.int32), frozen_end_us=np.array([2, 0], np.int64)
    )
    moved = Solution(whole.mode, np.array([1, 3], np.int64))
    assert verify(started, moved) is ViolationKind.PROGRESS
