"""Answers about the split of a network: the running report, and the final answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from scheduler.model.objectives import Goal
from scheduler.model.schedule import Status


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """State of a search: best value, largest proven bound, and the finder of the best split."""

    elapsed_s: float
    value: float | None
    bound: float
    found_by: str


Listener = Callable[[Report], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A split with its value and proven bound.

    Parameters
    ----------
    split
        Per node its accelerator, from 0, or a negative number for the host; for the greatest load
        each core of the host has one of its own. Empty if none was found.
    trace
        Each improvement: seconds since the search began, and the value.
    """

    status: Status
    goal: Goal
    solver: str
    split: tuple[int, ...]
    value: float | None
    bound: float
    found_by: str
    trace: tuple[tuple[float, float], ...]

    @property
    def gap(self) -> float | None:
        """``(value - bound) / value``: 0 when optimality is proven, ``None`` without a split."""
        if self.value is None:
            return None
        return 0.0 if self.value == 0 else max(self.value - self.bound, 0.0) / self.value
