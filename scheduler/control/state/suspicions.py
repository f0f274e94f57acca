"""Machines that do not answer, and work that was started twice because of them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

FLOOR_US = 1_000_000
"""On a loaded box work often takes two or three times its p95: so much is no sign of a hang."""
MOST_P95 = 5
"""Nothing that goes on is silent for so many times its p95."""
LATE_US = 500_000
"""A brain that is woken so much later than asked was away, and so may be the reports."""
SPAN = 200
"""Operations over which the share of those that were started twice is counted."""
MOST_SHARE = 0.05
"""Largest share of the work that may be started twice."""


@dataclass(frozen=True, slots=True)
class Suspicion:
    """The attempt that a machine has not answered about, and the time since which that counts."""

    operation: str
    attempt: int
    since_us: int


@dataclass(slots=True)
class Suspicions:
    """Machines that are suspected, and when to look at which.

    Parameters
    ----------
    of
        The attempt that each suspected machine is silent about.
    look_us
        By machine, when to look at it: it should have answered by then.
    patient_until_us
        Nothing is suspected before: who watches was away itself.
    doubled
        Number of operations that had ended each time that one was started twice; the latest of
        them.
    """

    of: dict[str, Suspicion] = field(default_factory=dict)
    look_us: dict[str, int] = field(default_factory=dict)
    patient_until_us: int = 0
    doubled: deque[int] = field(default_factory=lambda: deque(maxlen=round(SPAN * MOST_SHARE)))

    def due_us(self) -> int | None:
        """Time at which the next machine is to be looked at."""
        if not self.look_us:
            return None
        return max(min(self.look_us.values()), self.patient_until_us)

    def may_double(self, ended: int) -> bool:
        """True if one more operation may be started twice: one of the first few, then a share.

        Examples
        --------
        >>> found = Suspicions()
        >>> found.may_double(0)
        True
        >>> found.doubled.append(0)
        >>> found.may_double(30), found.may_double(40)
        (False, True)
        """
        lately = sum(at > ended - SPAN for at in self.doubled)
        return lately < max(1, int(MOST_SHARE * min(ended, SPAN)))


def patience_us(p95_us: int) -> int:
    """Time after its expected end for which work may be silent.

    Examples
    --------
    >>> patience_us(20_000), patience_us(400_000)
    (1000000, 2000000)
    """
    return max(FLOOR_US, MOST_P95 * p95_us)
