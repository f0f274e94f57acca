"""A chart of a simulated history."""

from __future__ import annotations

from collections.abc import Sequence

from api.tools.gantt.chart import Block, Chart
from scheduler.control.records import RunRecord

US_PER_MS = 1_000


def chart_of(records: Sequence[RunRecord], machines: Sequence[str], *, title: str) -> Chart:
    """The last attempt of each operation in a row of its machine, in milliseconds."""
    row_of = {machine: row for row, machine in enumerate(machines)}
    first_us = min((record.submitted_us for record in records), default=0)
    blocks = tuple(
        Block(
            row=row_of[op.machine],
            job=record.run,
            label=op.stage,
            start=(op.started_us - first_us) / US_PER_MS,
            end=(op.ended_us - first_us) / US_PER_MS,
            details=f"{op.operation}: {op.state.value}",
        )
        for record in records
        for op in record.operations
        if op.started_us is not None and op.ended_us is not None and op.machine in row_of
    )
    notes = f"{len(records)} runs, {len(blocks)} operations, simulated"
    return Chart(title=title, notes=notes, rows=tuple(machines), blocks=blocks, unit="ms")
