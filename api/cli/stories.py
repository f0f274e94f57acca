"""The story of a run as a table: one line for each change of state, with its cause in words."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.cli import output

COLUMNS = ("ms", "operation", "attempt", "from", "to", "because", "machine", "detail")
CAUSES = {
    "submitted": "the run was accepted",
    "list_known": "the list of items came",
    "sent": "sent by the plan in force",
    "retracted": "cannot run there any more",
    "started": "its agent reported the start",
    "finished": "its agent reported the result",
    "fault": "the attempt failed",
    "lost": "the attempt was lost",
    "gave_way": "gave way to more urgent work",
    "silence": "its machine fell silent",
    "output_lost": "its output is gone and needed",
    "given_up": "it is not tried again",
    "refused": "the provider was refused",
    "dropped": "its machine goes",
    "measured_anew": "its machine is back",
    "run_ended": "its run ended before it",
}
"""Triggers of operations in words."""
CAUSES_OF_RUN = {
    "submitted": "it was accepted",
    "started": "its first operation began",
    "finished": "all its operations are done",
    "run_ended": "it ended without a result",
}
"""Triggers of the run itself in words."""


def print_story(told: Mapping[str, Any]) -> None:
    """Print a story, oldest line first, and the place and size of its gap where it has one."""
    empty = "no story of this run was kept"
    output.print_table(COLUMNS, _rows(told), right=("ms", "attempt"), empty=empty)


def _rows(told: Mapping[str, Any]) -> Iterator[tuple[Any, ...]]:
    for number, line in enumerate(told["lines"]):
        if told["left_out"] and number == told["left_out_after"]:
            gap = f"{told['left_out']} lines are left out here"
            yield ("", "...", "", "", "", gap, "", "")
        yield _row(told, line)


def _row(told: Mapping[str, Any], line: Mapping[str, Any]) -> tuple[Any, ...]:
    operation, trigger = line["operation"], line["trigger"]
    causes = CAUSES if operation else CAUSES_OF_RUN
    return (
        output.milliseconds(line["at_us"] - told["submitted_us"]),
        operation.removeprefix(f"{told['run']}/") or "(the run)",
        line["attempt"] or "",
        line["before"],
        line["after"],
        # A service of a later release may name causes that are not known here.
        causes.get(trigger, trigger),
        line["machine"],
        " ".join(line["detail"].split()),
    )
