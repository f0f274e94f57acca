"""Busy spans of machines, in sorted arrays.

Windows and operations are spans. Without setups, touching spans are merged: a list schedule is
dense, and the search for a gap short. With setups each stays apart, because the neighbours of a gap
decide the setups that it must hold.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean_part, wide
from scheduler.solvers.kernels.sorting import above, not_below

Long = NDArray[np.int64]

ROOM = 8
"""Spans that a machine has room for at first; the room doubles as often as needed."""


class Spans(NamedTuple):
    """Spans in which machines are taken; rows of one pool.

    Parameters
    ----------
    first, filled, room
        Those of machine ``m`` are the positions ``first[m] .. first[m] + filled[m]`` of `start_us`,
        `end_us` and `operation`, in ascending order. A row that is full moves behind the others,
        with twice the room; when the half of the pool is full, all rows move to the other half.
    used
        Position of the next row; end of this half of the pool; begin of the other half.
    operation
        Operation of each span, -1 for a window; not kept where spans are merged.
    merged
        True if touching spans are merged.
    """

    first: Long
    filled: Long
    room: Long
    used: Long
    start_us: Long
    end_us: Long
    operation: Long
    merged: bool


def spans(machines: int, most: int, *, merged: bool) -> Spans:
    """Allocate rows for machines that take at most so many spans together."""
    # Rows that have just moved to a half leave most of it free, so moves are rare.
    pool = 2 * _half(machines, most)
    return Spans(
        first=np.zeros(machines, np.int64),
        filled=np.zeros(machines, np.int64),
        room=np.zeros(machines, np.int64),
        used=np.array([0, 0, _half(machines, most)], np.int64),
        start_us=np.zeros(pool, np.int64),
        end_us=np.zeros(pool, np.int64),
        operation=np.zeros(0 if merged else pool, np.int64),
        merged=merged,
    )


def _half(machines: int, most: int) -> int:
    return machines * ROOM + 4 * most


@lean_part
def clear_spans(s: Spans) -> None:
    """Leave every machine free."""
    for m in range(len(s.first)):
        s.first[m] = m * ROOM
        s.filled[m] = 0
        s.room[m] = ROOM
    s.used[0] = len(s.first) * ROOM
    s.used[1] = len(s.start_us) >> 1
    s.used[2] = s.used[1]


@lean_part
def gap_us(s: Spans, m: int, ready_us: int, duration_us: int) -> int:
    """Start of the first gap, not before `ready_us`, that is long enough; spans are merged."""
    low = s.first[m]
    high = low + s.filled[m]
    if high == low or ready_us >= s.end_us[high - 1]:
        return ready_us
    start_us = ready_us
    for p in range(above(s.end_us, low, high, ready_us), high):
        if s.start_us[p] - start_us >= duration_us:
            return start_us
        start_us = s.end_us[p]
    return start_us


@lean_part
def take(s: Spans, m: int, i: int, start_us: int, end_us: int) -> None:
    """Give a span to an operation, or to a window (-1)."""
    if not s.merged:
        _take_apart(s, m, i, start_us, end_us)
        return
    low = s.first[m]
    high = low + s.filled[m]
    first = not_below(s.end_us, low, high, start_us)
    last = above(s.start_us, first, high, end_us)
    if first == last:
        p = _open(s, m, first)
        s.start_us[p] = start_us
        s.end_us[p] = end_us
        return
    s.end_us[first] = max(end_us, s.end_us[last - 1])
    s.start_us[first] = min(start_us, s.start_us[first])
    if last - first > 1:
        _close(s, m, first + 1, last)


@lean_part
def _take_apart(s: Spans, m: int, i: int, start_us: int, end_us: int) -> None:
    """Insert a span by its start. Ends ascend too, though spans of history may overlap."""
    low = s.first[m]
    p = _open(s, m, above(s.start_us, low, low + s.filled[m], start_us))
    low = s.first[m]
    if p > low:
        end_us = max(end_us, s.end_us[p - 1])
    s.start_us[p] = start_us
    s.end_us[p] = end_us
    s.operation[p] = i
    for q in range(p + 1, low + s.filled[m]):
        if s.end_us[q] >= end_us:
            return
        s.end_us[q] = end_us


@lean_part
def release(s: Spans, m: int, start_us: int, end_us: int) -> None:
    """Free a span that overlapped no other when it was taken."""
    low = s.first[m]
    p = above(s.start_us, low, low + s.filled[m], start_us) - 1
    before = s.start_us[p] < start_us
    after = s.end_us[p] > end_us
    if not before and not after:
        _close(s, m, p, p + 1)
    elif not before:
        s.start_us[p] = end_us
    elif not after:
        s.end_us[p] = start_us
    else:
        p = _open(s, m, p + 1)
        s.start_us[p] = end_us
        s.end_us[p] = s.end_us[p - 1]
        s.end_us[p - 1] = start_us


@lean_part
def _open(s: Spans, m: int, p: int) -> int:
    """Make room for one more span of a machine, and return its position."""
    count = s.filled[m]
    if count == s.room[m]:
        p += _move(s, m)
    last = s.first[m] + count
    for q in range(last, p, -1):
        s.start_us[q] = s.start_us[q - 1]
        s.end_us[q] = s.end_us[q - 1]
    if not s.merged:
        for q in range(last, p, -1):
            s.operation[q] = s.operation[q - 1]
    s.filled[m] = count + 1
    return p


@lean_part
def _move(s: Spans, m: int) -> int:
    """Give the row of a machine more room, and return the distance it moved."""
    low = s.first[m]
    if s.used[0] + 2 * s.room[m] > s.used[1]:
        _compact(s)
    else:
        s.room[m] *= 2
        _copy_row(s, m, s.used[0])
        s.used[0] += s.room[m]
    return wide(s.first[m] - low)


@lean_part
def _compact(s: Spans) -> None:
    """Move all rows to the other half of the pool, each with some room."""
    half = len(s.start_us) >> 1
    at = s.used[2]
    s.used[1] = at + half
    s.used[2] = half - at
    for m in range(len(s.first)):
        _copy_row(s, m, at)
        s.room[m] = s.filled[m] + (ROOM >> 1)
        at += s.room[m]
    s.used[0] = at


@lean_part
def _copy_row(s: Spans, m: int, at: int) -> None:
    low = s.first[m]
    for q in range(s.filled[m]):
        s.start_us[at + q] = s.start_us[low + q]
        s.end_us[at + q] = s.end_us[low + q]
        if not s.merged:
            s.operation[at + q] = s.operation[low + q]
    s.first[m] = at


@lean_part
def _close(s: Spans, m: int, first: int, last: int) -> None:
    """Drop the spans in ``[first, last)``."""
    by = last - first
    high = s.first[m] + s.filled[m]
    for q in range(last, high):
        s.start_us[q - by] = s.start_us[q]
        s.end_us[q - by] = s.end_us[q]
    if not s.merged:
        for q in range(last, high):
            s.operation[q - by] = s.operation[q]
    s.filled[m] -= by
