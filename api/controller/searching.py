"""How long to search for better plans, and what a search adds to a dry run."""

from __future__ import annotations

from dataclasses import replace

from api.solver_process import SolverProcess
from scheduler.control.records import Preview
from scheduler.model.problem import Problem

SHORTEST_SEARCH_S = 0.05
"""Below this, handing the problem over takes longer than the search."""


def search_s(problem: Problem, longest_s: float) -> float:
    """How long a search for a better plan may take: a tenth of what there is to be done.

    What is planned anew meanwhile is nearly as good as what is found: an answer counts while most
    of what was asked about is still to be done.
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
    if result is None or result.bound is None:
        return preview
    # A preview counts from now; a result counts from the origin of the problem.
    bound_us = max(preview.bound_us, min(result.bound - problem.now_us, preview.makespan_us))
    gap = (preview.makespan_us - bound_us) / preview.makespan_us
    return replace(preview, bound_us=bound_us, gap=gap)
