"""Runs as notebooks show them: a line on the run, and a chart of its operations in time."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fjord.client.wire import Json, Run

WIDTH, LABEL_WIDTH, ROW_HEIGHT = 720, 160, 22
"""Of the chart, in pixels."""
MOST_BARS = 500
"""Bars of one chart: a long fan-out has thousands, and a notebook keeps each of them."""
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")
"""Of the stages, in turn: Paul Tol's bright scheme, which the colour-blind can tell apart."""


def run_html(run: Run) -> str:
    """Show a run, with a chart of its operations if its record has them."""
    record = run.record
    said = [f"<b>{escape(run.id)}</b>", escape(str(record.get("workload", ""))), escape(run.state)]
    if record.get("ended_us"):
        said.append(f"after {(record['ended_us'] - record['submitted_us']) / 1000:.1f} ms")
    line = " ".join(filter(None, [*said, escape(run.reason)]))
    placed = [each for each in record.get("operations", ()) if _span(each)]
    left_out = max(0, len(placed) - MOST_BARS)
    more = f"<div>{left_out} more operations are not shown</div>" if left_out else ""
    chart = _chart(placed[:MOST_BARS]) if placed else ""
    return f"<div><div>{line}</div>{chart}{more}</div>"


def _chart(operations: list[Json]) -> str:
    spans = [span for each in operations if (span := _span(each))]
    first, last = min(start for start, _ in spans), max(end for _, end in spans)
    machines = sorted({each["machine"] for each in operations})
    stages = list(dict.fromkeys(each["stage"] for each in operations))
    scale = (WIDTH - LABEL_WIDTH) / max(1, last - first)
    labels = [
        f'<text x="0" y="{(row + 0.7) * ROW_HEIGHT:g}">{escape(machine)}</text>'
        for row, machine in enumerate(machines)
    ]
    bars = [
        _bar(
            each,
            x=LABEL_WIDTH + (start - first) * scale,
            width=max(1.0, (end - start) * scale),
            y=machines.index(each["machine"]) * ROW_HEIGHT + 2,
            colour=COLOURS[stages.index(each["stage"]) % len(COLOURS)],
        )
        for each, (start, end) in zip(operations, spans, strict=True)
    ]
    height = len(machines) * ROW_HEIGHT
    return (
        f'<svg width="{WIDTH}" height="{height}" role="img" aria-label="operations in time" '
        f'font-size="12" fill="currentColor">{"".join(labels)}{"".join(bars)}</svg>'
        f"<div>{(last - first) / 1000:.1f} ms from the first start to the last end</div>"
    )


def _bar(operation: Json, *, x: float, width: float, y: int, colour: str) -> str:
    """One bar; that of an operation that has not ended is pale, because its end is the plan's."""
    start, end = _span(operation) or (0, 0)
    item = "" if operation.get("item") is None else f"[{operation['item']}]"
    said = f"{operation['stage']}{item} {operation['state']} on {operation['machine']}"
    opacity = 1 if operation.get("ended_us") is not None else 0.45
    return (
        f'<rect x="{x:.1f}" y="{y}" width="{width:.1f}" height="{ROW_HEIGHT - 4}" rx="2" '
        f'fill="{colour}" fill-opacity="{opacity}">'
        f"<title>{escape(said)}, {(end - start) / 1000:.1f} ms</title></rect>"
    )


def _span(operation: Json) -> tuple[int, int] | None:
    """Start and end in microseconds: the actual ones as far as they are known, else the planned."""
    start = _time(operation, "started_us", "planned_start_us")
    end = _time(operation, "ended_us", "planned_end_us")
    if not operation.get("machine") or start is None or end is None:
        return None
    return start, max(start, end)


def _time(operation: Json, actual: str, planned: str) -> int | None:
    found: int | None = operation.get(actual)
    return operation.get(planned) if found is None else found
