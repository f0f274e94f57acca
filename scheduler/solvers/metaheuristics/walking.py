"""Shared part of searches over the disjunctive graph: a plan improved by tabu search in slices."""

from __future__ import annotations

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import NEVER_US, Long, Solution
from scheduler.solvers.kernels.disjunctive.graph import graph
from scheduler.solvers.kernels.disjunctive.insertion import choice
from scheduler.solvers.kernels.disjunctive.moving import load
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US, sinks
from scheduler.solvers.kernels.disjunctive.tabu import (
    BEST,
    DONE,
    IDLE,
    begin,
    iterate,
    memory,
    shake,
)
from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.search import Search

SLICE = 250_000
"""Steps between two looks at the search: 5 to 15 ms."""
PACE = 3.0
"""Elementary steps per counted step: an insertion estimate takes as long as three others."""


class GraphWalk:
    """A plan under change, for one thread of a search.

    Parameters
    ----------
    by
        Name under which better plans are offered.
    """

    def __init__(self, search: Search, seed: int, by: str) -> None:
        self._search = search
        self._by = by
        self._graph = graph(search.form, sinks(search.form, search.objective))
        self._graph.operation.goal_us = _goal_us(search)
        self._memory = memory(self._graph)
        self._choice = choice(self._graph)
        self._random = seeded(seed)
        self._spent = 0
        self._offered: int | None = None

    @property
    def movable(self) -> int:
        """Number of operations that have not started."""
        return int(self._graph.operation.movable.sum())

    @property
    def value(self) -> int:
        """Value of the best plan since the last start."""
        return int(self._memory.counts[BEST])

    @property
    def solution(self) -> Solution:
        """The best plan since the last start, as a copy."""
        return Solution(self._memory.mode.copy(), self._memory.start_us.copy())

    def start(self, solution: Solution, shakes: int = 0) -> None:
        """Begin with the modes and the order of a plan, followed by `shakes` random moves."""
        load(self._graph, self._search.form, solution)
        if shakes:
            shake(self._graph, self._memory, self._choice, self._random, shakes)
        begin(self._graph, self._memory)
        self._offered = None

    def improve(self, patience: int) -> bool:
        """Walk until `patience` moves brought no better plan; true if the search goes on."""
        counts = self._memory.counts
        going = self._look()
        while going and counts[IDLE] < patience:
            iterate(
                self._graph,
                self._memory,
                self._choice,
                self._random,
                self._search.stop_flag,
                SLICE,
                patience,
            )
            going = self._look()
        return going

    def _look(self) -> bool:
        """Offer the best plan, and count the work."""
        if self.value != self._offered:
            self._offered = self.value
            self._search.offer(Solution(self._memory.mode, self._memory.start_us), self._by)
        done = int(self._memory.counts[DONE])
        steps, self._spent = done - self._spent, done
        return self._search.spend(PACE * steps)


def _goal_us(search: Search) -> Long:
    """Time to add to the end of each operation, so that the largest sum is the objective."""
    form = search.form
    if search.objective is Objective.MAX_LATENESS:
        return np.where(form.job_due_us < NEVER_US, -form.job_due_us, FAR_US)[form.job]
    return np.zeros(len(form.job), np.int64)


def best_of(search: Search) -> tuple[int, Solution]:
    """Best plan of a search, and its value.

    Raises
    ------
    ValueError
        If there is none yet.
    """
    if search.best is None:
        raise ValueError("search.best must be a plan to begin with; got none")
    return search.best.score[1], search.best.solution
