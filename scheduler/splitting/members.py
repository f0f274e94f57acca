"""Splitters by name: the searches that find splits, and the goals that each serves."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.model.errors import InvalidInput, UnknownName
from scheduler.model.objectives import Goal
from scheduler.splitting.cutting import Cutter, drawn_order, moved_order
from scheduler.splitting.ideals import Ideals
from scheduler.splitting.searching import SplitSearch

AUTO = "auto"
FIRST_ORDERS = 4
"""Orders cut before anything else, so that there is a split to beat."""
PATIENCE = 300
"""Orders in a row without an improvement after which a search ends."""
FRESH = 0.3
"""Share of orders that are drawn anew, and do not come from the best one."""
APPROACH = 0.25
"""Position of the next threshold between the bound (0) and the best split (1)."""


def order_cuts(search: SplitSearch) -> None:
    """Cut orders optimally: drawn ones, and the best one with a block moved."""
    first_orders(search, PATIENCE)


def first_orders(search: SplitSearch, patience: int) -> None:
    """Cut orders until `patience` of them in a row are no better."""
    cutter, blocks, rng = Cutter(search.placement, search.blocks), search.blocks, search.rng
    cut = cutter.shortest if search.goal is Goal.LATENCY else cutter.lightest
    best = order = drawn_order(blocks, rng, shuffled=0.0)
    least, left, is_first = None, patience, True
    # The first order is cut in any case, so that there is an answer.
    while left and (is_first or search.go_on()):
        is_first, split = False, cut(order)
        value = None if split is None else search.worth(split)
        left -= 1
        if value is not None and (least is None or value <= least):
            # Accept equal splits as the next start; only improvements reset the patience counter.
            left = patience if least is None or value < least else left
            best, least = order, value
        search.offer(split, "order_cuts")
        if least is None or rng.random() < FRESH:
            order = drawn_order(blocks, rng, shuffled=rng.random())
        else:
            order = moved_order(blocks, best, rng)


def ideals(search: SplitSearch) -> None:
    """Find the lightest split and prove it, unless there are too many ideals."""
    found = Ideals.of(search.placement, search.blocks)
    while found is not None and search.go_on():
        threshold = float("inf")
        if search.value is not None:
            way = APPROACH * (search.value - search.bound)
            # Never so small a step that rounding could hide a split.
            threshold = search.bound + max(way, 1e-3 * search.value)
        split, is_whole = found.below(threshold, search.go_on)
        search.offer(split, "ideals")
        if not is_whole:
            return
        nearest = threshold if split is None else search.worth(split)
        if nearest is not None and nearest < float("inf"):
            search.raise_bound(nearest if search.value is None else min(nearest, search.value))
        elif split is None:
            return


@dataclass(frozen=True, slots=True, kw_only=True)
class Splitter:
    """A search for splits, with its goals and its publication."""

    run: Callable[[SplitSearch], None]
    goals: tuple[Goal, ...]
    proves: bool = False
    doi: str = "10.48550/arXiv.2006.16423"


MEMBERS = {
    "ideals": Splitter(run=ideals, goals=(Goal.MAX_LOAD,), proves=True),
    "order_cuts": Splitter(run=order_cuts, goals=(Goal.LATENCY, Goal.MAX_LOAD)),
}


def members_for(solver: str, goal: Goal) -> list[Callable[[SplitSearch], None]]:
    """Searches that take part for a solver and a goal, in order.

    Raises
    ------
    UnknownName
        If there is no such solver.
    InvalidInput
        If the solver does not serve the goal.
    """
    if solver == AUTO:
        rows = [member.run for member in MEMBERS.values() if goal in member.goals]
        return [lambda search: first_orders(search, FIRST_ORDERS), *rows]
    if solver not in MEMBERS:
        choices = ", ".join((AUTO, *MEMBERS))
        message = f"solver must be one of {choices} for a network to place; got {solver!r}"
        raise UnknownName(message, field="solver")
    if goal not in MEMBERS[solver].goals:
        able = ", ".join(name for name, member in MEMBERS.items() if goal in member.goals)
        message = f"solver must be auto or {able} for {goal.value}; got {solver!r}"
        raise InvalidInput(message, field="solver")
    return [MEMBERS[solver].run]
