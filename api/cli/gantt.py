"""A Gantt chart in characters: a row per machine, a letter per job."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
IDLE = "·"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One operation on its machine, with times from any origin."""

    machine: str
    job: str
    start_us: int
    end_us: int


def _milliseconds(span_us: int) -> str:
    return f"{span_us / 1000:.1f} ms"


def gantt(
    bars: Sequence[Bar],
    *,
    width: int,
    most_rows: int | None = None,
    span: Callable[[int], str] = _milliseconds,
) -> str:
    """Draw bars, one row per machine and one letter per job, over the span they cover.

    Parameters
    ----------
    width
        Characters that a row may take, the names of the machines included.
    most_rows
        Draw so many machines only, and say how many more there are.
    span
        Text for the span at the end of the scale.

    Examples
    --------
    >>> bars = [
    ...     Bar(machine="cpu0", job="a", start_us=0, end_us=50),
    ...     Bar(machine="cpu1", job="b", start_us=50, end_us=100),
    ... ]
    >>> print(gantt(bars, width=15))
    cpu0 AAAAA·····
    cpu1 ·····BBBBB
         0   0.1 ms
    """
    if not bars:
        return ""
    all_names = sorted({bar.machine for bar in bars}, key=_natural)
    names = all_names[:most_rows]
    gutter = max(map(len, names)) + 1
    cells = max(10, width - gutter)
    letters = _letters(bars)
    start = min(bar.start_us for bar in bars)
    span_us = max(max(bar.end_us for bar in bars) - start, 1)
    bars_of: dict[str, list[Bar]] = {name: [] for name in all_names}
    for bar in bars:
        bars_of[bar.machine].append(bar)
    rows = [
        name.ljust(gutter) + _row(bars_of[name], letters, start, span_us, cells) for name in names
    ]
    if len(names) < len(all_names):
        rows.append(f"... and {len(all_names) - len(names)} more machines")
    scale = " " * gutter + "0" + span(span_us).rjust(cells - 1)
    return "\n".join([*rows, scale.rstrip()])


def _natural(name: str) -> list[tuple[int, str]]:
    """Key that puts machine 2 before machine 10."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", name)]


def legend(bars: Sequence[Bar]) -> str:
    """Say which letter is which job."""
    return "  ".join(f"{letter} {job}" for job, letter in _letters(bars).items())


def _letters(bars: Sequence[Bar]) -> dict[str, str]:
    jobs = dict.fromkeys(bar.job for bar in sorted(bars, key=lambda b: (b.start_us, b.machine)))
    return {job: LETTERS[index % len(LETTERS)] for index, job in enumerate(jobs)}


def _row(
    bars: Sequence[Bar], letters: dict[str, str], origin_us: int, span_us: int, cells: int
) -> str:
    row = [IDLE] * cells
    for bar in bars:
        first = (bar.start_us - origin_us) * cells // span_us
        # A bar too short for a cell still shows, because a run must be seen.
        last = max(first + 1, (bar.end_us - origin_us) * cells // span_us)
        for cell in range(first, min(last, cells)):
            row[cell] = letters[bar.job]
    return "".join(row)
