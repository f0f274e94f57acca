"""Particle swarm optimisation over orders and modes."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.kernels.serial.records import Records, Rows
from scheduler.solvers.kernels.serial.swarming import Swarm, fly
from scheduler.solvers.metaheuristics.population import Nursery, nursery
from scheduler.solvers.metaheuristics.serial import plans, solvable
from scheduler.solvers.search import Search

NAME = "particle_swarm"
_PARTICLES = 20
_PATIENCE = 100
"""Moves per particle without a new best plan, after which all but the best begin anew."""


def particle_swarm(search: Search, seed: int) -> None:
    """Move plans towards their own best and towards the best of all.

    References
    ----------
    Pan, Tasgetiren and Liang (2008), doi:10.1016/j.cor.2006.12.030: a velocity is a chance to be
    mutated, crossed with the particle's best and crossed with the swarm's. Departures: particles
    are orders and modes of any problem, as those of Xia and Wu (2005),
    doi:10.1016/j.cie.2005.01.018, for flexible job shops; each one is improved after its move, and
    not the best alone.
    """
    if not solvable(search.form):
        return
    home = nursery(NAME, search, seeded(seed))
    swarm = _swarm(home.room.rows)
    while _scatter(home, swarm):
        home.go_on(fly, swarm, lambda: _best(swarm), _PATIENCE * _PARTICLES)


def _swarm(rows: Rows) -> Swarm:
    n = len(rows.op)
    return Swarm(
        plan=plans(_PARTICLES, n),
        best=plans(_PARTICLES, n),
        worth=np.zeros((_PARTICLES, 2), np.int64),
        turn=np.zeros(1, np.int32),
        taken=np.zeros(n, np.int32),
    )


def _scatter(home: Nursery, swarm: Swarm) -> bool:
    """Fill the swarm with the best plan of the search and randomised list schedules."""
    for one in range(_PARTICLES):
        if not home.newcomer(first=one == 0):
            return False
        swarm.plan[one] = swarm.best[one] = home.walk.now
        swarm.worth[one] = home.walk.worth[0]
    return True


def _best(swarm: Swarm) -> tuple[tuple[int, int], Records]:
    worths = [(int(late), int(value)) for late, value in swarm.worth]
    return min(worths), swarm.best[worths.index(min(worths))]
