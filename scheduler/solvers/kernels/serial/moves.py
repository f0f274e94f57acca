"""Moves: small changes of an order and of modes, drawn from the critical chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, below, uniform
from scheduler.solvers.kernels.serial.choosing import Choices, change
from scheduler.solvers.kernels.serial.decoding import lag
from scheduler.solvers.kernels.serial.evaluation import (
    DEADLINE_MISSES,
    ENERGY,
    MAKESPAN,
    MAX_LATENESS,
    WEIGHTED_TARDINESS,
)

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_OPEN = 0
_NEVER_US = 2**62
_REMODE = 0.5
"""Share of mode changes among moves of operations with several modes."""
_WANDER = 0.1
"""Share of moves that ignore the critical chain."""


class Chain(NamedTuple):
    """Critical chain: operations that hold the objective up, back to one that nothing delays.

    Parameters
    ----------
    op, shared
        The operations; true if one waits for the next in the chain because of a machine or a
        resource, and not for its data.
    size
        Number of operations in it.
    longest_us
        Longest duration of any mode; a scan need not look further back.
    """

    op: Int
    shared: Int
    size: Int
    longest_us: Long


@kernel
def chain_room(a: Rows) -> Chain:
    """Allocate a chain for any plan of a form."""
    n = len(a.op)
    longest_us = np.zeros(1, np.int64)
    for k in range(len(a.mode)):
        longest_us[0] = max(longest_us[0], a.mode[k].us + a.mode[k].setup_us)
    return Chain(np.empty(n, np.int32), np.empty(n, np.int32), np.zeros(1, np.int32), longest_us)


@kernel
def trace_back(a: Rows, plan: Records, objective: int, chain: Chain, rng: State) -> None:
    """Trace a chain of operations without slack back from one whose end costs something.

    If several operations hold another one back, one of them is drawn. The order of the plan must be
    that of its starts.
    """
    chain.size[0] = 0
    i = culprit(a, plan, objective, rng)
    while i >= 0:
        chain.op[chain.size[0]] = i
        chain.shared[chain.size[0]] = 0
        if a.op[i].state != _OPEN:
            # Its cause is history. Two boxes' clocks may even put it later, so that a chain through
            # history could go round in circles.
            chain.size[0] += 1
            break
        j, drawn = _data_of(a, plan, i, rng)
        other = _rival(a, plan, i, chain.longest_us[0], drawn, rng)
        if other >= 0:
            chain.shared[chain.size[0]] = 1
            j = other
        chain.size[0] += 1
        i = j


@lean_part
def _data_of(a: Rows, plan: Records, i: int, rng: State) -> tuple[int, int]:
    """Draw one of the sources that an operation starts right after; also return their number."""
    picked, seen = -1, 0
    device = a.mode[plan[i].mode].device_number
    for e in range(a.op[i].source_first, a.op[i].source_last):
        j = a.source[e].op
        if plan[j].end_us + lag(a, plan, e, j, device) >= plan[i].start_us:
            seen += 1
            if below(rng, seen) == 0:
                picked = j
    return picked, seen


@lean_part
def _rival(a: Rows, plan: Records, i: int, longest_us: int, seen: int, rng: State) -> int:
    """Draw an operation that another one follows on a machine or resource; -1 for its data."""
    picked = -1
    k = plan[i].mode
    start_us = plan[i].start_us
    for p in range(plan[i].position - 1, -1, -1):
        j = plan[p].order
        if plan[j].start_us + longest_us < start_us:
            break
        end_us = plan[j].end_us
        if end_us <= start_us <= end_us + a.mode[k].setup_us and compete(a, plan[j].mode, k):
            seen += 1
            if below(rng, seen) == 0:
                picked = j
    return picked


@lean_part
def compete(a: Rows, one: int, other: int) -> bool:
    """True if two modes share an exclusive machine, or a renewable resource."""
    m = a.mode[one].machine
    if m == a.mode[other].machine and a.machine[m].exclusive:
        return True
    for q in range(a.mode[one].demand_first, a.mode[one].demand_last):
        r = a.demand[q].resource
        if a.resource[r].renewable and a.demand[q].amount > 0:
            for s in range(a.mode[other].demand_first, a.mode[other].demand_last):
                if a.demand[s].resource == r and a.demand[s].amount > 0:
                    return True
    return False


@lean_part
def culprit(a: Rows, plan: Records, objective: int, rng: State) -> int:
    """Draw an operation whose end costs something, by its deadline or by the objective.

    -1 if there is none, as with energy.
    """
    late, costly = -1, -1
    lates, costs = 0, 0
    worst = -_NEVER_US
    for i in range(len(a.op)):
        if a.op[i].state != _OPEN:
            continue
        job, end_us = a.op[i].job, plan[i].end_us
        if end_us - a.mode[plan[i].mode].us + a.mode[plan[i].mode].p95_us > a.job[job].deadline_us:
            lates += 1
            if below(rng, lates) == 0:
                late = i
        cost = _blame(a, job, end_us, objective)
        if cost > worst and (objective in (MAKESPAN, MAX_LATENESS)):
            worst, costs, costly = cost, 1, i
        elif (cost == worst) if worst > -_NEVER_US else cost > 0:
            costs += 1
            if below(rng, costs) == 0:
                costly = i
    return costly if late < 0 else late


@lean_part
def _blame(a: Rows, job: int, end_us: int, objective: int) -> int:
    """Cost of an operation's end: a value to maximise, or nonzero if it is to blame."""
    if objective == MAKESPAN:
        return end_us
    if objective == MAX_LATENESS:
        return end_us - a.job[job].due_us if a.job[job].due_us < _NEVER_US else -_NEVER_US
    if objective == WEIGHTED_TARDINESS:
        return a.job[job].weight if end_us > a.job[job].due_us else 0
    if objective in (ENERGY, DEADLINE_MISSES):
        return 0
    weight: int = a.job[job].weight
    return weight


