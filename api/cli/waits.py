"""The waits of a run by cause, as text and tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from api.cli import output


def print_waits(record: Mapping[str, Any]) -> None:
    """Print the causes of a run's wait, the longest first, and what went before it."""
    waited = record.get("waited", {})
    total_us = sum(waited.values())
    rows = [
        (cause, output.milliseconds(us), f"{us / total_us:.0%}") for cause, us in _longest(waited)
    ]
    empty = "no wait is recorded"
    output.print_table(("waited for", "ms", "share"), rows, right=("ms", "share"), empty=empty)
    if total_us:
        output.console().print(f"waited {output.milliseconds(total_us)} ms{_of(record)}")
    for found in record.get("inversions", ()):
        late = output.milliseconds(found["started_us"] - found["began_us"])
        output.note(
            f"{found['lower_operation']}, less urgent, began on {found['machine']} {late} ms "
            f"before {found['operation']}, which was ready"
        )


def print_operations(operations: Sequence[tuple[str, Mapping[str, Any]]]) -> None:
    """Print what each operation waited for, of those that did."""
    rows = [
        (name, output.milliseconds(sum(waited.values())), _causes(waited))
        for name, waited in ((name, operation.get("waited")) for name, operation in operations)
        if waited
    ]
    columns = ("operation", "ms", "waited for")
    output.print_table(columns, rows, right=("ms",), empty="no operation waited")


def _of(record: Mapping[str, Any]) -> str:
    """The time that a run took, of which its wait is a part."""
    if record["ended_us"] is None:
        return " so far"
    return f" of {output.milliseconds(record['ended_us'] - record['submitted_us'])} ms"


def _causes(waited: Mapping[str, int]) -> str:
    return ", ".join(f"{cause} {output.milliseconds(us)}" for cause, us in _longest(waited))


def _longest(waited: Mapping[str, int]) -> list[tuple[str, int]]:
    return sorted(waited.items(), key=lambda pair: -pair[1])
