"""A memetic algorithm: a population of orders and modes, each child improved before it counts."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import Long
from scheduler.solvers.kernels.annealing import Walk
from scheduler.solvers.kernels.breeding import Population, breed, raise_up
from scheduler.solvers.kernels.randomness import State, seeded
from scheduler.solvers.kernels.records import Rows
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

NAME = "genetic"
_MEMBERS = 40
_SPREAD = 1.0
"""By which share durations vary among the list schedules that a population begins with."""
_PATIENCE = 100
"""Children per member without a better best, after which all but the best begin anew."""


def genetic(search: Search, seed: int) -> None:
    """Breed plans: two parents, an order and modes from both, a climb; the worst gives way.

    References
    ----------
    Zhang, Gao and Shi (2011), doi:10.1016/j.eswa.2010.08.145, and Pezzella, Morganti and
    Ciaschetti (2008), doi:10.1016/j.cor.2007.02.014, code flexible job shops as an order and a
    choice of machines; Hartmann (2001), doi:10.1023/A:1010902015091, does the same for projects
    with several modes, whose crossover this is. Valls, Ballestin and Quintanilla (2008),
    doi:10.1016/j.ejor.2006.12.033, justify each child. Departures: one child at a time; where
    machines are to be chosen or shared, children climb along chains without slack.
    """
    if not solvable(search.form):
        return
    room, rng = bench(search.form), seeded(seed)
    walk, population = walk_room(room), _population(room.rows)
    task = upbringing(search)
    while _populate(search, room, walk, population, task, rng):
        _evolve(search, room, walk, population, task, rng)


def _population(rows: Rows) -> Population:
    n = len(rows.op)
    return Population(
        plan=plans(_MEMBERS, n),
        worth=np.zeros((_MEMBERS, 2), np.int64),
        mark=np.zeros(_MEMBERS, np.int64),
        taken=np.zeros(n, np.int32),
    )


def _populate(
    search: Search, room: Bench, walk: Walk, population: Population, task: Long, rng: State
) -> bool:
    """Fill the population: the best plan of the search, and list schedules that vary."""
    for member in range(_MEMBERS):
        if member == 0:
            found = begin(search, room, walk.now, rng)
        else:
            found = construct(search, room, walk.now, _SPREAD, rng)
        if not found or not raise_up(*room, walk, task, rng, search.stop_flag):
            return False
        search.offer(solution(walk.now), NAME)
        population.plan[member] = walk.now
        population.worth[member] = walk.worth[0]
        population.mark[member] = -1 - member
        if not search.spend(int(task[4])):
            return False
    return True


def _evolve(
    search: Search, room: Bench, walk: Walk, population: Population, task: Long, rng: State
) -> None:
    best, waited = min(map(tuple, population.worth)), 0
    while waited < _PATIENCE * _MEMBERS:
        breed(*room, walk, population, task, rng, search.stop_flag)
        waited += int(task[0])
        now = min(map(tuple, population.worth))
        if now < best:
            best, waited = now, 0
            fittest = [tuple(worth) for worth in population.worth].index(now)
            search.offer(solution(population.plan[fittest]), NAME)
        if not search.spend(int(task[0] * task[4])):
            return
