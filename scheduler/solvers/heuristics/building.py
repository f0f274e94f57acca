"""Frame of a constructive heuristic around its own rule: refuse, build, offer."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.solvers.arrays import Solution
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.kernels.timeline.listing import DONE
from scheduler.solvers.search import Search

Construction = Callable[[Draft], int]
"""Function that fills a draft; returns `DONE`, or the reason why it could not."""


def construct(search: Search, name: str, *constructions: Construction) -> None:
    """Offer the plan of each construction, until the search is over.

    Deadlines do not steer them: a plan may miss one, and its score says so. A dead end gives no
    plan; if no plan can exist, the search is told.
    """
    w = draft(search.form)
    if not w.possible:
        search.refute()
        return
    for build in constructions:
        if not search.spend():
            return
        if build(w) == DONE:
            search.offer(Solution(mode=w.mode, start_us=w.start_us), name)
        search.spend(len(search.form.mode_us))
