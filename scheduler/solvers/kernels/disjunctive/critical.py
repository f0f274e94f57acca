"""Critical paths: the operations that hold a plan up, one path per end that counts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.disjunctive.graph import NONE, next_mark
from scheduler.solvers.kernels.disjunctive.paths import free_us, lag_us, setup_us
from scheduler.solvers.kernels.randomness import State, below

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int
    from scheduler.solvers.kernels.disjunctive.graph import Graph

MANY = 10
"""Operations on critical paths beyond which no further path is traced. With 40 or 100 the same
operations move each time: the search goes round in circles."""


@lean
def critical_path(g: Graph, random: State, longest_us: int, path: Int) -> int:
    """Trace a random critical path from its end to its begin, and return its length.

    If many ends count, paths to some that cost are traced, drawn at random.
    """
    if g.summed:
        return _paths_to_sinks(g, random, path)
    i, ties = NONE, 0
    for j in range(len(g.operation)):
        o = g.operation[j]
        if o.head_us + o.us + o.goal_us == longest_us:
            ties += 1
            if ties == 1 or below(random, ties) == 0:
                i = j
    count = 0
    while i >= 0:
        path[count] = i
        count += 1
        i = _critical_predecessor(g, random, i)
    return count


@lean_part
def _paths_to_sinks(g: Graph, random: State, path: Int) -> int:
    """Trace critical paths to sinks that cost, each operation once, up to `MANY` operations."""
    sinks, now = g.sinks, next_mark(g)
    waiting = 0
    for s in range(len(sinks.end_us)):
        if sinks.end_us[s] > sinks.from_us[s]:
            sinks.room[waiting] = s
            waiting += 1
    count = 0
    while waiting and count < MANY:
        drawn = below(random, waiting)
        i = int(sinks.last[sinks.room[drawn]])
        waiting -= 1
        sinks.room[drawn] = sinks.room[waiting]
        while i >= 0 and g.operation[i].seen != now:
            g.operation[i].seen = now
            path[count] = i
            count += 1
            i = _critical_predecessor(g, random, i)
    return count


@lean_part
def _critical_predecessor(g: Graph, random: State, i: int) -> int:
    """Draw one of the predecessors that hold an operation back, or none."""
    o = g.operation[i]
    if not o.movable:
        return NONE
    found, ties = NONE, 0
    if o.before >= 0:
        at_us = free_us(g, o.before, o.machine) + setup_us(g, o.before, o.machine, o.mode)
        if at_us == o.head_us:
            found, ties = int(o.before), 1
    if o.ready_us < o.head_us:
        return found
    for e in range(o.source_first, o.source_last):
        j = g.source[e].operation
        source = g.operation[j]
        at_us = source.head_us + source.us
        if g.lagged:
            at_us += lag_us(g, g.source[e].edge, source.machine, o.machine)
        if at_us == o.head_us:
            ties += 1
            if ties == 1 or below(random, ties) == 0:
                found = int(j)
    return found
