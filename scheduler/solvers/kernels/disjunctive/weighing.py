"""Estimated cost of a move if many ends count.

A lower bound on the end of each sink, from the heads and tails of the plan as it is: the longest
path through the moved operation in its new place, through those that it changes places with, and
past it.

References
----------
Mati, Dauzere-Peres and Lahlou (2011), doi:10.1016/j.ejor.2011.01.046, estimate a swap of two
neighbours by the tails to each job; here also insertions on any machine, and paths past it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import lean_part
from scheduler.solvers.kernels.disjunctive.graph import NONE
from scheduler.solvers.kernels.disjunctive.paths import free_us, lag_us, reach, setup_us
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US, cost

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Long
    from scheduler.solvers.kernels.disjunctive.graph import Graph


class Scale(NamedTuple):
    """Times per sink, about an operation on its way.

    Parameters
    ----------
    past_us
        Earliest time at which it is reached, wherever the operation goes.
    other_us
        The same, given those that the operation has changed places with.
    onward_us
        Time from the operation's end, along its successors by precedence.
    behind_us
        Time from the begin of the next operation on the machine.
    """

    past_us: Long
    other_us: Long
    onward_us: Long
    behind_us: Long


def scale(count: int) -> Scale:
    """Allocate for a number of sinks."""
    return Scale(*(np.zeros(count, np.int64) for _ in range(4)))


@lean_part
def take_up(g: Graph, c: Scale, i: int) -> None:
    """Start the estimates of an operation's moves."""
    o = g.operation[i]
    end_us = o.head_us + o.us
    for s in range(len(c.past_us)):
        us = g.sinks.end_us[s]
        c.past_us[s] = us if end_us + g.beyond_us[i, s] < us else FAR_US
    for e in range(o.target_first, o.target_last):
        _go_past(g, c, i, g.target[e].operation)
    if o.behind >= 0:
        _go_past(g, c, i, o.behind)


@lean_part
def _go_past(g: Graph, c: Scale, i: int, j: int) -> None:
    """Count paths that enter a successor of an operation from elsewhere, or from before both."""
    o, after = g.operation[i], g.operation[j]
    start_us = after.earliest_us
    for e in range(after.source_first, after.source_last):
        source = g.operation[g.source[e].operation]
        if source.position < o.position:
            at_us = source.head_us + source.us
            if g.lagged:
                at_us += lag_us(g, g.source[e].edge, source.machine, after.machine)
            start_us = max(start_us, at_us)
    before = o.before if after.before == i else after.before
    if before < 0 or g.operation[before].position < o.position:
        setup = setup_us(g, before, after.machine, after.mode)
        start_us = max(start_us, free_us(g, before, after.machine) + setup)
    for s in range(len(c.past_us)):
        c.past_us[s] = max(c.past_us[s], start_us + after.us + g.beyond_us[j, s])


@lean_part
def take_mode(g: Graph, c: Scale, i: int, k: int, m: int) -> None:
    """Estimate moves into this mode from now on."""
    for s in range(len(c.onward_us)):
        c.onward_us[s] = FAR_US
    reach(g, i, k, m, 0, c.onward_us)


@lean_part
def put_before(g: Graph, c: Scale, behind: int) -> None:
    """Set the next operation on the machine, or none; the rest of the order is as in the plan."""
    for s in range(len(c.behind_us)):
        c.other_us[s] = c.past_us[s]
        c.behind_us[s] = FAR_US
    if behind != NONE:
        us = g.operation[behind].us
        for s in range(len(c.behind_us)):
            c.behind_us[s] = us + g.beyond_us[behind, s]


@lean_part
def move_up(g: Graph, c: Scale, j: int, end_us: int) -> None:
    """Swap the operation with the next one, which then ends at the given time."""
    o = g.operation[j]
    reach(g, j, o.mode, o.machine, end_us, c.other_us)
    behind = max(o.behind, 0)
    us = g.operation[behind].us if o.behind >= 0 else FAR_US
    for s in range(len(c.behind_us)):
        c.behind_us[s] = us + g.beyond_us[behind, s]


@lean_part
def move_back(g: Graph, c: Scale, j: int, gap_us: int) -> None:
    """Swap the operation with the previous one.

    Parameters
    ----------
    gap_us
        Setup between that one and the operation's former successor.
    """
    o = g.operation[j]
    for s in range(len(c.behind_us)):
        c.behind_us[s] += gap_us
    reach(g, j, o.mode, o.machine, 0, c.behind_us)
    for s in range(len(c.behind_us)):
        c.behind_us[s] += o.us
        c.other_us[s] = max(c.other_us[s], o.ready_us + c.behind_us[s])


@lean_part
def weigh(g: Graph, c: Scale, end_us: int, gap_us: int) -> int:
    """Cost of all sinks if the operation ends at that time.

    Parameters
    ----------
    gap_us
        Setup of the next operation after it.
    """
    total = 0
    for s in range(len(c.other_us)):
        follow_us = max(c.onward_us[s], gap_us + c.behind_us[s])
        total += cost(g.sinks, s, max(c.other_us[s], end_us + follow_us))
    return total
