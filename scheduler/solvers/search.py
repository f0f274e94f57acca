"""A search in progress: what it may spend, the best plan so far, the proven bound, when to stop.

The members of a portfolio share one; each runs in a thread of its own. Time comes in as a function,
so that a test, a simulation or a measurement under load can bring its own clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from scheduler.model.objectives import Objective
from scheduler.model.schedule import TracePoint
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.kernels.evaluation import CODES, score

Score = tuple[int, int]
"""By how late deadlines are missed in sum, then the value of the objective; smaller is better."""

WORK_PER_S = 1e8
"""Elementary steps of a kernel (an operation visited, an insertion estimated) that count as one
deterministic second; about a second of one core."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, what it is worth, and who found it."""

    score: Score
    solution: Solution
    by: str


@dataclass
class Search:
    """What the members of a portfolio share. Safe to use from several threads.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    time_s, work
        How many seconds, and how many elementary steps, may be spent from now on.
    listener
        Told of each improvement of value or bound, from the thread that made it.
    """

    form: Arrays
    clock: Callable[[], float]
    objective: Objective = Objective.MAKESPAN
    time_s: float = math.inf
    work: float = math.inf
    listener: Callable[[Search], None] | None = None

    best: Found | None = field(default=None, init=False)
    bound: int | None = field(default=None, init=False)
    infeasible: bool = field(default=False, init=False)
    cancelled: bool = field(default=False, init=False)
    trace: list[TracePoint] = field(default_factory=list, init=False)
    stop_flag: NDArray[np.int8] = field(default_factory=lambda: np.zeros(1, np.int8), init=False)
    """Not zero once the search is to end; kernels look at it, so that they end in the middle."""

    def __post_init__(self) -> None:
        self._lock = Lock()
        self._began_s = self.clock()
        self._work_left = self.work

    def offer(self, solution: Solution, by: str) -> bool:
        """Take a complete plan if it is better than the best so far. The arrays are copied."""
        late_us, value = score(self.form, *solution, CODES[self.objective])
        copy = Solution(solution.mode.copy(), solution.start_us.copy())
        found = Found((int(late_us), int(value)), copy, by)
        with self._lock:
            if self.best is not None and self.best.score <= found.score:
                return False
            self.best = found
            self.trace.append(TracePoint(time_s=self.elapsed_s, value=found.score[1]))
            self._stop_if_proven()
        self._tell()
        return True

    def raise_bound(self, bound: int) -> None:
        """Take a proven lower bound on the value of every plan that keeps all deadlines."""
        with self._lock:
            if self.bound is not None and bound <= self.bound:
                return
            self.bound = bound
            self._stop_if_proven()
        self._tell()

    def refute(self) -> None:
        """Take the proof that no plan keeps all rules."""
        self.infeasible = True
        self.stop_flag[0] = 1

    def cancel(self) -> None:
        """End the search soon, with what was found."""
        self.cancelled = True
        self.stop_flag[0] = 1

    def spend(self, work: float = 0.0) -> bool:
        """Count steps that were done. Whether the search is to go on."""
        with self._lock:
            self._work_left -= work
            if self._work_left <= 0 or self.remaining_s <= 0:
                self.stop_flag[0] = 1
        return not self.stop_flag[0]

    @property
    def elapsed_s(self) -> float:
        """Seconds since the search began."""
        return self.clock() - self._began_s

    @property
    def remaining_s(self) -> float:
        """Seconds that may still be spent; negative once they are over."""
        return self.time_s - self.elapsed_s

    @property
    def remaining_work(self) -> float:
        """Elementary steps that may still be spent."""
        return self._work_left

    @property
    def proven(self) -> bool:
        """Whether the best plan meets the bound."""
        return self.best is not None and self.best.score == (0, self.bound)

    def _stop_if_proven(self) -> None:
        if self.proven:
            self.stop_flag[0] = 1

    def _tell(self) -> None:
        if self.listener is not None:
            self.listener(self)
