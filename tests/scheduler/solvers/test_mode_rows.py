"""Rows of modes are read once, and are the same however often they are asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from scheduler.model.problem import Operation, Progress
from scheduler.solvers import mode_rows
from scheduler.solvers.mode_rows import FAMILY, MACHINE, P95_US, US, ModeRows, ModeTable
from tests.builders import mode, operation


def two() -> tuple[Operation, Operation]:
    return (
        operation("x", modes=[mode("a", 5, family="f"), mode("b", 7, duration_p95_us=9)]),
        operation("y", modes=[mode("b", 2, family="g")]),
    )


def read(table: ModeTable) -> list[list[int]]:
    machines = table.numbered(MACHINE, {"b": 0, "a": 1}).tolist()
    return [machines, table.rows[:, US].tolist(), table.rows[:, P95_US].tolist()]


def test_what_comes_again_is_as_before() -> None:
    rows, ops = ModeRows(), two()
    assert read(rows.table(ops)) == read(rows.table(ops)) == [[1, 0, 0], [5, 7, 2], [5, 9, 2]]


def test_equal_numbers_of_another_problem_have_its_numbering() -> None:
    rows, (x, y) = ModeRows(), two()
    rows.table((x, y))
    assert rows.table((y,)).numbered(MACHINE, {"c": 0, "b": 1}).tolist() == [1]


def test_families_come_in_order_of_appearance() -> None:
    rows, (x, y) = ModeRows(), two()
    assert rows.table((x, y)).families() == ["f", "", "g"]
    table = rows.table((y, x))
    assert table.families() == ["g", "f", ""]
    assert table.numbered(FAMILY, {"": 0, "g": 1, "f": 2}).tolist() == [1, 2, 0]


def test_what_has_started_has_the_mode_it_runs_in() -> None:
    rows, (x, _) = ModeRows(), two()
    table = rows.table((replace(x, progress=Progress(mode=1, start_us=0)),))
    assert (table.lengths.tolist(), table.rows[:, US].tolist()) == ([1], [7])


def test_forgetting_changes_nothing() -> None:
    small, large = ModeRows(most=2), ModeRows()
    for ops in (two(), two()[::-1], two()):
        np.testing.assert_array_equal(read(small.table(ops))[1], read(large.table(ops))[1])


def test_what_is_read_piece_by_piece_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = read(ModeRows().table(two()))
    monkeypatch.setattr(mode_rows, "_BLOCK", 1)
    assert read(ModeRows().table(two())) == whole


def test_columns_that_are_mostly_empty_are_read_where_they_are_not() -> None:
    rare: dict[str, Any] = {"energy_uj": 1, "peak_bytes": 2, "resident_bytes": 3, "setup_us": 4}
    for name, value in rare.items():
        modes = [mode("a", 5), mode("b", 6, **{name: value})]
        table = ModeRows().table([operation("x", modes=modes)])
        column = getattr(mode_rows, name.upper())
        assert table.rows[:, column].tolist() == [0, value]
        assert table.rows[:, P95_US].tolist() == [5, 6]


def test_reading_ends_where_it_is_told_to() -> None:
    def stop() -> None:
        raise StopIteration

    rows, ops = ModeRows(), two()
    with pytest.raises(StopIteration):
        rows.table(ops, stop)
    assert read(rows.table(ops)) == read(ModeRows().table(ops))
