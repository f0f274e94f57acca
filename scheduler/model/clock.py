"""The clock of a site, followed from a monotonic clock. Pure: it is told what was read.

The time of a site is the wall clock of its store plus an offset that the store keeps. When somebody
sets that wall clock, the offset takes it back: all processes go on with the time that they had, and
what was to happen in a minute happens in a minute.
"""

from __future__ import annotations

STEP_US = 500_000
"""What a clock is off by beyond the time of a reading has been set: computers drift by less than
100 us from one reading to the next, and a daemon slews what is less than 128 ms."""


class SiteClock:
    """Microseconds since the Unix epoch as a site counts them.

    Each reading of the store's clock bounds the difference by the time that the question took. The
    difference moves only when a reading rules it out, so that times of one process stay in order.

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

    An hour later than it should be: somebody has set the clock, and the reading is left out.

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
        """A moment of the monotonic clock, in the time of the site."""
        return monotonic_us + (self._ahead_us or 0)

    def keep(self, offset_us: int) -> None:
        """Go on with the time as it was: the offset was changed for it."""
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

        Gives by how much the wall clock was set since the reading before; such a reading is not
        taken in. Where the offset is another, somebody has settled it: then it is, and gives 0.

        Parameters
        ----------
        is_settled
            Whether to take it in in any case.
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
        """How far bounds are from what was known before; 0 within them, or at first."""
        if self._ahead_us is None:
            return 0
        return max(least_us - self._ahead_us, 0) + min(most_us - self._ahead_us, 0)
