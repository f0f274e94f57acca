"""A search for a split in progress: best split, bound, limits."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from scheduler.instances.network import PlacementProblem
from scheduler.model.objectives import Goal
from scheduler.splitting.answering import Listener, Report
from scheduler.splitting.blocks import Blocks, blocks_of
from scheduler.splitting.rules import pipeline_arcs
from scheduler.splitting.values import latency, max_load

PROVEN = 1e-9
"""Relative difference of value and bound below which they are equal but for rounding."""


@dataclass
class SplitSearch:
    """Search that its members share.

    Parameters
    ----------
    is_over
        True once the search was ended from outside, or its time is spent.
    elapsed_s
        Seconds since it began.
    """

    placement: PlacementProblem
    goal: Goal
    seed: int
    elapsed_s: Callable[[], float]
    is_over: Callable[[], bool]
    listener: Listener | None = None
    split: tuple[int, ...] = ()
    value: float | None = None
    bound: float = 0.0
    found_by: str = ""
    trace: list[tuple[float, float]] = field(default_factory=list)

    @cached_property
    def blocks(self) -> Blocks:
        """Blocks of the network, by the rules of the goal."""
        arcs = self.placement.edges if self.goal is Goal.LATENCY else pipeline_arcs(self.placement)
        return blocks_of(self.placement, arcs)

    @cached_property
    def rng(self) -> random.Random:
        """Random numbers of the seed."""
        return random.Random(self.seed)

    def go_on(self) -> bool:
        """True if something is left to find, and the search is not over."""
        return not (self.is_proven or self.is_infeasible or self.is_over())

    @property
    def is_proven(self) -> bool:
        """True if the best split meets the bound."""
        return self.value is not None and self.value <= self.bound * (1 + PROVEN)

    @property
    def is_infeasible(self) -> bool:
        """True if it is proven that there is no split."""
        return self.bound == math.inf

    def offer(self, split: Sequence[int] | None, by: str) -> bool:
        """Take a split if it is better than the best so far."""
        value = None if split is None else self.worth(split)
        if split is None or value is None or (self.value is not None and value >= self.value):
            return False
        self.split, self.value, self.found_by = tuple(split), value, by
        self.trace.append((self.elapsed_s(), value))
        self._tell()
        return True

    def worth(self, split: Sequence[int]) -> float | None:
        """Value of a split."""
        of = latency if self.goal is Goal.LATENCY else max_load
        return of(self.placement, split)

    def raise_bound(self, bound: float) -> None:
        """Take a proven lower bound on every value."""
        if bound > self.bound:
            self.bound = bound
            self._tell()

    def _tell(self) -> None:
        if self.listener is not None:
            self.listener(
                Report(
                    elapsed_s=self.elapsed_s(),
                    value=self.value,
                    bound=self.bound,
                    found_by=self.found_by,
                )
            )
