"""Tabu search over the disjunctive graph."""

from __future__ import annotations

from scheduler.solvers.metaheuristics.walking import GraphWalk, best_of
from scheduler.solvers.search import Search

PATIENCE = 20_000
"""Moves without a better plan after which a walk begins anew, and as many again for each..."""
PATIENCE_PER_OPERATION = 100
"""...operation of the problem: together a fraction of a second."""


def tabu_search(search: Search, seed: int) -> None:
    """Improve the best plan of a search by moving one critical operation at a time.

    When it stalls, it returns to the best plan of the search, whichever member found it, and shakes
    that: every time harder, from 1 in 20 operations to 1 in 2, until it finds a better one.

    References
    ----------
    Mastrolilli and Gambardella (2000),
    doi:10.1002/(SICI)1099-1425(200001/02)3:1<3::AID-JOS32>3.0.CO;2-Y: the neighbourhood, the tenure
    (operations on the critical path + modes of the operation), and that any move is made when all
    are tabu. Departures: `kernels.disjunctive.insertion` names those of the neighbourhood; a random
    part of the tenure; new starts (the paper has a single walk).
    For sums over jobs: Mati, Dauzere-Peres and Lahlou (2011), doi:10.1016/j.ejor.2011.01.046, move
    on critical paths to all jobs that cost, and estimate by tails to each job. Here each iteration
    looks at some of those paths, drawn at random.

    Raises
    ------
    ValueError
        If the search has no plan to begin with.
    """
    value, solution = best_of(search)
    walk = GraphWalk(search, seed, "tabu_search")
    walk.start(solution)
    count = walk.movable
    patience = PATIENCE + PATIENCE_PER_OPERATION * count
    strength = 1
    while count and walk.improve(patience):
        before, (value, solution) = value, best_of(search)
        strength = 1 if value < before else strength % 10 + 1
        walk.start(solution, shakes=1 + count * strength // 20)
