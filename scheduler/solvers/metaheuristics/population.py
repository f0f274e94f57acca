"""What searches with many plans share: how a population begins, and how long it goes on."""

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
"""By which share durations vary among the list schedules that a population begins with."""


@dataclass(frozen=True, slots=True)
class Nursery:
    """Where plans are made and improved.

    Parameters
    ----------
    by
        Name of the search, for its offers.
    walk
        Room to improve a plan in; a plan that was made is its `now`.
    task
        How plans are improved, as `upbringing` says it.
    """

    by: str
    search: Search
    room: Bench
    walk: AnnealingWalk
    task: Long
    rng: State

    def newcomer(self, *, first: bool) -> bool:
        """Make a plan: the best of the search, or a list schedule that varies; improve it.

        Whether there is one, and the search goes on.
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
        """Take steps until so many plans brought nothing better, or the search is over.

        Parameters
        ----------
        step
            Kernel that makes as many plans as the task says.
        best
            Worth of the best plan of the population, and the plan.
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
    """Allocate what a population needs to grow."""
    room = bench(search.form)
    return Nursery(by, search, room, walk_room(room), upbringing(search), rng)
