"""A part of a form is the form of that part."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.model.problem import Band, Problem
from scheduler.portfolio.restricting import for_band, restricted
from scheduler.solvers.arrays import NEVER_US, PLANNED, Solution
from scheduler.solvers.translating import arrays
from tests.builders import chain, job, machine, mode, operation, problem
from tests.scheduler.strategies import problems

NUMBERED = ("order", "mode_family", "machine_family")
"""Numbered otherwise in a problem of its own, or ordered otherwise among what has no order."""


def no_plan(p: Problem) -> Solution:
    count = len(p.operations)
    return Solution(np.zeros(count, np.int32), np.zeros(count, np.int64))


@settings(max_examples=30)
@given(problems(), st.data())
def test_a_part_is_the_form_of_the_problem_without_the_rest(
    p: Problem, data: st.DataObject
) -> None:
    form = arrays(p)
    inside = np.array([data.draw(st.booleans()) for _ in p.operations])
    for i in form.order[::-1]:  # all that something waits for is there, too
        row = slice(form.target_first[i], form.target_first[i + 1])
        inside[i] |= inside[form.target_op[row]].any()
    part = restricted(form, inside, np.zeros_like(inside), no_plan(p))
    kept = tuple(o for o, is_in in zip(p.operations, inside, strict=True) if is_in)
    names = {o.id for o in kept}
    alone = replace(
        p, operations=kept, edges=tuple(e for e in p.edges if {e.source, e.target} <= names)
    )
    expected = arrays(alone)._asdict()
    for column in set(expected) - {*NUMBERED, "group", "band"}:
        np.testing.assert_array_equal(getattr(part.form, column), expected[column], column)
        assert np.asarray(getattr(part.form, column)).dtype == np.asarray(expected[column]).dtype


def test_a_plan_goes_into_a_part_and_back() -> None:
    p = problem(
        [operation("x", durations={"a": 2, "b": 3}), operation("y", durations={"a": 1, "b": 1})]
    )
    form = arrays(p)
    plan = Solution(np.array([1, 3], np.int32), np.array([0, 7]))
    part = restricted(form, np.array([False, True]), np.zeros(2, bool), plan)
    assert part.of(plan).mode.tolist() == [1]
    other = Solution(np.array([1, 2], np.int32), np.array([0, 0]))
    part.into(other, part.of(plan))
    assert (other.mode.tolist(), other.start_us.tolist()) == ([1, 3], [0, 7])


def test_what_is_fixed_is_held_as_planned_in_its_only_mode() -> None:
    form = arrays(problem([operation("x", durations={"a": 2, "b": 3}), operation("y")]))
    plan = Solution(np.array([1, 2], np.int32), np.array([4, 0]))
    fixed = np.array([True, False])
    part = restricted(form, np.ones(2, bool), fixed, plan).form
    assert part.state.tolist() == [PLANNED, 0]
    assert (part.frozen_start_us[0], part.frozen_end_us[0]) == (4, 7)
    assert part.mode_first.tolist() == [0, 1, 2]


def test_nothing_fits_before_what_is_fixed_and_would_need_another_setup() -> None:
    loading = mode("a", 3, family="f", setup_us=2)
    p = problem(
        [operation("x", modes=[loading]), operation("y", modes=[loading]), operation("z")],
        machines=[machine("a", unavailable=[(8, 12)]), machine("m0")],
    )
    plan = Solution(np.arange(3, dtype=np.int32), np.array([2, 15, 0]))
    part = restricted(arrays(p), np.ones(3, bool), np.array([True, True, False]), plan).form
    assert part.window_first.tolist() == [0, 2, 2]
    assert list(zip(part.window_start_us, part.window_end_us, strict=True)) == [(0, 2), (5, 15)]


def test_before_what_is_fixed_there_is_room_where_setups_are_kept() -> None:
    loading = mode("a", 3, family="f", setup_us=2)
    p = problem(
        [operation("x", modes=[loading]), operation("y", modes=[loading]), operation("z")],
        machines=[machine("a", keeps_setups=True), machine("m0")],
    )
    plan = Solution(np.arange(3, dtype=np.int32), np.array([7, 15, 0]))
    part = restricted(arrays(p), np.ones(3, bool), np.array([True, True, False]), plan).form
    assert list(zip(part.window_start_us, part.window_end_us, strict=True)) == [(5, 7)]


def test_what_other_bands_want_is_left_out() -> None:
    p = replace(
        chain(1),
        jobs=tuple(
            job(f"j{int(band)}", band=band, due_us=9, deadline_us=9, weight=3)
            for band in (Band.CRITICAL, Band.HIGH, Band.NORMAL)
        ),
    )
    form = for_band(arrays(p), Band.HIGH)
    assert form.job_due_us.tolist() == [NEVER_US, 9, NEVER_US]
    assert form.job_weight.tolist() == [0, 3, 0]
    assert form.job_deadline_us.tolist() == [NEVER_US, 9, NEVER_US]
