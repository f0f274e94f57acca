"""One search from the first plan to the last: heuristics, then members side by side."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.model.schedule import Limits
from scheduler.portfolio.lanes import attempt, run
from scheduler.portfolio.members import ALWAYS, constructive, lanes
from scheduler.portfolio.progress import Cancellation, Listener, Progress
from scheduler.solvers.arrays import OPEN, Arrays, Solution
from scheduler.solvers.search import WORK_PER_S, Search

STEADY_SHARE = 0.5
"""Of a time limit, what one worker counts on: work is counted, so that the answer depends on the
problem alone, and as much again is left for a core that is slower or not ours alone."""
ALL_MODES = 20_000
"""Modes up to which every heuristic runs whatever the limits are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked of the portfolio, but for the problem."""

    solver: str
    limits: Limits
    seed: int
    objective: Objective
    clock: Callable[[], float]
    listener: Listener | None = None
    cancel: Cancellation = field(default_factory=Cancellation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What is known when a search begins.

    Parameters
    ----------
    bound
        Proven lower bound.
    solutions
        Plans to begin with, and who found them.
    """

    bound: int | None = None
    solutions: tuple[tuple[Solution, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Exploration:
    """A search that is over, what it spent, and what went wrong in it."""

    search: Search
    worked: float
    errors: list[Exception]


def explore(
    request: Request,
    form: Arrays,
    start: Start,
    *,
    time_s: float,
    work: float,
    tell: Callable[[Search], None] | None = None,
) -> Exploration:
    """Search for that long. The heuristics count as well, but some plan there will be.

    Parameters
    ----------
    tell
        Told of each improvement; by default the listener of the request is.
    """
    told = _teller(request) if tell is None else tell
    search = Search(form, request.clock, request.objective, listener=told)
    request.cancel.watch(search)
    if has_no_plan(form):
        search.refute()
        return Exploration(search, 0.0, [])
    if start.bound is not None:
        search.raise_bound(start.bound)
    for solution, by in start.solutions:
        search.offer(solution, by)
    limited = search.part(time_s=time_s, work=work)
    errors: list[Exception] = []
    for name, is_sure in turns(request, search, limited):
        attempt(search if is_sure else limited, name, request.seed, errors)
    if limited.spend():
        rows = lanes(form, request.solver, request.objective, request.limits.workers)
        errors += run(limited, rows, request.seed) if rows else []
    return Exploration(search, limited.worked, errors)


def turns(request: Request, search: Search, limited: Search) -> Iterator[tuple[str, bool]]:
    """Heuristics that are to run, and whether they do so whatever the limits are.

    Every one does where that takes milliseconds. Of a huge problem, some wait for the others.
    """
    is_small = len(search.form.mode_us) <= ALL_MODES
    for name in constructive(search.form, request.solver):
        is_sure = is_small or name in (*ALWAYS, request.solver)
        if search.stop_flag[0]:
            return
        if is_sure or limited.spend():
            yield name, is_sure


def has_no_plan(form: Arrays) -> bool:
    """Whether an operation fits nowhere, all by itself."""
    return bool(((form.state == OPEN) & (np.diff(form.mode_first) == 0)).any())


def steps(limits: Limits) -> float:
    """How many steps the limits come to, `math.inf` if only time is to end the search."""
    if limits.deterministic_s is not None:
        return limits.deterministic_s * WORK_PER_S
    return limits.time_s * STEADY_SHARE * WORK_PER_S if limits.workers == 1 else math.inf


def _teller(request: Request) -> Callable[[Search], None] | None:
    listener = request.listener
    if listener is None:
        return None

    def tell(search: Search) -> None:
        best = search.best
        listener(
            Progress(
                elapsed_s=search.elapsed_s,
                value=None if best is None else best.score[1],
                bound=search.bound,
                found_by="" if best is None else best.by,
            )
        )

    return tell
