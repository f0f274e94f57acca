"""Arrivals out of a trace: a CSV file, packed by gzip or not, with a time in its first column."""

from __future__ import annotations

import csv
import gzip
from datetime import UTC, datetime
from pathlib import Path

from scheduler.model.errors import InvalidInput

US_PER_S = 1_000_000


def read_trace(file: Path, *, speedup: float = 1.0) -> tuple[int, ...]:
    """Read arrival times in microseconds since the first; the first line is a head.

    Parameters
    ----------
    speedup
        Factor by which they come faster than recorded.

    Raises
    ------
    InvalidInput
        If a time is no ISO 8601 time and no number of seconds, or lies before the one above it.
    """
    opened = gzip.open if file.suffix == ".gz" else open
    found: list[float] = []
    try:
        with opened(file, "rt", newline="") as lines:
            for number, row in enumerate(csv.reader(lines), 1):
                if number > 1 and row:
                    found.append(_seconds(row[0], file, number))
                    _in_order(found, file, number)
    except (gzip.BadGzipFile, EOFError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} must be a CSV file; got {error}") from None
    return tuple(round((at_s - found[0]) / speedup * US_PER_S) for at_s in found)


def _seconds(text: str, file: Path, line: int) -> float:
    try:
        return float(text)
    except ValueError:
        pass
    try:
        at = datetime.fromisoformat(text.strip())
    except ValueError:
        law = "must begin with an ISO 8601 time or a number of seconds"
        raise InvalidInput(f"{file}, line {line}: {law}; got {text!r}") from None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp()


def _in_order(found: list[float], file: Path, line: int) -> None:
    if len(found) > 1 and found[-1] < found[-2]:
        back_s = found[-2] - found[-1]
        raise InvalidInput(f"{file}, line {line}: times must not go back; got {back_s:g} s back")
