"""`fjord runs explain` says what a run waited for."""

from __future__ import annotations

import pytest

from api.cli import waits

RECORD = {
    "submitted_us": 0,
    "ended_us": 50_000,
    "waited": {"controller": 2_000, "lower_work": 8_000},
    "inversions": [
        {
            "lower_operation": "b/only",
            "machine": "a/cpu0",
            "operation": "r/only",
            "began_us": 1_000,
            "started_us": 9_000,
        }
    ],
}


def test_causes_are_said_with_the_longest_first_and_add_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waits.print_waits(RECORD)
    said = capsys.readouterr()
    assert said.out.index("lower_work") < said.out.index("controller")
    assert "80%" in said.out
    assert "waited 10.0 ms of 50.0 ms" in said.out


def test_what_went_before_is_named_with_both_operations(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waits.print_waits(RECORD)
    said = capsys.readouterr()
    assert "b/only, less urgent, began on a/cpu0 8.0 ms before r/only" in said.out + said.err


def test_run_of_before_that_has_no_causes_says_that_none_are_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    waits.print_waits({"submitted_us": 0, "ended_us": 1})
    waits.print_operations([("only", {})])
    assert "no wait is recorded" in capsys.readouterr().out
