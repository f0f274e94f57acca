"""Tabu search over the disjunctive graph."""

from __future__ import annotations

from scheduler.solvers.arrays import Solution
from scheduler.solvers.kernels.graph import graph, load
from scheduler.solvers.kernels.insertion import choice
from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.kernels.tabu import BEST, DONE, begin, iterate, memory
from scheduler.solvers.search import Search

SLICE = 250_000
"""Steps between two looks at the search: 5 to 15 ms."""


def tabu_search(search: Search, seed: int) -> None:
    """Improve the best plan of a search by moving one critical operation at a time.

    References
    ----------
    Mastrolilli and Gambardella (2000),
    doi:10.1002/(SICI)1099-1425(200001/02)3:1<3::AID-JOS32>3.0.CO;2-Y: the neighbourhood, the tenure
    (operations on the critical path + modes of the operation), and that a random move is made when
    all are tabu. Departures: `kernels.insertion` names those of the neighbourhood.

    Raises
    ------
    ValueError
        If the search has no plan to begin with.
    """
    if search.best is None:
        raise ValueError("search.best must be a plan to begin with; got none")
    g = graph(search.form)
    c, random = choice(len(g.operation)), seeded(seed)
    load(g, search.form, search.best.solution)
    t = memory(g)
    begin(g, t)
    known, spent = search.best.score[1], 0
    while search.spend(int(t.counts[DONE]) - spent):
        spent = int(t.counts[DONE])
        iterate(g, t, c, random, search.stop_flag, SLICE, 2**62)
        if t.counts[BEST] < known:
            known = int(t.counts[BEST])
            search.offer(Solution(t.mode, t.start_us), "tabu_search")
