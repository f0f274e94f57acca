"""Arrivals of a workload's runs, and the next one if they come at even intervals."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from scheduler.control.events import RunSubmitted
from scheduler.control.state.operations import LiveRun

_REMEMBERED = 12
_LEAST_GAPS = 5
"""Fewer intervals may look even by chance."""
_MOST_UNEVEN = 0.5
"""Range of the intervals over the mean distance of two runs, from which on they are not even."""
_MOST_STREAMS = 4
"""Streams that run the same workload at the same rate and are told apart."""
_LEFT_OUT = 4
"""One interval in so many may be several periods long: a release was left out."""
_LATE_US = 2_000
"""A run that is later than all before it is still waited for this long."""


@dataclass(slots=True)
class Arrivals:
    """The last runs of a workload in one band.

    Parameters
    ----------
    latest
        The last that was submitted: the next is taken to be like it.
    run
        A copy that is no part of the state, once somebody has asked for the duration of the next.
    """

    latest: RunSubmitted
    run: LiveRun | None = None
    times_us: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))

    def note(self, event: RunSubmitted) -> None:
        """Take in that one was submitted."""
        if self.run is not None:
            # An operation knows its run, and the run its operations.
            self.run.operations, self.run.open, self.run.items = {}, {}, {}
        self.latest, self.run = event, None
        self.times_us.append(event.at_us)

    def next_us(self) -> tuple[int, int] | None:
        """Earliest and latest time of the next; ``None`` if they are not even."""
        return next_us(tuple(self.times_us))


def next_us(times_us: Sequence[int]) -> tuple[int, int] | None:
    """Earliest and latest continuation of a row of times; ``None`` if it is not even.

    Several streams of one period are told apart: the run of each comes as long after its last one
    as all others do. Releases that were left out count as that.

    Examples
    --------
    >>> next_us((0, 100, 200, 302, 400, 700))
    (798, 2802)
    >>> next_us((0, 10, 100, 110, 200, 210, 300, 310))
    (400, 2400)
    >>> next_us((0, 100, 150, 320, 330, 700))
    """
    for streams in range(1, _MOST_STREAMS + 1):
        gaps = [b - a for a, b in zip(times_us, times_us[streams:], strict=False)]
        if len(gaps) < _LEAST_GAPS or not (period_us := median(gaps)):
            return None
        periods = [max(1, round(gap / period_us)) for gap in gaps]
        if sum(count > 1 for count in periods) > len(gaps) // _LEFT_OUT:
            continue
        gaps = [round(gap / count) for gap, count in zip(gaps, periods, strict=True)]
        if max(gaps) - min(gaps) <= _MOST_UNEVEN * period_us / streams:
            last_us = times_us[-streams]
            return last_us + min(gaps), last_us + max(gaps) + _LATE_US
    return None
