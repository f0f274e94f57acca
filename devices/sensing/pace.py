"""Present pace of a core, found by the only means that always works: counting.

Virtual machines hide their clocks, and other tenants slow a core by a third for seconds at a time
without any counter that shows it. A fixed loop takes as much longer then as everything else does.
"""

from __future__ import annotations

import time
from collections.abc import Callable

TURNS = 2_000
"""Turns of the loop: some 40 microseconds, long for a timer and short for everybody else."""
FRESH_US = 50_000
"""Time that a pace serves: watching then costs a thousandth of a core."""

Clock = Callable[[], int]


def count_ns(clock: Clock = time.perf_counter_ns) -> int:
    """Time that the loop takes now, in nanoseconds; the caller is on the core in question."""
    started = clock()
    for _ in range(TURNS):
        pass
    return max(1, clock() - started)


class Pace:
    """The latest count of this process, made anew when it is stale."""

    def __init__(self) -> None:
        self._ns = 0
        self._at_us = 0

    def ns(self, at_us: int) -> int:
        """The pace at a moment, in nanoseconds per loop."""
        if not self._ns or at_us - self._at_us >= FRESH_US:
            # The middle of three: an interrupt lengthens one.
            self._ns = sorted(count_ns() for _ in range(3))[1]
            self._at_us = at_us
        return self._ns
