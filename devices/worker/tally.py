"""Counts of the calls of one lease at a worker, and its budget of the machine's time."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from devices.calls.frames import Outcome
from devices.worker.protocol import CallsServed

SAMPLE = 500
"""Durations that quantiles are read from: the latest of a message."""
BURST_US = 100_000
"""Time that a lease may use at once, where its share of the machine is less than all."""


@dataclass(slots=True)
class Tally:
    """Calls since the last message, in microseconds of the monotonic clock."""

    lease: str
    since_us: int
    until_us: int = 0
    ends: dict[Outcome, int] = field(default_factory=dict)
    busy_us: int = 0
    load_us: int = 0
    revocation_us: int = 0
    durations: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLE))
    waits: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLE))

    def add(self, outcome: Outcome, begun_us: int, ended_us: int) -> None:
        """Count a call."""
        self.ends[outcome] = self.ends.get(outcome, 0) + 1
        self.until_us = ended_us
        self.busy_us += ended_us - begun_us

    def done(self, duration_us: int, waited_us: int) -> None:
        """Note the times of a call that gave outputs."""
        self.durations.append(duration_us)
        self.waits.append(waited_us)

    def message(self) -> CallsServed:
        """All of it, for the agent."""
        failed = self.ends.get(Outcome.FAILED, 0) + self.ends.get(Outcome.INVALID, 0)
        return CallsServed(
            lease=self.lease,
            since_us=self.since_us,
            until_us=self.until_us,
            done=self.ends.get(Outcome.DONE, 0),
            failed=failed,
            refused=self.ends.get(Outcome.REFUSED, 0),
            late=self.ends.get(Outcome.LATE, 0),
            busy_us=self.busy_us,
            p50_us=_quantile(self.durations, 0.5),
            p95_us=_quantile(self.durations, 0.95),
            waited_us=_quantile(self.waits, 0.5),
            revocation_us=self.revocation_us,
            load_us=self.load_us,
        )


class Budget:
    """A bucket of machine time that fills by a share of the time that passes.

    Examples
    --------
    >>> budget = Budget(0.5, 0)
    >>> budget.spend(BURST_US + 1_000)
    >>> budget.ready_us(0), budget.ready_us(2_000)
    (2000, 2000)
    """

    def __init__(self, share: float, now_us: int) -> None:
        self.share = share
        self._left_us = float(BURST_US)
        self._at_us = now_us

    def ready_us(self, now_us: int) -> int:
        """The time from which the next call may begin; not after now if it may at once."""
        gained_us = (now_us - self._at_us) * self.share
        self._left_us = min(BURST_US, self._left_us + gained_us)
        self._at_us = now_us
        return now_us + max(0, round(-self._left_us / self.share))

    def spend(self, busy_us: int) -> None:
        """Take out the time of a call; it may leave less than nothing."""
        if self.share < 1.0:
            self._left_us -= busy_us


def _quantile(sample: deque[int], share: float) -> int:
    ordered = sorted(sample)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0
