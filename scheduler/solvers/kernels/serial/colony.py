"""Ant colony: ants build plans step by step, guided by pheromone of good plans."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, below, uniform
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk
from scheduler.solvers.kernels.serial.breeding import raise_up
from scheduler.solvers.kernels.serial.choosing import Choices
from scheduler.solvers.kernels.serial.decoding import (
    Decoder,
    copy,
    earliest,
    misplaced,
    place,
    ready,
    reset,
)

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

Real = NDArray[np.float64]

_OPEN = 0
_NEVER_US = 2**62
_ANTS = 10
"""Ants per generation."""
_CANDIDATES = 32
"""Most operations an ant chooses among; if more are ready, this many are drawn."""
_URGENCY, _HASTE = 4.0, 3.0
"""Exponents of the heuristic values: rank of operations, finish of modes."""
_EVAPORATION = 0.1
"""Share of the pheromone that a good plan's trail replaces."""
_LEAST = 0.01
"""Least pheromone, as a share of the first."""


class Colony(NamedTuple):
    """Pheromone, and scratch arrays of an ant.

    Parameters
    ----------
    place
        ``[operation, stretch]``: pheromone of an operation in this stretch of the order.
    passed
        ``[operation, stretch]``: the sum of `place` up to there.
    choice
        Per mode, its pheromone.
    ready, waiting
        Operations whose sources are placed; number of sources that each still waits for.
    weight
        Per candidate, its chance to be drawn, up to a common factor.
    elite, worth
        The best plan of this generation and the best of all, and their scores.
    sent
        Ants of this generation so far.
    """

    place: Real
    passed: Real
    choice: Real
    ready: Int
    waiting: Int
    weight: Real
    elite: Records
    worth: Long
    sent: Int


@kernel
def forget(a: Rows, g: Colony) -> None:
    """Reset all pheromone to the same value."""
    g.place[:] = 1.0 / g.place.shape[1]
    for i in range(len(a.op)):
        for k in range(a.op[i].mode_first, a.op[i].mode_last):
            g.choice[k] = 1.0 / (a.op[i].mode_last - a.op[i].mode_first)
    add_up(g)


@lean_part
def add_up(g: Colony) -> None:
    """Recompute the sums `passed`."""
    for i in range(g.place.shape[0]):
        total = 0.0
        for b in range(g.place.shape[1]):
            total += g.place[i, b]
            g.passed[i, b] = total


@kernel
def reinforce(a: Rows, g: Colony, plan: Records) -> None:
    """Evaporate, and lay a trail along a good plan."""
    n, stretches = g.place.shape
    for i in range(n):
        own = plan[i].position * stretches // n
        for b in range(stretches):
            wish = (1.0 - _EVAPORATION) * g.place[i, b] + _EVAPORATION * (b == own)
            g.place[i, b] = max(wish, _LEAST / stretches)
        for k in range(a.op[i].mode_first, a.op[i].mode_last):
            wish = (1.0 - _EVAPORATION) * g.choice[k] + _EVAPORATION * (k == plan[i].mode)
            g.choice[k] = max(wish, _LEAST / (a.op[i].mode_last - a.op[i].mode_first))
    add_up(g)


