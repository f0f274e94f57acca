"""Insertions: every useful place of an operation in the orders of its machines.

The neighbourhood of Mastrolilli and Gambardella (2000),
doi:10.1002/(SICI)1099-1425(200001/02)3:1<3::AID-JOS32>3.0.CO;2-Y. An operation is taken out and put
into the order of each eligible machine behind those that must precede it and before those that must
follow it. The estimate of a move is the longest path through the operation in its new place.

Departures: heads and tails come from the plan as it is, on the operation's own machine from the
chain without it, so that an estimate costs constant time and is never below the longest path
through the operation. Transfers depend on both ends, so insertions that make no cycle are found by
heads and tails without the operation's own transfers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.disjunctive.graph import NONE
from scheduler.solvers.kernels.disjunctive.paths import free_us, lag_us, outside_windows, setup_us
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US
from scheduler.solvers.kernels.disjunctive.weighing import (
    Scale,
    move_back,
    move_up,
    put_before,
    scale,
    take_mode,
    take_up,
    weigh,
)
from scheduler.solvers.kernels.randomness import State, below

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.disjunctive.graph import Graph

_NEVER_US = 2**62
OPERATION, MODE, PLACE, ESTIMATE, TIES = range(5)
"""Positions in `Choice.best` and `Choice.tabu`."""


class Choice(NamedTuple):
    """The best insertion so far, and one drawn from those that are tabu.

    Parameters
    ----------
    best, tabu
        `OPERATION`, `MODE`, `PLACE`, `ESTIMATE`, `TIES`.
    path
        Room for a critical path.
    steps
        Number of insertions estimated, as its only entry.
    scale
        Effect of an insertion on the ends, if many ends count.
    """

    best: Long
    tabu: Long
    path: Int
    steps: Long
    scale: Scale


class Probe(NamedTuple):
    """An operation on its way into the order of a machine, in one of its modes.

    Parameters
    ----------
    start_us, rest_us
        Head and tail that precedence allows in this mode.
    early_us, late_us
        The same without transfers: operations that end later may follow, those with a longer tail
        may precede.
    aspiration_us
        Estimate below which the mode is not tabu.
    """

    i: int
    k: int
    m: int
    us: int
    start_us: int
    rest_us: int
    early_us: int
    late_us: int
    aspiration_us: int


def choice(g: Graph) -> Choice:
    """Allocate an empty choice for a graph."""
    return Choice(
        best=np.zeros(5, np.int64),
        tabu=np.zeros(5, np.int64),
        path=np.zeros(len(g.operation), np.int32),
        steps=np.zeros(1, np.int64),
        scale=scale(len(g.sinks.from_us)),
    )


@lean
def clear(c: Choice) -> None:
    """Forget what has been chosen."""
    for kept in (c.best, c.tabu):
        kept[OPERATION] = NONE
        kept[ESTIMATE] = _NEVER_US
        kept[TIES] = 0


@lean
def insertions(
    g: Graph, c: Choice, random: State, i: int, until: Long, now: int, aspiration_us: int
) -> None:
    """Consider every useful insertion of an operation; a mode is tabu up to iteration `until`."""
    o = g.operation[i]
    early_us, late_us = o.ready_us, o.rest_us
    if g.lagged:
        early_us, late_us = _without_transfers(g, i)
    if g.summed:
        take_up(g, c.scale, i)
    for k in range(o.mode_first, o.mode_last):
        m = g.mode[k].machine
        start_us, rest_us = o.ready_us, o.rest_us
        if g.lagged and m != o.machine:
            start_us, rest_us = _with_transfers(g, i, m)
        bar_us = aspiration_us if until[k] > now else _NEVER_US
        us = g.mode[k].us
        if _is_worse(g, c, start_us + us + rest_us):
            c.steps[0] += 1
            continue
        if g.summed:
            take_mode(g, c.scale, i, k, m)
        p = Probe(i, k, m, us, start_us, rest_us, early_us, late_us, bar_us)
        if not g.machine[m].exclusive:
            if k != o.mode:
                _insert(g, c, random, p, NONE, NONE, NONE)
        elif m == o.machine:
            _along(g, c, random, p)
        else:
            _elsewhere(g, c, random, p)


@lean_part
def _is_worse(g: Graph, c: Choice, length_us: int) -> bool:
    """True if a plan with a path of that length would be worse than the best so far."""
    limit_us = _NEVER_US if g.summed else c.best[ESTIMATE]
    return bool(length_us > limit_us)


@lean_part
def _consider(
    g: Graph, c: Choice, random: State, p: Probe, at: int, start_us: int, rest_us: int, gap_us: int
) -> None:
    """Take an insertion if it is the best so far, ties by lot. The gap is the one behind it."""
    c.steps[0] += 1
    if g.windowed:
        start_us = outside_windows(g, p.m, start_us, 0, p.us)
    estimate_us = start_us + p.us + rest_us
    if g.summed:
        estimate_us = weigh(g, c.scale, start_us + p.us, gap_us)
    kept = c.best if estimate_us < p.aspiration_us else c.tabu
    if estimate_us > kept[ESTIMATE]:
        return
    if estimate_us < kept[ESTIMATE]:
        kept[TIES] = 0
    kept[TIES] += 1
    if kept[TIES] == 1 or below(random, kept[TIES]) == 0:
        kept[OPERATION], kept[MODE], kept[PLACE] = p.i, p.k, at
        kept[ESTIMATE] = estimate_us


@lean_part
def _without_transfers(g: Graph, i: int) -> tuple[int, int]:
    o = g.operation[i]
    early_us, late_us = o.earliest_us, o.goal_us
    for e in range(o.source_first, o.source_last):
        source = g.operation[g.source[e].operation]
        early_us = max(early_us, source.head_us + source.us)
    for e in range(o.target_first, o.target_last):
        target = g.operation[g.target[e].operation]
        late_us = max(late_us, target.us + target.tail_us)
    return early_us, late_us


@lean_part
def _with_transfers(g: Graph, i: int, m: int) -> tuple[int, int]:
    """Head and tail that precedence allows on a machine; never, if a neighbour is not connected."""
    o = g.operation[i]
    start_us, rest_us = o.earliest_us, o.goal_us
    for e in range(o.source_first, o.source_last):
        source = g.operation[g.source[e].operation]
        lag = lag_us(g, g.source[e].edge, source.machine, m)
        if lag < 0:
            return _NEVER_US, 0
        start_us = max(start_us, source.head_us + source.us + lag)
    for e in range(o.target_first, o.target_last):
        target = g.operation[g.target[e].operation]
        lag = lag_us(g, g.target[e].edge, m, target.machine)
        if lag < 0:
            return _NEVER_US, 0
        rest_us = max(rest_us, lag + target.us + target.tail_us)
    return start_us, rest_us


@lean_part
def _follow_us(g: Graph, behind: int, gap_us: int) -> int:
    """Path to the goal through the next operation on a machine, after a gap."""
    if behind < 0:
        return FAR_US
    o = g.operation[behind]
    return int(gap_us + o.us + o.tail_us)


@lean_part
def _switch_us(g: Graph, k: int, behind: int) -> int:
    """Setup of an operation right behind mode ``k``."""
    row = g.mode[g.operation[behind].mode]
    return 0 if not g.setups or row.family == g.mode[k].family else int(row.setup_us)


@lean_part
def _insert(
    g: Graph, c: Choice, random: State, p: Probe, at: int, before: int, behind: int
) -> None:
    """Consider a place between two operations whose heads and tails are those of the plan."""
    start_us = p.start_us
    if at != NONE:
        start_us = max(start_us, free_us(g, before, p.m) + setup_us(g, before, p.m, p.k))
    rest_us, gap_us = p.rest_us, 0
    if behind >= 0:
        o = g.operation[behind]
        gap_us = _switch_us(g, p.k, behind)
        rest_us = max(rest_us, gap_us + o.us + o.tail_us)
    if g.summed:
        put_before(g, c.scale, behind)
    _consider(g, c, random, p, at, start_us, rest_us, gap_us)


@lean_part
def _elsewhere(g: Graph, c: Choice, random: State, p: Probe) -> None:
    """Consider insertions on another machine."""
    first, length = g.machine[p.m].first, g.machine[p.m].length
    # Ends grow and tails shrink along a machine's order, so both borders are found by halving.
    ends, high = 0, length
    while ends < high:
        middle = (ends + high) // 2
        o = g.operation[g.sequence[first + middle]]
        if o.head_us + o.us > p.early_us:
            high = middle
        else:
            ends = middle + 1
    begins, high = 0, length
    while begins < high:
        middle = (begins + high) // 2
        o = g.operation[g.sequence[first + middle]]
        if o.us + o.tail_us > p.late_us:
            begins = middle + 1
        else:
            high = middle
    if begins <= ends and not g.setups and not g.lagged and not g.windowed:
        # Places between the borders are equally good: the operation waits for no neighbour there.
        begins = ends = begins + below(random, ends - begins + 1)
    for at in range(min(begins, ends), max(begins, ends) + 1):
        before = g.sequence[first + at - 1] if at else NONE
        behind = g.sequence[first + at] if at < length else NONE
        _insert(g, c, random, p, at, before, behind)


@lean_part
def _along(g: Graph, c: Choice, random: State, p: Probe) -> None:
    """Consider insertions on the operation's own machine."""
    o = g.operation[p.i]
    if p.k != o.mode:
        _insert(g, c, random, p, o.place, o.before, o.behind)
    _later(g, c, random, p)
    _earlier(g, c, random, p)


