"""A Gantt chart in characters: a row per machine, a letter per job."""

from __future__ import annotations

from collections.abc import Sequence
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


def gantt(bars: Sequence[Bar], *, width: int) -> str:
    """Draw bars, one row per machine and one letter per job, over the span they cover.

    Parameters
    ----------
    width
        Characters that a row may take, the names of the machines included.

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
    names = sorted({bar.machine for bar in bars})
    gutter = max(map(len, names)) + 1
    cells = max(10, width - gutter)
    letters = _letters(bars)
    start = min(bar.start_us for bar in bars)
    span = max(max(bar.end_us for bar in bars) - start, 1)
    rows = [
        name.ljust(gutter)
        + _row([b for b in bars if b.machine == name], letters, start, span, cells)
        for name in names
    ]
    scale = " " * gutter + "0" + f"{span / 1000:.1f} ms".rjust(cells - 1)
    return "\n".join([*rows, scale.rstrip()])


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
        # A bar too short for a cell still shows: what ran must be seen.
        last = max(first + 1, (bar.end_us - origin_us) * cells // span_us)
        for cell in range(first, min(last, cells)):
            row[cell] = letters[bar.job]
    return "".join(row)
