"""A population of orders and modes: selection, crossover, replacement."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, below, uniform
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk, anneal
from scheduler.solvers.kernels.serial.choosing import Choices, repair
from scheduler.solvers.kernels.serial.decoding import Decoder, copy, decode, justify, settle
from scheduler.solvers.kernels.serial.moves import propose
from scheduler.solvers.kernels.serial.valuing import value

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_NEVER_US = 2**62
_MUTATION = 0.5
"""Probability of one more mutation."""
_REPAIRS = 5
"""Tries per operation to repair the modes of a child."""


class Population(NamedTuple):
    """Plans and their scores.

    Parameters
    ----------
    plan
        ``[member, row]``.
    worth
        ``[member, part]``: the score.
    mark
        Per member, a number that equal schedules share.
    taken
        Per operation, room for marks.
    """

    plan: Records
    worth: Long
    mark: Long
    taken: Int


@lean_part
def better(worth: Long, one: int, other: int) -> bool:
    """True if one score is smaller than another."""
    if worth[one, 0] != worth[other, 0]:
        return bool(worth[one, 0] < worth[other, 0])
    return bool(worth[one, 1] < worth[other, 1])


@lean_part
def finger_print(plan: Records) -> int:
    """Hash of a schedule: equal for equal schedules, most likely different for others."""
    total = 0
    for i in range(len(plan)):
        total = total * 1_000_003 + plan[i].start_us * 31 + plan[i].mode
    return total


@lean_part
def cross_orders(mother: Records, father: Records, child: Records, taken: Int, rng: State) -> None:
    """Two-point crossover: one parent's order, then the other's, then the first one's again.

    A mode comes from the parent that gives the position. Relative orders common to both parents
    are kept, so that the child of two topological orders is one.

    References
    ----------
    Hartmann (1998), doi:10.1002/(SICI)1520-6750(199810)45:7<733::AID-NAV5>3.0.CO;2-C, on activity
    lists.
    """
    n = len(child)
    taken[:] = 0
    first, last = below(rng, n + 1), below(rng, n + 1)
    if first > last:
        first, last = last, first
    p, at_mother, at_father = 0, 0, 0
    while p < n:
        if first <= p < last:
            i = father[at_father].order
            at_father += 1
            mode = father[i].mode
        else:
            i = mother[at_mother].order
            at_mother += 1
            mode = mother[i].mode
        if taken[i] == 0:
            taken[i] = 1
            child[p].order = i
            child[i].position = p
            child[i].mode = mode
            p += 1


@lean_part
def cross_modes(mother: Records, father: Records, child: Records, rng: State) -> None:
    """Uniform crossover: each operation of a child takes the mode of either parent by lot."""
    for i in range(len(child)):
        child[i].mode = mother[i].mode if below(rng, 2) == 0 else father[i].mode


@lean_part
def tournament(population: Population, rng: State) -> int:
    """Draw two members, and return the better one."""
    one = below(rng, len(population.worth))
    other = below(rng, len(population.worth))
    return other if better(population.worth, other, one) else one


@kernel
def breed(
    a: Rows,
    mirror: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    population: Population,
    task: Long,
    rng: State,
    stop: NDArray[np.int8],
) -> int:
    """Breed a number of children, and return how many entered the population.

    `task` holds that number, the objective, a flag to justify, and the moves of local search each.
    """
    settled = 0
    for _ in range(task[0]):
        if stop[0]:
            break
        mother, father = tournament(population, rng), tournament(population, rng)
        cross_orders(population.plan[mother], population.plan[father], w.now, population.taken, rng)
        if below(rng, 2) == 0:
            cross_modes(population.plan[mother], population.plan[father], w.now, rng)
        w.chain.size[0] = 0
        while uniform(rng) < _MUTATION:
            propose(a, c, w.now, w.chain, rng)
        if raise_up(a, mirror, d, c, w, task, rng, stop):
            settled += settle_down(w, population, rng)
    return settled


@kernel
def raise_up(
    a: Rows,
    mirror: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    task: Long,
    rng: State,
    stop: NDArray[np.int8],
) -> bool:
    """Decode the present plan of a walk and improve it; false if its modes cannot be repaired."""
    if not repair(a, c, w.now, w.trial, rng, _REPAIRS * len(w.now), stop):
        return False
    if not decode(a, d, w.now, _NEVER_US, stop):
        return False
    settle(w.now, False)
    w.worth[0, 0], w.worth[0, 1] = value(a, w.room, w.now, task[1])
    if task[2]:
        copy(w.now, w.trial)
        if justify(a, mirror, d, w.trial, _NEVER_US, stop):
            w.worth[1, 0], w.worth[1, 1] = value(a, w.room, w.trial, task[1])
            if not better(w.worth, 0, 1):
                settle(w.trial, False)
                copy(w.trial, w.now)
                w.worth[0, 0], w.worth[0, 1] = w.worth[1, 0], w.worth[1, 1]
    if task[3]:
        anneal(a, d, c, w, task[1], np.zeros(2), task[3], rng, stop)
    return not stop[0]


@lean_part
def settle_down(w: AnnealingWalk, population: Population, rng: State) -> bool:
    """Replace a worse member by the present plan, unless its schedule is there already."""
    mark = finger_print(w.now)
    loser = 0
    for member in range(len(population.mark)):
        if population.mark[member] == mark:
            return False
        if better(population.worth, loser, member):
            loser = member
    if population.worth[loser, 0] < w.worth[0, 0] or (
        population.worth[loser, 0] == w.worth[0, 0] and population.worth[loser, 1] < w.worth[0, 1]
    ):
        return False
    enter(w, population, loser)
    return True


@lean_part
def enter(w: AnnealingWalk, population: Population, member: int) -> None:
    """Overwrite a member with the present plan."""
    copy(w.now, population.plan[member])
    population.worth[member, 0], population.worth[member, 1] = w.worth[0, 0], w.worth[0, 1]
    population.mark[member] = finger_print(w.now)
