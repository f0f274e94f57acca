"""Threads of a portfolio: lanes run side by side, and members of a lane by turns."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from threading import Condition, Semaphore, Thread
from typing import NamedTuple

from scheduler.model.errors import Defect
from scheduler.solvers import registry
from scheduler.solvers.registry import Searcher
from scheduler.solvers.search import WORK_PER_S, Search

_log = logging.getLogger(__name__)

TURN_WORK = 0.05 * WORK_PER_S
"""Steps of a member with a share of 1 before the next one has its turn."""
LOOK_S = 0.005
"""Seconds between two looks at the search's clock, which need not be the wall clock, and at its
cancellation."""
GRACE_S = 0.005
"""Seconds to wait for members once cancelled. A member that prepares, or shakes a large plan, takes
longer to notice; it is left to end by itself, and its later offers are ignored."""


@dataclass(frozen=True, slots=True)
class Member:
    """A solver that takes part in a search.

    Parameters
    ----------
    share
        Length of its turns, relative to those of the others of its lane.
    salt
        Added to the seed, so that two members with the same solver search differently.
    solver
        By default the solver of that name in the registry.
    """

    name: str
    share: float = 1.0
    salt: int = 0
    solver: Searcher | None = None


class Failure(NamedTuple):
    """A member that broke, and its error. The others go on, and the best plan so far stays."""

    member: str
    error: Exception

    def __str__(self) -> str:
        return f"{self.member}: {self.error!r}"


Lane = Sequence[Member]
"""Members that share a worker."""


def run(search: Search, lanes: Sequence[Lane], seed: int) -> list[Failure]:
    """Let all members search until they are done or the search is over; return what broke.

    One lane alone is deterministic: a member works while the others of its lane stand still, and
    hands over after a fixed number of steps.
    """
    crew = _Crew(search)
    for lane in lanes:
        crew.add(lane, seed)
    crew.work()
    return crew.failures


class _Crew:
    """Threads of all members, and their end."""

    def __init__(self, search: Search) -> None:
        self.search = search
        self.failures: list[Failure] = []
        self._threads: list[Thread] = []
        self._parts: list[Search] = []
        self._lanes: list[_Turns] = []
        self._active = 0
        self._changed = Condition()

    def add(self, lane: Lane, seed: int) -> None:
        turns = _Turns([member.share * TURN_WORK for member in lane])
        self._lanes.append(turns)
        for place, member in enumerate(lane):
            part = self.search.part(turn=partial(turns.spend, place) if len(lane) > 1 else None)
            self._parts.append(part)
            body = partial(self._take_part, part, member, seed, turns, place)
            # No daemon, because a thread left behind must not be cut off inside compiled code.
            self._threads.append(Thread(target=body, name=member.name))

    def work(self) -> None:
        self._active = len(self._threads)
        for thread in self._threads:
            thread.start()
        for lane in self._lanes:
            lane.begin()
        with self._changed:
            while self._active and not self.search.stop_flag[0]:
                left_s = self.search.remaining_s
                if left_s <= 0:
                    break
                self._changed.wait(min(left_s, LOOK_S))
            self.search.stop()
            while self._active and not self.search.cancelled:
                self._changed.wait(LOOK_S)
            self._changed.wait_for(lambda: not self._active, GRACE_S)
        for part in self._parts:
            part.leave()

    def _take_part(
        self, part: Search, member: Member, seed: int, turns: _Turns, place: int
    ) -> None:
        turns.wait(place)
        try:
            if not part.stop_flag[0]:
                solver = member.solver or registry.solver(member.name)
                solver(part, seed + member.salt)
        except Exception as error:
            self.failures.append(_failed(member.name, error))
        finally:
            turns.leave(place)
            with self._changed:
                self._active -= 1
                self._changed.notify()


class _Turns:
    """Turns of a lane: only one member works at a time."""

    def __init__(self, steps: Sequence[float]) -> None:
        self._steps = steps
        self._left = list(steps)
        self._gates = [Semaphore(0) for _ in steps]
        self._present = [True for _ in steps]

    def begin(self) -> None:
        self._gates[0].release()

    def wait(self, place: int) -> None:
        self._gates[place].acquire()

    def spend(self, place: int, work: float) -> None:
        """Count steps; hand over and wait if the turn is over."""
        self._left[place] -= work
        if self._left[place] > 0:
            return
        self._left[place] = self._steps[place]
        following = self._following(place)
        if following != place:
            self._gates[following].release()
            self._gates[place].acquire()

    def leave(self, place: int) -> None:
        """Take no more turns."""
        self._present[place] = False
        following = self._following(place)
        if following != place:
            self._gates[following].release()

    def _following(self, place: int) -> int:
        count = len(self._steps)
        around = [(place + i) % count for i in range(1, count)]
        return next((other for other in around if self._present[other]), place)


def attempt(search: Search, name: str, seed: int, failures: list[Failure]) -> None:
    """Let one solver search in this thread; note its failure, if any."""
    try:
        registry.solver(name)(search, seed)
    except Exception as error:
        failures.append(_failed(name, error))


def _failed(name: str, error: Exception) -> Failure:
    _log.error("%s broke", name, exc_info=error)
    return Failure(name, error)


def raise_if_lost(search: Search, failures: Sequence[Failure]) -> None:
    """Raise the first error of a search that has no result.

    Raises
    ------
    Defect
        The first error, if there is neither a plan nor a proof that there is none.
    """
    if failures and search.best is None and not search.infeasible:
        raise Defect(f"every solver failed; the first was {failures[0]}") from failures[0].error
