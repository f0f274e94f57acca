"""Iterations of tabu search over the disjunctive graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.disjunctive.critical import critical_path
from scheduler.solvers.kernels.disjunctive.insertion import (
    MODE,
    OPERATION,
    PLACE,
    clear,
    insertions,
)
from scheduler.solvers.kernels.disjunctive.moving import move
from scheduler.solvers.kernels.disjunctive.paths import value
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US
from scheduler.solvers.kernels.randomness import State, below

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.disjunctive.graph import Graph
    from scheduler.solvers.kernels.disjunctive.insertion import Choice

NOW, VALUE, BEST, IDLE, DONE = range(5)
"""Positions in `TabuMemory.counts`: iteration, value of the plan, best value since the last start,
iterations since it was found, steps done."""

TENURE = 10
"""Least tenure in iterations if many ends count: the few traced paths do not tell the number of
critical operations then."""
SINKS_PER_STEP = 16
"""Ends that one counted step pays for."""
SPREAD = 20
"""Iterations that a tenure is longer by, drawn below this: chance breaks cycles."""


class TabuMemory(NamedTuple):
    """Memory of a tabu search: tabu modes, best plan, counters.

    Parameters
    ----------
    until
        Per mode, the iteration up to which its operation must not take it.
    mode, start_us
        The best plan since the last start.
    counts
        `NOW`, `VALUE`, `BEST`, `IDLE`, `DONE`.
    """

    until: Long
    mode: Int
    start_us: Long
    counts: Long


def memory(g: Graph) -> TabuMemory:
    """Give an empty memory for a graph."""
    return TabuMemory(
        until=np.zeros(len(g.mode), np.int64),
        mode=np.zeros(len(g.operation), np.int32),
        start_us=np.zeros(len(g.operation), np.int64),
        counts=np.zeros(5, np.int64),
    )


@lean
def begin(g: Graph, t: TabuMemory) -> None:
    """Start from the present plan of the graph; tabu modes stay tabu."""
    t.counts[VALUE] = t.counts[BEST] = value(g)
    t.counts[IDLE] = 0
    for i in range(len(g.operation)):
        t.mode[i] = g.operation[i].mode
        t.start_us[i] = g.operation[i].head_us


@lean
def iterate(
    g: Graph,
    t: TabuMemory,
    c: Choice,
    random: State,
    stop_flag: NDArray[np.int8],
    steps: int,
    patience: int,
) -> None:
    """Move for about `steps`, or until no better plan came for a number of iterations."""
    until = t.counts[DONE] + steps
    each = 1 + len(g.sinks.from_us) // SINKS_PER_STEP
    while t.counts[DONE] < until and t.counts[IDLE] < patience and not stop_flag[0]:
        t.counts[NOW] += 1
        t.counts[IDLE] += 1
        clear(c)
        length = critical_path(g, random, t.counts[VALUE], c.path)
        c.steps[0] = length + 1
        for at in range(length):
            i = c.path[at]
            if g.operation[i].movable:
                insertions(g, c, random, i, t.until, t.counts[NOW], t.counts[BEST])
        kept = c.best if c.best[OPERATION] >= 0 else c.tabu
        if kept[OPERATION] < 0:
            # Nothing on this path can move: its length is a bound, or another path is needed.
            t.counts[DONE] += each * c.steps[0]
            continue
        i = int(kept[OPERATION])
        o = g.operation[i]
        modes = o.mode_last - o.mode_first
        tenure = TENURE if g.summed else length
        t.until[o.mode] = t.counts[NOW] + tenure + modes + below(random, SPREAD)
        c.steps[0] += move(g, i, int(kept[MODE]), int(kept[PLACE]))
        t.counts[DONE] += each * c.steps[0]
        t.counts[VALUE] = value(g)
        if t.counts[VALUE] < t.counts[BEST]:
            _keep(g, t)


@lean_part
def _keep(g: Graph, t: TabuMemory) -> None:
    t.counts[BEST] = t.counts[VALUE]
    t.counts[IDLE] = 0
    for i in range(len(g.operation)):
        t.mode[i] = g.operation[i].mode
        t.start_us[i] = g.operation[i].head_us


@lean
def shake(g: Graph, t: TabuMemory, c: Choice, random: State, count: int) -> None:
    """Move `count` random operations, each to its best place in a random mode."""
    for _ in range(count):
        i = below(random, len(g.operation))
        o = g.operation[i]
        if not o.movable:
            continue
        chosen = o.mode_first + below(random, o.mode_last - o.mode_first)
        for k in range(o.mode_first, o.mode_last):
            t.until[k] = t.counts[NOW] if k == chosen else t.counts[NOW] + 1
        clear(c)
        c.steps[0] = 1
        if g.summed:
            value(g)
        insertions(g, c, random, i, t.until, t.counts[NOW], FAR_US)
        if c.best[OPERATION] >= 0:
            c.steps[0] += move(g, i, int(c.best[MODE]), int(c.best[PLACE]))
        t.counts[DONE] += c.steps[0]