@lean_part
def shift(plan: Records, i: int, to: int) -> None:
    """Move an operation to a position, and close the gap it leaves."""
    at = plan[i].position
    step = 1 if to > at else -1
    for p in range(at, to, step):
        plan[p].order = plan[p + step].order
        plan[plan[p].order].position = p
    plan[to].order = i
    plan[i].position = to


@lean_part
def after_sources(a: Rows, plan: Records, i: int) -> int:
    """First position that an operation can take: right behind its last source."""
    first = 0
    for e in range(a.op[i].source_first, a.op[i].source_last):
        first = max(first, plan[a.source[e].op].position + 1)
    return first


@lean_part
def before_targets(a: Rows, plan: Records, i: int) -> int:
    """Last position that an operation can take: right before its first target."""
    last = len(plan) - 1
    for e in range(a.op[i].target_first, a.op[i].target_last):
        last = min(last, plan[a.target_op[e]].position - 1)
    return last


@lean_part
def wander(a: Rows, plan: Records, i: int, rng: State) -> bool:
    """Move an operation to a position drawn from the possible ones; true if it moved."""
    first, last = after_sources(a, plan, i), before_targets(a, plan, i)
    if last <= first:
        return False
    to = first + below(rng, last - first)
    shift(plan, i, to + (to >= plan[i].position))
    return True


@kernel
def propose(a: Rows, c: Choices, plan: Records, chain: Chain, rng: State) -> bool:
    """Change a mode or a position in the order, on the critical chain most of the time.

    True if anything changed. The new modes may break a rule of `choosing`.

    References
    ----------
    van Laarhoven, Aarts and Lenstra (1992), doi:10.1287/opre.40.1.113, swap neighbours on a
    machine without slack between them. Departures: neighbours on a resource are swapped as well,
    and one jumps over the other.
    """
    n = len(plan)
    if chain.size[0] == 0 or uniform(rng) < _WANDER:
        i = plan[below(rng, n)].order
        if chain.size[0] == 0 and len(c.free):
            i = c.free[below(rng, len(c.free))]
        return _anything(a, c, plan, i, rng)
    at = below(rng, chain.size[0])
    i = chain.op[at]
    several = a.op[i].mode_last - a.op[i].mode_first > 1
    if several and uniform(rng) < _REMODE:
        return change(a, c, plan, i, rng)
    if chain.shared[at]:
        return _overtake(a, plan, chain.op[at + 1], i, rng)
    return _anything(a, c, plan, i, rng)


@lean_part
def _anything(a: Rows, c: Choices, plan: Records, i: int, rng: State) -> bool:
    if a.op[i].mode_last - a.op[i].mode_first > 1 and uniform(rng) < _REMODE:
        return change(a, c, plan, i, rng)
    return wander(a, plan, i, rng)


@lean_part
def _overtake(a: Rows, plan: Records, i: int, j: int, rng: State) -> bool:
    """Move `j` before `i`, or `i` after `j`, as far as their sources and targets allow."""
    if below(rng, 2) == 0:
        to = max(plan[i].position, after_sources(a, plan, j))
        if to < plan[j].position:
            shift(plan, j, to)
            return True
    to = min(plan[j].position, before_targets(a, plan, i))
    if to > plan[i].position:
        shift(plan, i, to)
        return True
    return False
