"""`fjord runs story` tells each transition in a line of its own."""

from __future__ import annotations

from typing import Any

import pytest

from api.cli import stories
from scheduler.control.records import Trigger

SUBMITTED_US = 1_000_000


def line(at_us: int, operation: str = "r-1/read[2]", **given: Any) -> dict[str, Any]:
    fields = {
        "at_us": SUBMITTED_US + at_us,
        "operation": operation,
        "attempt": 2 if operation else 0,
        "before": "running",
        "after": "waiting",
        "trigger": "gave_way",
        "machine": "box/cpu0",
        "detail": "r-9/only",
    }
    return fields | given


def story(*lines: dict[str, Any], **given: Any) -> dict[str, Any]:
    gap = {"left_out": 0, "left_out_after": 0}
    return {"run": "r-1", "submitted_us": SUBMITTED_US, "lines": list(lines), **gap, **given}


def printed(capsys: pytest.CaptureFixture[str], told: dict[str, Any]) -> list[list[str]]:
    """Words of each line below the title."""
    stories.print_story(told)
    return [line.split() for line in capsys.readouterr().out.splitlines()[1:]]


def test_a_line_says_when_what_and_why(capsys: pytest.CaptureFixture[str]) -> None:
    (words,) = printed(capsys, story(line(12_300)))
    assert words[:5] == ["12.3", "read[2]", "2", "running", "waiting"]
    assert words[5:] == ["gave", "way", "to", "more", "urgent", "work", "box/cpu0", "r-9/only"]


def test_a_transition_of_the_run_itself_has_words_of_its_own(
    capsys: pytest.CaptureFixture[str],
) -> None:
    end = line(5_000, "", after="failed", trigger="run_ended", machine="", detail="error:\n no")
    (words,) = printed(capsys, story(end))
    assert " ".join(words).endswith("failed it ended without a result error: no")


def test_a_gap_is_told_where_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    told = story(*(line(at_us) for at_us in (0, 1_000, 9_000)), left_out=314, left_out_after=2)
    rows = printed(capsys, told)
    assert rows[2] == ["...", "314", "lines", "are", "left", "out", "here"]
    assert len(rows) == 4


def test_a_run_without_a_story_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    stories.print_story(story())
    assert "no story of this run was kept" in capsys.readouterr().out


def test_every_trigger_is_said_in_words() -> None:
    assert set(stories.CAUSES) == set(Trigger)
    assert set(stories.CAUSES_OF_RUN) < set(Trigger)
