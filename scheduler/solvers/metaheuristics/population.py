"""Shared parts of population searches: first plans, and the loop until stagnation."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.solvers.arrays import Long
from scheduler.solvers.kernels.randomness import State
from scheduler.solvers.kernels.serial.annealing import AnnealingWalk
from scheduler.solvers.kernels.serial.breeding import raise_up
from scheduler.solvers.kernels.serial.records import Records
from scheduler.solvers.metaheuristics.serial import (
    Bench,
    begin,
    bench,
    construct,
    solution,
    upbringing,
    walk_room,
)
from scheduler.solvers.search import Search

SPREAD = 1.0
"""Share by which durations vary in the first list schedules of a population."""


@dataclass(frozen=True, slots=True)
class Nursery:
    """Scratch memory in which plans are made and improved.

    Parameters
    ----------
    by
        Name of the search, for its offers.
    walk
        Walk that improves a plan; a new plan is its `now`.
    task
        Settings of the improvement, from `upbringing`.
    """

    by: str
    search: Search
    room: Bench
    walk: AnnealingWalk
    task: Long
    rng: State

    def newcomer(self, *, first: bool) -> bool:
        """Make a plan, the best of the search or a randomised list schedule, and improve it.

        False if there is none, or the search is over.
        """
        search, room, walk = self.search, self.room, self.walk
        if first:
            found = begin(search, room, walk.now, self.rng)
        else:
            found = construct(search, room, walk.now, SPREAD, self.rng)
        if not found or not raise_up(*room, walk, self.task, self.rng, search.stop_flag):
            return False
        search.offer(solution(walk.now), self.by)
        return search.spend(int(self.task[4]))

    def go_on(
        self,
        step: Callable[..., object],
        population: object,
        best: Callable[[], tuple[tuple[int, int], Records]],
        patience: int,
    ) -> None:
        """Take steps until a number of plans brought no new best, or the search is over.

        Parameters
        ----------
        step
            Kernel that makes the number of plans in the task.
        best
            Score of the best plan of the population, and the plan.
        """
        search, task = self.search, self.task
        worth, waited = best()[0], 0
        while waited < patience:
            step(*self.room, self.walk, population, task, self.rng, search.stop_flag)
            waited += int(task[0])
            now, plan = best()
            if now < worth:
                worth, waited = now, 0
                search.offer(solution(plan), self.by)
            if not search.spend(int(task[0] * task[4])):
                return


def nursery(by: str, search: Search, rng: State) -> Nursery:
    """Allocate a nursery for a search."""
    room = bench(search.form)
    return Nursery(by, search, room, walk_room(room), upbringing(search), rng)
