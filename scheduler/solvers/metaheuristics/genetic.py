"""A memetic algorithm: a population of orders and modes, each child improved before it counts."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.kernels.serial.breeding import Population, breed
from scheduler.solvers.kernels.serial.records import Records, Rows
from scheduler.solvers.metaheuristics.population import Nursery, nursery
from scheduler.solvers.metaheuristics.serial import plans, solvable
from scheduler.solvers.search import Search

NAME = "genetic"
_MEMBERS = 40
_PATIENCE = 100
"""Children per member without a new best plan, after which all but the best begin anew."""


def genetic(search: Search, seed: int) -> None:
    """Breed plans: two parents, an order and modes from both, local search; the worst is replaced.

    References
    ----------
    Zhang, Gao and Shi (2011), doi:10.1016/j.eswa.2010.08.145, and Pezzella, Morganti and
    Ciaschetti (2008), doi:10.1016/j.cor.2007.02.014, code flexible job shops as an order and a
    choice of machines; Hartmann (2001), doi:10.1023/A:1010902015091, does the same for projects
    with several modes; the crossover is his. Valls, Ballestin and Quintanilla (2008),
    doi:10.1016/j.ejor.2006.12.033, justify each child. Departures: one child at a time; if machines
    are to be chosen or shared, children climb along chains without slack.
    """
    if not solvable(search.form):
        return
    home = nursery(NAME, search, seeded(seed))
    population = _population(home.room.rows)
    while _populate(home, population):
        home.go_on(breed, population, lambda: _fittest(population), _PATIENCE * _MEMBERS)


def _population(rows: Rows) -> Population:
    n = len(rows.op)
    return Population(
        plan=plans(_MEMBERS, n),
        worth=np.zeros((_MEMBERS, 2), np.int64),
        mark=np.zeros(_MEMBERS, np.int64),
        taken=np.zeros(n, np.int32),
    )


def _populate(home: Nursery, population: Population) -> bool:
    """Fill the population with the best plan of the search and randomised list schedules."""
    for member in range(_MEMBERS):
        if not home.newcomer(first=member == 0):
            return False
        population.plan[member] = home.walk.now
        population.worth[member] = home.walk.worth[0]
        population.mark[member] = -1 - member
    return True


def _fittest(population: Population) -> tuple[tuple[int, int], Records]:
    worths = [(int(late), int(value)) for late, value in population.worth]
    return min(worths), population.plan[worths.index(min(worths))]
