"""Moves in the disjunctive graph.

After a move only the heads and tails that it can change are computed again, in a topological order
that is repaired in place.

References
----------
The repair of the order follows Pearce and Kelly (2006), doi:10.1145/1187436.1210590, in one window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.disjunctive.graph import NONE, next_mark
from scheduler.solvers.kernels.disjunctive.paths import renew_head, renew_tail, renew_tails

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Solution
    from scheduler.solvers.kernels.disjunctive.graph import Graph


def load(g: Graph, a: Arrays, solution: Solution) -> None:
    """Load the modes of a plan and its order on each machine, and compute all paths."""
    g.order[:] = a.order[np.argsort(solution.start_us[a.order], kind="stable")]
    g.operation.head_us = g.operation.ready_us = a.frozen_start_us
    g.operation.us = a.frozen_end_us - a.frozen_start_us
    arrange(g, solution.mode)


@lean
def arrange(g: Graph, mode: Int) -> None:
    """Load modes, keep the present `order`, and compute all heads and tails."""
    for m in range(len(g.machine)):
        g.machine[m].length = 0
    for at in range(len(g.order)):
        i = g.order[at]
        o = g.operation[i]
        o.position = at
        o.mode = mode[i]
        o.machine = g.mode[mode[i]].machine
        o.place = o.before = o.behind = NONE
        if o.movable:
            o.us = g.mode[mode[i]].us
            if g.machine[o.machine].exclusive:
                _put_in(g, i, g.machine[o.machine].length)
    for at in range(len(g.order)):
        renew_head(g, g.order[at])
    renew_tails(g)


@lean
def move(g: Graph, i: int, k: int, at: int) -> int:
    """Give operation ``i`` mode ``k`` and place `at` among the others of its machine.

    The move must make no cycle. Heads and tails are valid afterwards. Returns the steps done.
    """
    o = g.operation[i]
    old_before, old_behind = o.before, o.behind
    _take_out(g, i)
    o.mode = k
    o.machine = g.mode[k].machine
    o.us = g.mode[k].us
    if g.machine[o.machine].exclusive:
        _put_in(g, i, at)
    steps = _repair_order(g, i)
    steps += _heads_after(g, i, old_behind)
    return steps + _tails_after(g, i, old_before)


@lean_part
def _take_out(g: Graph, i: int) -> None:
    o = g.operation[i]
    if o.place < 0:
        return
    m = g.machine[o.machine]
    m.length -= 1
    for at in range(m.first + o.place, m.first + m.length):
        j = g.sequence[at + 1]
        g.sequence[at] = j
        g.operation[j].place -= 1
    if o.before >= 0:
        g.operation[o.before].behind = o.behind
    if o.behind >= 0:
        g.operation[o.behind].before = o.before
    o.place = o.before = o.behind = NONE


@lean_part
def _put_in(g: Graph, i: int, place: int) -> None:
    o = g.operation[i]
    m = g.machine[o.machine]
    for at in range(m.first + m.length, m.first + place, -1):
        j = g.sequence[at - 1]
        g.sequence[at] = j
        g.operation[j].place += 1
    m.length += 1
    g.sequence[m.first + place] = i
    o.place = place
    if place:
        o.before = g.sequence[m.first + place - 1]
        g.operation[o.before].behind = i
    if place + 1 < m.length:
        o.behind = g.sequence[m.first + place + 1]
        g.operation[o.behind].before = i


@lean_part
def _repair_order(g: Graph, i: int) -> int:
    """Bring operation ``i`` behind its predecessors and before its successors in the order."""
    o = g.operation[i]
    latest = g.operation[o.before].position if o.before >= 0 else NONE
    for e in range(o.source_first, o.source_last):
        latest = max(latest, g.operation[g.source[e].operation].position)
    first = g.operation[o.behind].position if o.behind >= 0 else len(g.order)
    for e in range(o.target_first, o.target_last):
        first = min(first, g.operation[g.target[e].operation].position)
    at = o.position
    if latest < at < first:
        return 0
    low, high = min(first, at), max(latest, at)
    if latest < first:
        # Only its own position is wrong, so it goes next to the operation that holds it back.
        low, high = (at, latest) if at < latest else (first, at)
    _reorder(g, i, low, high)
    return int(high - low + 1)


@lean_part
def _reorder(g: Graph, i: int, low: int, high: int) -> None:
    """Within a window of the order, put the successors of operation ``i`` behind all others."""
    now = next_mark(g)
    _mark_successors(g, i, now)
    kept, moved = low, 0
    for at in range(low, high + 1):
        j = g.order[at]
        if j == i:
            continue
        if g.operation[j].seen == now:
            g.buffer[moved] = j
            moved += 1
            _mark_successors(g, j, now)
        else:
            g.order[kept] = j
            g.operation[j].position = kept
            kept += 1
    g.order[kept] = i
    g.operation[i].position = kept
    for at in range(moved):
        kept += 1
        g.order[kept] = g.buffer[at]
        g.operation[g.buffer[at]].position = kept


@lean_part
def _mark_successors(g: Graph, i: int, now: int) -> int:
    """Mark all direct successors, and return the last position among them."""
    o = g.operation[i]
    last = NONE
    if o.behind >= 0:
        g.operation[o.behind].seen = now
        last = g.operation[o.behind].position
    for e in range(o.target_first, o.target_last):
        target = g.operation[g.target[e].operation]
        target.seen = now
        last = max(last, target.position)
    return last


@lean_part
def _mark_predecessors(g: Graph, i: int, now: int) -> int:
    """Mark all direct predecessors, and return the first position among them."""
    o = g.operation[i]
    first = len(g.order)
    if o.before >= 0:
        g.operation[o.before].seen = now
        first = g.operation[o.before].position
    for e in range(o.source_first, o.source_last):
        source = g.operation[g.source[e].operation]
        source.seen = now
        first = min(first, source.position)
    return first


@lean_part
def _heads_after(g: Graph, i: int, other: int) -> int:
    """Renew heads from a moved operation on, and from its former successor on the machine."""
    now = next_mark(g)
    at = last = g.operation[i].position
    g.operation[i].seen = now
    if other >= 0:
        o = g.operation[other]
        o.seen = now
        at, last = min(at, o.position), max(last, o.position)
    steps = 0
    while at <= last:
        j = g.order[at]
        if g.operation[j].seen == now:
            steps += 1
            # Successors of a moved operation can change even if its own start does not, because
            # its duration, device and family count.
            if renew_head(g, j) or j == i:
                last = max(last, _mark_successors(g, j, now))
        at += 1
    return steps


@lean_part
def _tails_after(g: Graph, i: int, other: int) -> int:
    """Renew tails from a moved operation back, and from its former predecessor on the machine."""
    now = next_mark(g)
    at = first = g.operation[i].position
    g.operation[i].seen = now
    if other >= 0:
        o = g.operation[other]
        o.seen = now
        at, first = max(at, o.position), min(first, o.position)
    steps = 0
    while at >= first:
        j = g.order[at]
        if g.operation[j].seen == now:
            steps += 1
            if renew_tail(g, j) or j == i:
                first = min(first, _mark_predecessors(g, j, now))
        at -= 1
    return steps
