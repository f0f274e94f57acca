"""Ant colony optimisation: plans built step by step, guided by the steps of good plans."""

from __future__ import annotations

import numpy as np

from scheduler.solvers.arrays import NEVER_US
from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.kernels.serial.colony import Colony, forage, forget
from scheduler.solvers.kernels.serial.records import Records, Rows
from scheduler.solvers.metaheuristics.population import nursery
from scheduler.solvers.metaheuristics.serial import plans, solvable
from scheduler.solvers.search import Search

NAME = "ant_colony"
_STRETCHES = 100
"""Most stretches that an order is divided into."""
_PATIENCE = 2000
"""Ants without a new best plan, after which all trails are forgotten."""


def ant_colony(search: Search, seed: int) -> None:
    """Let ants build plans, operation by operation with its mode; good plans lay trails.

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
    home = nursery(NAME, search, seeded(seed))
    colony = _colony(home.room.rows)
    while search.spend():
        forget(home.room.rows, colony)
        if not home.newcomer(first=True):
            return
        colony.elite[:] = home.walk.now
        colony.worth[1] = home.walk.worth[0]
        home.go_on(forage, colony, lambda: _elite(colony), _PATIENCE)


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


def _elite(colony: Colony) -> tuple[tuple[int, int], Records]:
    late_us, value = colony.worth[1]
    return (int(late_us), int(value)), colony.elite[1]
