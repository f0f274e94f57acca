"""The chance that a run keeps its deadline, from the distributions along its critical chain."""

from __future__ import annotations

from collections.abc import Iterable
from math import erf, sqrt

from scheduler.model.problem import Mode

_REACH = 1.645
"""Standard deviations from the median to the p95 of a normal distribution."""


def spread_us(mode: Mode) -> float:
    """Standard deviation of a duration, by its p50 and p95."""
    return max(0, mode.p95_us - mode.duration_us) / _REACH


def joined_us(first: float, second: float) -> float:
    """Standard deviation of two durations in a row, taken to be independent."""
    return sqrt(first * first + second * second)


def late_us(end_us: int, spread: float) -> int:
    """The p95 of an end."""
    return end_us + round(_REACH * spread)


class Ends:
    """Ends in the order of the plan: of operations, and of the last one on each machine."""

    def __init__(self) -> None:
        self._of: dict[str, tuple[int, float]] = {}
        self._last: dict[str, tuple[int, float]] = {}

    def add(self, operation: str, machine: str, end_us: int, spread: float) -> None:
        """Note when an operation ends, and the standard deviation of that."""
        self._of[operation] = self._last[machine] = (end_us, spread)

    def before(self, producers: Iterable[str], machine: str) -> float:
        """Standard deviation of the latest end among those that a start waits for."""
        found = [self._of[name] for name in producers if name in self._of]
        if machine in self._last:
            found.append(self._last[machine])
        return max(found, default=(0, 0.0))[1]


def chance(end_us: int, spread: float, limit_us: int) -> float:
    """Probability, 0 to 1, of an end by the limit.

    Along the chain of operations that fixes the end in the plan, durations are added up as if
    they were independent and their sum normal; chains that are nearly as long are left out, so
    the answer is a little too good where many run side by side.

    References
    ----------
    Malcolm, Roseboom, Clark and Fazar (1959), doi:10.1287/opre.7.5.646; ours takes the deviation
    from p50 and p95 instead of from three estimates.

    Examples
    --------
    >>> chance(100, 10.0, 100), round(chance(100, 10.0, 120), 3), chance(100, 0.0, 99)
    (0.5, 0.977, 0.0)
    """
    if spread <= 0.0:
        return 1.0 if limit_us >= end_us else 0.0
    return 0.5 * (1.0 + erf((limit_us - end_us) / (spread * sqrt(2.0))))