@lean_part
def _later(g: Graph, c: Choice, random: State, p: Probe) -> None:
    """Consider places behind later operations, which move up."""
    o = g.operation[p.i]
    last, j, at = o.before, o.behind, o.place
    end_us = free_us(g, last, p.m)
    if g.summed:
        put_before(g, c.scale, NONE)
    while j >= 0:
        other = g.operation[j]
        if other.us + other.tail_us <= p.late_us:
            return
        setup = setup_us(g, last, p.m, other.mode)
        end_us = max(other.ready_us, end_us + setup) + other.us
        if _is_worse(g, c, end_us + p.us + p.rest_us):
            return
        at += 1
        if g.summed:
            move_up(g, c.scale, j, end_us)
        start_us = max(p.start_us, end_us + setup_us(g, j, p.m, p.k))
        last, j = j, other.behind
        rest_us, gap_us = p.rest_us, 0
        if j >= 0:
            follower = g.operation[j]
            gap_us = _switch_us(g, p.k, j)
            rest_us = max(rest_us, gap_us + follower.us + follower.tail_us)
        _consider(g, c, random, p, at, start_us, rest_us, gap_us)


@lean_part
def _earlier(g: Graph, c: Choice, random: State, p: Probe) -> None:
    """Consider places before earlier operations, which move back."""
    o = g.operation[p.i]
    j, at = o.before, o.place
    gap_us = 0
    if j >= 0 and o.behind >= 0:
        gap_us = setup_us(g, j, p.m, g.operation[o.behind].mode)
    follow_us = _follow_us(g, o.behind, gap_us)
    if g.summed:
        put_before(g, c.scale, o.behind)
    while j >= 0:
        other = g.operation[j]
        if other.head_us + other.us <= p.early_us:
            return
        # The tail of `other` without the operation, then of the operation right before `other`.
        from_us = other.us + max(other.rest_us, follow_us)
        switch_us = _switch_us(g, p.k, j)
        rest_us = max(p.rest_us, switch_us + from_us)
        if _is_worse(g, c, p.start_us + p.us + rest_us):
            return
        at -= 1
        if g.summed:
            move_back(g, c.scale, j, gap_us)
        start_us = free_us(g, other.before, p.m) + setup_us(g, other.before, p.m, p.k)
        _consider(g, c, random, p, at, max(p.start_us, start_us), rest_us, switch_us)
        if other.before >= 0:
            gap_us = setup_us(g, other.before, p.m, other.mode)
            follow_us = gap_us + from_us
        j = other.before
