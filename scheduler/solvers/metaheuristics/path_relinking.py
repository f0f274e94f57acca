"""Path relinking between plans that tabu search has improved."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from scheduler.solvers.arrays import Arrays, Int, Long, Solution
from scheduler.solvers.metaheuristics.walking import GraphWalk, best_of
from scheduler.solvers.search import Search

MEMBERS = 20
PATIENCE = 2_000
"""Moves without a better plan after which a walk ends, and as many again for each..."""
PATIENCE_PER_OPERATION = 20
"""...operation of the problem."""
ALIKE = 0.05
"""Share of operations in which two members of the population must differ."""
BARREN = 60
"""Rejected children in a row, after which the population begins anew."""


@dataclass(frozen=True, slots=True, eq=False)
class _Member:
    value: int
    solution: Solution
    neighbours: Long
    """Per operation, its mode and the operation before it on its machine, as one number."""


def path_relinking(search: Search, seed: int) -> None:
    """Improve plans on the way from one good plan to another.

    References
    ----------
    Peng, Lü and Cheng (2015), doi:10.1016/j.cor.2014.08.006: two random members of a population of
    improved plans are joined by a path, and tabu search starts from the middle of it.
    González, Vela and Varela (2015), doi:10.1016/j.ejor.2015.03.052, do so for flexible job shops.
    Departures: a plan on the path has a share of the modes of either end, and orders operations by
    the mean of their starts, which keeps all that both ends agree on and makes no cycle. A child
    replaces the member that it resembles, or else the worst.

    Raises
    ------
    ValueError
        If the search has no plan to begin with.
    """
    _, solution = best_of(search)
    walk = GraphWalk(search, seed, "path_relinking")
    draw = np.random.default_rng(seed)
    walk.start(solution)
    while walk.movable and _populate(search, walk, draw):
        walk.start(best_of(search)[1])


def _populate(search: Search, walk: GraphWalk, draw: np.random.Generator) -> bool:
    """Raise a population until its children are rejected; true if the search goes on."""
    form, members = search.form, list[_Member]()
    count = walk.movable
    patience = PATIENCE + PATIENCE_PER_OPERATION * count
    barren = 0
    while barren < BARREN:
        if not walk.improve(patience):
            return False
        barren = 0 if _admit(members, _member(form, walk)) else barren + 1
        if len(members) < MEMBERS and barren < MEMBERS:
            walk.start(members[0].solution, shakes=1 + count // 2)
            continue
        if len(members) < 2:
            return True
        one, other = draw.choice(len(members), size=2, replace=False)
        walk.start(_between(form, members[one].solution, members[other].solution, draw))
    return True


def _between(form: Arrays, one: Solution, other: Solution, draw: np.random.Generator) -> Solution:
    """Modes and an order from about the middle of the path between two plans."""
    share = int(draw.integers(30, 71))
    mode: Int = one.mode
    if (form.link_latency_us >= 0).all():
        mode = np.where(draw.integers(0, 100, len(mode)) < share, other.mode, one.mode)
    return Solution(mode, (100 - share) * one.start_us + share * other.start_us)


def _member(form: Arrays, walk: GraphWalk) -> _Member:
    solution, value = walk.solution, walk.value
    machine = form.mode_machine[solution.mode]
    order = np.lexsort((solution.start_us, machine))
    before = np.full(len(order), -1, np.int64)
    same = machine[order[1:]] == machine[order[:-1]]
    before[order[1:][same]] = order[:-1][same]
    return _Member(value, solution, (before + 1) * len(form.mode_us) + solution.mode)


def _admit(members: list[_Member], child: _Member) -> bool:
    """Insert a child, best first, unless a better member resembles it or all are better."""
    alike = [m for m in members if np.mean(m.neighbours != child.neighbours) < ALIKE]
    if any(m.value <= child.value for m in alike):
        return False
    for m in alike:
        members.remove(m)
    if len(members) == MEMBERS:
        if members[-1].value < child.value:
            return False
        members.pop()
    at = next((k for k, m in enumerate(members) if child.value <= m.value), len(members))
    members.insert(at, child)
    return True