@kernel
def build(
    a: Rows, d: Decoder, g: Colony, plan: Records, rng: State, stop: NDArray[np.int8]
) -> bool:
    """Let an ant build a plan; false if it did not get to the end.

    References
    ----------
    Merkle, Middendorf and Schmeck (2002), doi:10.1109/TEVC.2002.802450: operations are drawn by
    the pheromone of their place, by its sum up to there, and by urgency.
    """
    reset(a, d, plan)
    d.group_device[:] = -1
    n, stretches = g.place.shape
    count = 0
    for i in range(n):
        g.waiting[i] = a.op[i].source_last - a.op[i].source_first
        if g.waiting[i] == 0:
            g.ready[count] = i
            count += 1
    for p in range(n):
        at = _draw_operation(a, g, count, p * stretches // n, rng)
        i = g.ready[at]
        count -= 1
        g.ready[at] = g.ready[count]
        plan[p].order = i
        plan[i].position = p
        if a.op[i].state == _OPEN:
            _settle_mode(a, d, g, plan, i, rng)
        if a.op[i].group >= 0:
            d.group_device[a.op[i].group] = a.mode[plan[i].mode].device_number
        for e in range(a.op[i].target_first, a.op[i].target_last):
            j = a.target_op[e]
            g.waiting[j] -= 1
            if g.waiting[j] == 0:
                g.ready[count] = j
                count += 1
        if stop[0]:
            return False
    return True


@lean_part
def _draw_operation(a: Rows, g: Colony, count: int, stretch: int, rng: State) -> int:
    """Draw one of the ready operations, and return its position among them."""
    if count > _CANDIDATES:
        for q in range(_CANDIDATES):
            other = q + below(rng, count - q)
            g.ready[q], g.ready[other] = g.ready[other], g.ready[q]
        count = _CANDIDATES
    longest = 1.0
    for q in range(count):
        i = g.ready[q]
        longest = max(longest, float(a.op[i].tail_us + a.op[i].shortest_us))
    for q in range(count):
        i = g.ready[q]
        urgency = (1.0 + a.op[i].tail_us + a.op[i].shortest_us) / (1.0 + longest)
        wish = g.place[i, stretch] + g.passed[i, stretch]
        g.weight[q] = wish * urgency**_URGENCY
    return _spin(g.weight, count, rng)


@lean_part
def _settle_mode(a: Rows, d: Decoder, g: Colony, plan: Records, i: int, rng: State) -> None:
    """Draw a mode by pheromone and by how soon it finishes, and place the operation."""
    first = a.op[i].mode_first
    count = a.op[i].mode_last - first
    for q in range(count):
        k = first + q
        took_us = earliest(a, d, plan, i, k) + a.mode[k].us - a.op[i].earliest_us
        g.weight[q] = -took_us if misplaced(a, d, plan, i, k) else took_us
    soonest = _soonest_ready(a, plan, i)
    for q in range(count):
        away = g.weight[q] < 0
        took = abs(g.weight[q]) - soonest
        wish = g.choice[first + q] / max(took, 1.0) ** _HASTE
        g.weight[q] = wish * 1e-9 if away else wish
    k = first + _spin(g.weight, count, rng)
    plan[i].mode = k
    plan[i].start_us = earliest(a, d, plan, i, k)
    plan[i].end_us = plan[i].start_us + a.mode[k].us
    place(a, d, plan, i, d.slot[0])


@lean_part
def _soonest_ready(a: Rows, plan: Records, i: int) -> int:
    """Time from which an operation waits for nothing but a machine."""
    since_us: int = a.op[i].earliest_us
    ready_us = ready(a, plan, i, a.op[i].mode_first)
    for k in range(a.op[i].mode_first + 1, a.op[i].mode_last):
        ready_us = min(ready_us, ready(a, plan, i, k))
    return ready_us - since_us


@lean_part
def _spin(weight: Real, count: int, rng: State) -> int:
    """Draw a position with probability proportional to its weight."""
    total = 0.0
    for q in range(count):
        total += weight[q]
    total *= uniform(rng)
    for q in range(count - 1):
        total -= weight[q]
        if total < 0.0:
            return q
    return count - 1


@kernel
def forage(
    a: Rows,
    mirror: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    g: Colony,
    task: Long,
    rng: State,
    stop: NDArray[np.int8],
) -> None:
    """Send a number of ants; after each generation its best and the best of all lay trails.

    `task` is that of `raise_up`.
    """
    for _ in range(task[0]):
        if stop[0] or not build(a, d, g, w.now, rng, stop):
            return
        if raise_up(a, mirror, d, c, w, task, rng, stop):
            for rank in range(2):
                if _beats(w.worth, g.worth, rank):
                    copy(w.now, g.elite[rank])
                    g.worth[rank, 0], g.worth[rank, 1] = w.worth[0, 0], w.worth[0, 1]
        g.sent[0] += 1
        if g.sent[0] >= _ANTS:
            g.sent[0] = 0
            for rank in range(2):
                if g.worth[rank, 0] < _NEVER_US:
                    reinforce(a, g, g.elite[rank])
            g.worth[0, 0] = _NEVER_US


@lean_part
def _beats(worth: Long, elite: Long, rank: int) -> bool:
    if worth[0, 0] != elite[rank, 0]:
        return bool(worth[0, 0] < elite[rank, 0])
    return bool(worth[0, 1] < elite[rank, 1])
