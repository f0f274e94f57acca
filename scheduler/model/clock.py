"""The clock of the store, followed from a monotonic clock. Pure: it is told what was read."""

from __future__ import annotations


class StoreClock:
    """Microseconds since the Unix epoch as the store counts them.

    Each reading of the store's clock bounds the offset by the time that the question took. The
    offset moves only when a reading rules it out, so that times of one process stay in order.

    Examples
    --------
    >>> clock = StoreClock()
    >>> clock.observe(before_us=100, store_us=5_000, after_us=140)
    >>> clock.at_us(200)
    5080
    >>> clock.observe(before_us=300, store_us=5_175, after_us=310)
    >>> clock.at_us(400)
    5270
    """

    def __init__(self) -> None:
        self._offset_us: int | None = None

    def at_us(self, monotonic_us: int) -> int:
        """A moment of the monotonic clock, in the clock of the store."""
        return monotonic_us + (self._offset_us or 0)

    def observe(self, *, before_us: int, store_us: int, after_us: int) -> None:
        """Take in a reading of the store's clock between two of the monotonic one."""
        least_us, most_us = store_us - after_us, store_us - before_us
        if self._offset_us is None or not least_us <= self._offset_us <= most_us:
            self._offset_us = (least_us + most_us) // 2
