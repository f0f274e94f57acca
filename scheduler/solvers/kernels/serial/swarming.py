"""Particle swarm: particles move between their own best plans and that of the swarm."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, below, uniform
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk
from scheduler.solvers.kernels.serial.breeding import better, cross_modes, cross_orders, raise_up
from scheduler.solvers.kernels.serial.choosing import Choices
from scheduler.solvers.kernels.serial.decoding import Decoder, copy
from scheduler.solvers.kernels.serial.moves import propose

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_INERTIA, _MEMORY, _COMPANY = 0.5, 0.6, 0.4
"""Probabilities of a random move, of one to a particle's own best, of one to the swarm's best."""


class Swarm(NamedTuple):
    """Present and best plan of each particle.

    Parameters
    ----------
    plan, best
        ``[particle, row]``.
    worth
        ``[particle, part]``: the score of its best.
    turn
        Particle that moves next.
    taken
        Per operation, room for marks.
    """

    plan: Records
    best: Records
    worth: Long
    turn: Int
    taken: Int


@kernel
def fly(
    a: Rows,
    mirror: Rows,
    d: Decoder,
    c: Choices,
    w: AnnealingWalk,
    swarm: Swarm,
    task: Long,
    rng: State,
    stop: NDArray[np.int8],
) -> int:
    """Move a number of particles in turn, and return how many found a new best plan.

    `task` is that of `raise_up`.
    """
    found = 0
    for _ in range(task[0]):
        if stop[0]:
            break
        one = swarm.turn[0]
        swarm.turn[0] = (one + 1) % len(swarm.worth)
        copy(swarm.plan[one], w.now)
        w.chain.size[0] = 0
        while uniform(rng) < _INERTIA:
            propose(a, c, w.now, w.chain, rng)
        if uniform(rng) < _MEMORY:
            _towards(w, swarm.best[one], swarm.taken, rng)
        if uniform(rng) < _COMPANY:
            _towards(w, swarm.best[leader(swarm)], swarm.taken, rng)
        if not raise_up(a, mirror, d, c, w, task, rng, stop):
            continue
        copy(w.now, swarm.plan[one])
        if _beats(w.worth, swarm.worth, one):
            copy(w.now, swarm.best[one])
            swarm.worth[one, 0], swarm.worth[one, 1] = w.worth[0, 0], w.worth[0, 1]
            found += 1
    return found


@lean_part
def _towards(w: AnnealingWalk, goal: Records, taken: Int, rng: State) -> None:
    """Copy a stretch of the order and modes of a plan, or half of its modes."""
    copy(w.now, w.best)
    if below(rng, 2) == 0:
        cross_orders(w.best, goal, w.now, taken, rng)
    else:
        cross_modes(w.best, goal, w.now, rng)


@lean_part
def _beats(worth: Long, bests: Long, one: int) -> bool:
    if worth[0, 0] != bests[one, 0]:
        return bool(worth[0, 0] < bests[one, 0])
    return bool(worth[0, 1] < bests[one, 1])


@lean_part
def leader(swarm: Swarm) -> int:
    """Particle with the best plan so far; the first of equals."""
    first = 0
    for one in range(len(swarm.worth)):
        if better(swarm.worth, one, first):
            first = one
    return first
