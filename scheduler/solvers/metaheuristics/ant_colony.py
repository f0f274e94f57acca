"""Ant colony optimisation: plans built step by step, led by what made good ones."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import NEVER_US, Long
from scheduler.solvers.kernels.annealing import Walk
from scheduler.solvers.kernels.breeding import raise_up
from scheduler.solvers.kernels.colony import Colony, forage, forget
from scheduler.solvers.kernels.randomness import State, seeded
from scheduler.solvers.kernels.records import Rows
from scheduler.solvers.metaheuristics.serial import (
    Bench,
    begin,
    bench,
    plans,
    solution,
    solvable,
    upbringing,
    walk_room,
)
from scheduler.solvers.search import Search

NAME = "ant_colony"
_STRETCHES = 100
"""Into how many stretches an order is divided at most."""
_PATIENCE = 2000
"""Ants without a better best, after which all trails are forgotten."""


def ant_colony(search: Search, seed: int) -> None:
    """Let ants build plans: which operation is next, in which mode; good plans lay trails.

    References
    ----------
    Merkle, Middendorf and Schmeck (2002), doi:10.1109/TEVC.2002.802450, for projects, and Rossi
    and Dini (2007), doi:10.1016/j.rcim.2006.06.004, for flexible job shops, whose ants choose
    machines by how soon they finish. Departures: places are stretches of the order, so that
    trails stay small; trails are bounded, and forgotten after long stagnation instead of the best
    plan; plans are improved as the other population searches do it.
    """
    if not solvable(search.form):
        return
    room, rng = bench(search.form), seeded(seed)
    walk, colony = walk_room(room), _colony(room.rows)
    task = upbringing(search)
    while search.spend():
        forget(room.rows, colony)
        if not _first(search, room, walk, colony, task, rng):
            return
        _generations(search, room, walk, colony, task, rng)


def _colony(rows: Rows) -> Colony:
    n, modes = len(rows.op), len(rows.mode)
    stretches = min(n, _STRETCHES)
    return Colony(
        place=np.zeros((n, stretches)),
        passed=np.zeros((n, stretches)),
        choice=np.zeros(modes),
        ready=np.zeros(n, np.int32),
        waiting=np.zeros(n, np.int32),
        weight=np.zeros(max(n, modes)),
        elite=plans(2, n),
        worth=np.full((2, 2), NEVER_US, np.int64),
        sent=np.zeros(1, np.int32),
    )


def _first(search: Search, room: Bench, walk: Walk, colony: Colony, task: Long, rng: State) -> bool:
    """Begin with the best plan of the search, or a list schedule."""
    if not begin(search, room, walk.now, rng):
        return False
    if not raise_up(*room, walk, task, rng, search.stop_flag):
        return False
    search.offer(solution(walk.now), NAME)
    colony.elite[:] = walk.now
    colony.worth[1] = walk.worth[0]
    return True


def _generations(
    search: Search, room: Bench, walk: Walk, colony: Colony, task: Long, rng: State
) -> None:
    best, waited = tuple(colony.worth[1]), 0
    while waited < _PATIENCE:
        forage(*room, walk, colony, task, rng, search.stop_flag)
        waited += int(task[0])
        now = tuple(colony.worth[1])
        if now < best:
            best, waited = now, 0
            search.offer(solution(colony.elite[1]), NAME)
        if not search.spend(int(task[0] * task[4])):
            return
