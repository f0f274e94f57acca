"""Searches of the solver process: for a better plan, and for a better bound of a dry run."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from api.controller.fenced import FencedStore
from api.controller.solver_process import SolverProcess
from scheduler.control.commands import RequestPlan
from scheduler.control.events import PlanProposed
from scheduler.control.records import Preview
from scheduler.model.problem import Problem

SHORTEST_SEARCH_S = 0.05
"""Below this, handing the problem over takes longer than the search."""


class PlanSearch:
    """Has the solver process look for a better plan; only the latest snapshot counts."""

    def __init__(self, store: FencedStore, solver: SolverProcess, longest_s: float) -> None:
        self._store = store
        self._solver = solver
        self._longest_s = longest_s
        self._request: RequestPlan | None = None
        self._requested = asyncio.Event()

    def ask(self, request: RequestPlan) -> None:
        """Look for a better plan of this snapshot as soon as the process is free."""
        self._request = request
        self._requested.set()

    async def work(self) -> None:
        """Search until cancelled, and tell the brain of each outcome."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            request, self._request = self._request, None
            if request is not None:
                await self._store.say(await self._outcome(request))

    async def _outcome(self, request: RequestPlan) -> PlanProposed:
        result = None
        # A process that has yet to start, which takes long on a busy box, holds up no question.
        if self._solver.prepare():
            time_s = search_s(request.problem, self._longest_s)
            result = await self._solver.solve(request.problem, time_s, request.plan)
        # No plan is an answer too: the brain asks again only after it.
        return PlanProposed(
            at_us=self._store.plain.now_us(),
            version=request.version,
            solver="" if result is None else result.found_by,
            schedule=None if result is None else result.schedule,
            # A bound that is shown as proven must not rest on the word of one engine alone.
            bound_us=None if result is None else result.confirmed_bound,
        )


def search_s(problem: Problem, longest_s: float) -> float:
    """Time for a search for a better plan: a tenth of the time of the pending work, in seconds.

    An answer counts while most of the work is still to be done: the plans made meanwhile are
    nearly as good.
    """
    work_us = sum(
        min(mode.duration_us for mode in operation.modes)
        for operation in problem.operations
        if operation.progress is None
    )
    spread_us = work_us / max(1, len(problem.machines))
    return float(min(longest_s, max(SHORTEST_SEARCH_S, spread_us / 10_000_000)))


async def with_better_bound(
    preview: Preview, problem: Problem, solver: SolverProcess, longest_s: float
) -> Preview:
    """The preview with the bound that a short search proves, if it is a better one.

    The placement stays: it is what would happen. A solver process that is busy, or has yet to
    start, is not waited for.
    """
    if not preview.makespan_us or not solver.prepare():
        return preview
    result = await solver.solve(problem, search_s(problem, longest_s))
    if result is None or result.confirmed_bound is None:
        return preview
    # A preview counts from now; a result counts from the origin of the problem.
    proven_us = result.confirmed_bound - problem.now_us
    bound_us = max(preview.bound_us, min(proven_us, preview.makespan_us))
    gap = (preview.makespan_us - bound_us) / preview.makespan_us
    return replace(preview, bound_us=bound_us, gap=gap)
