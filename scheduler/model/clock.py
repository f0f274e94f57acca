"""The clock of a site, followed from a monotonic clock. Pure: readings are handed in.

The time of a site is the wall clock of its store plus an offset that the store keeps. If that wall
clock is set, the offset compensates for it: all processes keep their time, and a thing due in a
minute still happens in a minute.
"""

from __future__ import annotations

STEP_US = 500_000
"""Deviation beyond which a clock has been set, on top of the time of a reading. Computers drift by
less than 100 us between readings, and a daemon slews less than 128 ms."""


class SiteClock:
    """Microseconds since the Unix epoch as a site counts them.

    Each reading of the store's clock bounds the difference by the time that the reading took. The
    difference changes only when a reading rules it out, so that times of one process stay in order.

    Examples
    --------
    >>> clock = SiteClock()
    >>> clock.take(before_us=100, wall_us=5_000, offset_us=0, after_us=140)
    0
    >>> clock.at_us(200)
    5080
    >>> clock.take(before_us=300, wall_us=5_175, offset_us=0, after_us=310)
    0
    >>> clock.at_us(400)
    5270

    An hour later than expected: the clock has been set, and the reading is left out.

    >>> clock.take(before_us=500, wall_us=3_600_005_370, offset_us=0, after_us=500)
    3600000000
    >>> clock.take(before_us=500, wall_us=3_600_005_370, offset_us=-3_600_000_000, after_us=500)
    0
    >>> clock.at_us(500)
    5370
    """

    def __init__(self) -> None:
        self._ahead_us: int | None = None
        self._offset_us = 0

    def at_us(self, monotonic_us: int) -> int:
        """Convert a moment of the monotonic clock to the time of the site."""
        return monotonic_us + (self._ahead_us or 0)

    def keep(self, offset_us: int) -> None:
        """Keep the present time under a new offset."""
        self._offset_us = offset_us

    def take(
        self,
        *,
        before_us: int,
        wall_us: int,
        offset_us: int,
        after_us: int,
        is_settled: bool = False,
    ) -> int:
        """Take in a reading of wall clock and offset between two of the monotonic clock.

        Returns the step by which the wall clock was set since the last reading; such a reading is
        ignored. If the offset has changed, the step is settled: the reading counts, and the result
        is 0.

        Parameters
        ----------
        is_settled
            True to take the reading in any case.
        """
        site_us = wall_us + offset_us
        least_us, most_us = site_us - after_us, site_us - before_us
        step_us = self._step_us(least_us, most_us)
        if abs(step_us) > STEP_US and offset_us == self._offset_us and not is_settled:
            return step_us
        self._offset_us = offset_us
        if self._ahead_us is None or step_us:
            self._ahead_us = (least_us + most_us) // 2
        return 0

    def _step_us(self, least_us: int, most_us: int) -> int:
        """Distance of bounds from those known before; 0 if they overlap, or at first."""
        if self._ahead_us is None:
            return 0
        return max(least_us - self._ahead_us, 0) + min(most_us - self._ahead_us, 0)
