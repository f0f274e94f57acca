"""One search from the first plan to the last: heuristics, then members side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from scheduler.model.objectives import Objective
from scheduler.model.schedule import BandResult, Limits
from scheduler.portfolio.lanes import Failure, Member, attempt, run
from scheduler.portfolio.members import (
    AUTO,
    FIRST,
    are_quick,
    constructive,
    has_time,
    lanes,
    later,
    steps_each,
)
from scheduler.portfolio.progress import Cancellation, Listener, SearchProgress
from scheduler.solvers import registry
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.heuristics.left_shift import left_shifted
from scheduler.solvers.registry import SolverKind
from scheduler.solvers.search import WORK_PER_S, Found, Search

STEADY_SHARE = 0.5
"""Share of a time limit that one worker turns into steps. Steps are counted, so that the answer
depends on the problem alone; the other share is left for a core that is slower or shared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the portfolio, without the problem.

    Parameters
    ----------
    origin_us, offset
        Origin of the form's times, and the value that it adds to every plan.
    """

    solver: str
    limits: Limits
    seed: int
    objective: Objective
    clock: Callable[[], float]
    listener: Listener | None = None
    cancel: Cancellation = field(default_factory=Cancellation)
    origin_us: int = 0
    offset: int = 0

    def told(self, value: int | None) -> int | None:
        """Value or bound of a search, in the numbers of the problem."""
        return None if value is None else value + self.offset


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Plans and bound that a search begins with.

    Parameters
    ----------
    bound
        Computes a proven lower bound; called with the stop flag once there is a plan to show.
    solutions
        Plans to begin with, and the names of their finders.
    """

    bound: Callable[[NDArray[np.int8]], int] | None = None
    solutions: tuple[tuple[Solution, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Exploration:
    """A search that is over: its best plan, the work spent, and the members that broke.

    Parameters
    ----------
    best
        Shifted left: a search leaves idle time where the objective does not price it.
    bands
        Results per band, if there are several.
    """

    search: Search
    best: Found | None
    worked: float
    failures: list[Failure]
    bands: tuple[BandResult, ...] = ()


def explore(
    request: Request,
    form: Arrays,
    start: Start,
    *,
    time_s: float,
    work: float,
    tell: Callable[[Search], None] | None = None,
) -> Exploration:
    """Search within the limits. Heuristics count as well, but a first plan is made in any case.

    Parameters
    ----------
    tell
        Called with each improvement; by default the listener of the request.
    """
    told = _teller(request) if tell is None else tell
    search = Search(form, request.clock, request.objective, listener=told)
    request.cancel.watch(search)
    if not len(form.state):
        _offer_nothing(search, request.solver)
    for solution, by in start.solutions:
        search.offer(solution, by)
    limited = search.part(time_s=time_s, work=work)
    failures: list[Failure] = []
    waiting = _construct(request, start, search, limited, failures)
    if limited.spend():
        failures += run(limited, _crew(request, search, waiting), request.seed)
    return Exploration(search, _tidied(search), limited.worked, failures)


def _construct(
    request: Request, start: Start, search: Search, limited: Search, failures: list[Failure]
) -> tuple[str, ...]:
    """Let heuristics plan; return those that would take too long before the search."""
    now, then = heuristics(search.form, request.solver)
    for name in now:
        if not search.stop_flag[0]:
            attempt(search, name, request.seed, failures)
    if start.bound is not None:
        search.raise_bound(start.bound(search.stop_flag))
    if not are_quick(search.form):
        return then
    for name in then:
        if limited.spend(steps_each(search.form)) and has_time(limited, name):
            attempt(search, name, request.seed, failures)
    return ()


def heuristics(form: Arrays, solver: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Heuristics that run first in any case, and those that follow as time allows."""
    names = constructive(form, solver)
    if len(names) == 1:
        return names, ()
    return tuple(n for n in names if n in FIRST), tuple(n for n in names if n not in FIRST)


def _crew(request: Request, search: Search, then: Sequence[str]) -> list[list[Member]]:
    """All members by worker; heuristics still to run come first on the last worker."""
    workers, has_plan = request.limits.workers, search.best is not None
    rows = lanes(search.form, request.solver, request.objective, workers, has_plan=has_plan)
    if not then or (has_plan and request.solver != AUTO):
        return rows
    if len(rows) < workers:
        rows.append([])
    rows[-1].insert(0, later(then, search.form))
    return rows


def steps(limits: Limits) -> float:
    """Steps that the limits allow; `math.inf` if only time ends the search."""
    if limits.deterministic_s is not None:
        return limits.deterministic_s * WORK_PER_S
    return limits.time_s * STEADY_SHARE * WORK_PER_S if limits.workers == 1 else math.inf


def _offer_nothing(search: Search, by: str) -> None:
    """Offer the plan of a form without open operations, and prove it optimal."""
    search.offer(Solution(search.form.mode_first[:-1], search.form.frozen_start_us), by)
    search.raise_bound(0)


def _tidied(search: Search) -> Found | None:
    """Shift the best plan left; plans of heuristics are so already."""
    best = search.best
    if best is None or best.by in registry.names(SolverKind.CONSTRUCTIVE):
        return best
    shifted = left_shifted(search.form, best.solution)
    search.offer(shifted, best.by)
    return None if search.best is None else replace(search.best, solution=shifted)


def _teller(request: Request) -> Callable[[Search], None] | None:
    listener = request.listener
    if listener is None:
        return None

    def tell(search: Search) -> None:
        best = search.best
        listener(
            SearchProgress(
                elapsed_s=search.elapsed_s,
                value=request.told(None if best is None else best.score[1]),
                bound=request.told(search.bound),
                found_by="" if best is None else best.by,
                claimed_by=search.claimed_by,
            )
        )

    return tell
