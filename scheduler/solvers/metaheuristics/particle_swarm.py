"""Particle swarm optimisation over orders and modes."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import Long
from scheduler.solvers.kernels.annealing import Walk
from scheduler.solvers.kernels.breeding import raise_up
from scheduler.solvers.kernels.randomness import State, seeded
from scheduler.solvers.kernels.records import Rows
from scheduler.solvers.kernels.swarming import Swarm, fly
from scheduler.solvers.metaheuristics.serial import (
    Bench,
    begin,
    bench,
    construct,
    plans,
    solution,
    solvable,
    upbringing,
    walk_room,
)
from scheduler.solvers.search import Search

NAME = "particle_swarm"
_PARTICLES = 20
_SPREAD = 1.0
"""By which share durations vary among the list schedules that particles begin with."""
_PATIENCE = 100
"""Flights per particle without a better best, after which all but the best begin anew."""


def particle_swarm(search: Search, seed: int) -> None:
    """Let plans drift, towards the best of their own and towards the best of all.

    References
    ----------
    Pan, Tasgetiren and Liang (2008), doi:10.1016/j.cor.2006.12.030: a velocity is a chance to be
    mutated, crossed with the particle's best and crossed with the swarm's. Departures: particles
    are orders and modes of any problem, as Xia and Wu (2005), doi:10.1016/j.cie.2005.01.018, have
    for flexible job shops; each is improved where it arrives, not the best alone.
    """
    if not solvable(search.form):
        return
    room, rng = bench(search.form), seeded(seed)
    walk, swarm = walk_room(room), _swarm(room.rows)
    task = upbringing(search)
    while _scatter(search, room, walk, swarm, task, rng):
        _roam(search, room, walk, swarm, task, rng)


def _swarm(rows: Rows) -> Swarm:
    n = len(rows.op)
    return Swarm(
        plan=plans(_PARTICLES, n),
        best=plans(_PARTICLES, n),
        worth=np.zeros((_PARTICLES, 2), np.int64),
        turn=np.zeros(1, np.int32),
        taken=np.zeros(n, np.int32),
    )


def _scatter(search: Search, room: Bench, walk: Walk, swarm: Swarm, task: Long, rng: State) -> bool:
    """Begin with the best plan of the search, and with list schedules that vary."""
    for one in range(_PARTICLES):
        if one == 0:
            found = begin(search, room, walk.now, rng)
        else:
            found = construct(search, room, walk.now, _SPREAD, rng)
        if not found or not raise_up(*room, walk, task, rng, search.stop_flag):
            return False
        search.offer(solution(walk.now), NAME)
        swarm.plan[one] = swarm.best[one] = walk.now
        swarm.worth[one] = walk.worth[0]
        if not search.spend(int(task[4])):
            return False
    return True


def _roam(search: Search, room: Bench, walk: Walk, swarm: Swarm, task: Long, rng: State) -> None:
    best, waited = min(map(tuple, swarm.worth)), 0
    while waited < _PATIENCE * _PARTICLES:
        fly(*room, walk, swarm, task, rng, search.stop_flag)
        waited += int(task[0])
        now = min(map(tuple, swarm.worth))
        if now < best:
            best, waited = now, 0
            first = [tuple(worth) for worth in swarm.worth].index(now)
            search.offer(solution(swarm.best[first]), NAME)
        if not search.spend(int(task[0] * task[4])):
            return
