"""A search in progress: its limits, the best plan so far, the proven bound, the stop flag.

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
from scheduler.solvers.kernels.serial.evaluation import CODES, score

Score = tuple[int, int]
"""Sum of deadline overruns, then the value of the objective; smaller is better."""

WORK_PER_S = 1e8
"""Elementary steps of a kernel (an operation visited, an insertion estimated) that count as one
deterministic second; about a second of one core."""


@dataclass(frozen=True, slots=True)
class Found:
    """A plan, its score, and the member that found it."""

    score: Score
    solution: Solution
    by: str


@dataclass
class _SharedState:
    """State that all parts of a search share. Changed only under its lock."""

    best: Found | None = None
    bound: int | None = None
    confirmed: int | None = None
    claimed_by: str = ""
    infeasible: bool = False
    refuted_by: str = ""
    cancelled: bool = False
    trace: list[TracePoint] = field(default_factory=list)
    lock: Lock = field(default_factory=Lock)

    @property
    def proven(self) -> bool:
        return self.best is not None and self.best.score == (0, self.bound)


@dataclass
class Search:
    """Search that the members of a portfolio share. Safe to use from several threads.

    Parameters
    ----------
    clock
        Seconds, monotonic.
    time_s, work
        Seconds, and elementary steps, that may be spent from now on.
    listener
        Told of each improvement of value or bound, from the thread that made it, with the whole
        search.
    by_due
        True if heuristics place the earliest due date of a band first. Plans made at once keep more
        deadlines that way; plans that are improved later lose makespan by it.
    """

    form: Arrays
    clock: Callable[[], float]
    objective: Objective = Objective.MAKESPAN
    time_s: float = math.inf
    work: float = math.inf
    listener: Callable[[Search], None] | None = None
    by_due: bool = False

    stop_flag: NDArray[np.int8] = field(default_factory=lambda: np.zeros(1, np.int8), init=False)
    """Not zero once the search is to end; kernels read it, so that they end in the middle."""

    def __post_init__(self) -> None:
        self._whole: Search | None = None
        self._turn: Callable[[float], None] | None = None
        self._parts: list[Search] = []
        self._is_left = False
        self._board = _SharedState()
        self._began_s = self.clock()
        self._worked = 0.0

    def part(
        self,
        *,
        time_s: float = math.inf,
        work: float = math.inf,
        turn: Callable[[float], None] | None = None,
    ) -> Search:
        """Give a member a part of the search: the same plans and bound, with limits of its own.

        The part ends when its limits are reached, and with the whole search in any case.

        Parameters
        ----------
        turn
            Called with the work just done; returns when the member may go on.
        """
        part = Search(self.form, self.clock, self.objective, time_s, work, by_due=self.by_due)
        part._whole, part._turn, part._board = self, turn, self._board
        self._parts.append(part)
        part.stop_flag[0] |= self.stop_flag[0]
        return part

    @property
    def best(self) -> Found | None:
        """Best plan so far."""
        return self._board.best

    @property
    def bound(self) -> int | None:
        """Largest proven lower bound so far on the value of every plan that keeps all deadlines."""
        return self._board.bound

    @property
    def confirmed_bound(self) -> int | None:
        """The part of the bound that is not claimed by one engine alone."""
        return self._board.confirmed

    @property
    def claimed_by(self) -> str:
        """Engine that alone claims the bound, or that no plan exists; empty if there is none."""
        board = self._board
        if board.infeasible:
            return board.refuted_by
        return board.claimed_by if board.confirmed != board.bound else ""

    @property
    def infeasible(self) -> bool:
        """True if it is proven that no plan keeps all rules."""
        return self._board.infeasible

    @property
    def cancelled(self) -> bool:
        """True if the search was ended early from outside."""
        return self._board.cancelled

    @property
    def trace(self) -> list[TracePoint]:
        """Each improvement, in order of time."""
        return self._board.trace

    def offer(self, solution: Solution, by: str) -> bool:
        """Take a complete plan if it is better than the best so far. The arrays are copied."""
        late_us, value = score(self.form, *solution, CODES[self.objective])
        copy = Solution(solution.mode.copy(), solution.start_us.copy())
        found = Found((int(late_us), int(value)), copy, by)
        board, elapsed_s = self._board, self._root.elapsed_s
        with board.lock:
            if self._is_left or (board.best is not None and board.best.score <= found.score):
                return False
            board.best = found
            board.trace.append(TracePoint(time_s=elapsed_s, value=found.score[1]))
        self._stop_if_proven()
        self._tell()
        return True

    def raise_bound(self, bound: int, *, claimed_by: str = "") -> None:
        """Take a proven lower bound on the value of every plan that keeps all deadlines.

        Parameters
        ----------
        claimed_by
            Engine whose bounds were wrong before; its bound is then told as a claim.
        """
        board = self._board
        with board.lock:
            if self._is_left:
                return
            if not claimed_by and (board.confirmed is None or bound > board.confirmed):
                board.confirmed = bound
            if board.bound is not None and bound <= board.bound:
                return
            board.bound = bound
            board.claimed_by = claimed_by
        self._stop_if_proven()
        self._tell()

    def refute(self, *, claimed_by: str = "") -> None:
        """Take the proof that no plan keeps all rules; `claimed_by` as in `raise_bound`."""
        with self._board.lock:
            if self._is_left:
                return
            if not self._board.infeasible or not claimed_by:
                self._board.refuted_by = claimed_by
            self._board.infeasible = True
        self._root.stop()

    def cancel(self) -> None:
        """End the search soon, with the best plan so far."""
        self._board.cancelled = True
        self._root.stop()

    def stop(self) -> None:
        """End the search soon because its limits are reached."""
        self.stop_flag[0] = 1
        for part in self._parts:
            part.stop()

    def leave(self) -> None:
        """Ignore this part from now on: its member did not end in time, and the answer is given."""
        with self._board.lock:
            self._is_left = True

    def spend(self, work: float = 0.0) -> bool:
        """Count steps that were done; true if the search goes on."""
        if self._whole is not None:
            self._whole.spend(work)
        with self._board.lock:
            self._worked += work
            is_spent = self._worked >= self.work
        if is_spent or self.remaining_s <= 0:
            self.stop()
        if self._turn is not None:
            self._turn(work)
        return not self.stop_flag[0]

    @property
    def takes_turns(self) -> bool:
        """True if others stand still until this member counts its steps."""
        return self._turn is not None

    @property
    def elapsed_s(self) -> float:
        """Seconds since the search, or this part of it, began."""
        return self.clock() - self._began_s

    @property
    def remaining_s(self) -> float:
        """Seconds that may still be spent; negative once they are over."""
        own_s = self.time_s - self.elapsed_s
        return own_s if self._whole is None else min(own_s, self._whole.remaining_s)

    @property
    def remaining_work(self) -> float:
        """Elementary steps that may still be spent."""
        own = self.work - self._worked
        return own if self._whole is None else min(own, self._whole.remaining_work)

    @property
    def worked(self) -> float:
        """Elementary steps that were spent."""
        return self._worked

    @property
    def proven(self) -> bool:
        """True if the best plan meets the bound."""
        return self._board.proven

    @property
    def _root(self) -> Search:
        return self if self._whole is None else self._whole._root

    def _stop_if_proven(self) -> None:
        if self.proven:
            self._root.stop()

    def _tell(self) -> None:
        root = self._root
        if root.listener is not None:
            root.listener(root)
