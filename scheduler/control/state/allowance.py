"""How much work may be thrown away: a small share of what is done, saved up for a while."""

from __future__ import annotations

from dataclasses import dataclass

SHARE = 0.04
"""Of the work that is done; with what pays by itself, it stays below a twentieth."""
MOST_US = 1_000_000
"""No more is saved up: an hour without urgent work is no reason to throw away minutes then."""
AT_FIRST_US = 200_000


@dataclass(slots=True)
class Allowance:
    """What may still be thrown away, in microseconds of machines; less than nothing is a debt.

    Parameters
    ----------
    thrown_us
        All that was thrown away so far.
    """

    left_us: int = AT_FIRST_US
    thrown_us: int = 0

    def earn(self, worked_us: int) -> None:
        """Take note of work that is done."""
        self.left_us = min(MOST_US, self.left_us + round(SHARE * worked_us))

    def spend(self, lost_us: int) -> None:
        """Take note of work that is thrown away."""
        self.left_us = max(-MOST_US, self.left_us - lost_us)
        self.thrown_us += lost_us

    def allows(self, lost_us: int, reserve_us: int = 0) -> bool:
        """True if so much may be thrown away, and something stays in reserve."""
        return self.left_us - lost_us >= reserve_us
