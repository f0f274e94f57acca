"""Live leases of capacity for calls, and the calls that were told of lately."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from scheduler.model.messages import CallLease, CallPlace, CallsReported
from scheduler.model.problem import Band

LeaseKey = tuple[str, str, Band]
"""Digest of the model, box, and band of the calls."""
MOST_CALL_BARS = 300
"""Batches of calls that a view can show: half a minute of two busy machines."""


@dataclass(slots=True)
class LiveLease:
    """A lease that has not ended.

    Parameters
    ----------
    lanes
        Machines that are wanted.
    until_us
        Its end, unless it is wanted again before.
    places
        Its machines now.
    told
        The lease as agents and API processes were last told of it; ``None`` before.
    """

    id: str
    digest: str
    box: str
    band: Band
    lanes: int
    until_us: int
    places: tuple[CallPlace, ...] = ()
    told: CallLease | None = None


@dataclass(slots=True)
class Leases:
    """All leases, and what came of them.

    Parameters
    ----------
    granted
        Number of leases so far: their ids count up.
    served
        Latest batches of calls, oldest first.
    """

    live: dict[LeaseKey, LiveLease] = field(default_factory=dict)
    granted: int = 0
    served: deque[CallsReported] = field(default_factory=lambda: deque(maxlen=MOST_CALL_BARS))

    def of_agent(self, machines: list[str]) -> tuple[CallLease, ...]:
        """Leases with a place on one of the machines, as they were told."""
        told = (lease.told for lease in self.live.values())
        return tuple(
            lease
            for lease in told
            if lease is not None and any(place.machine in machines for place in lease.places)
        )

    def due_us(self) -> int | None:
        """Time at which the next of them ends; ``None`` if there is none."""
        return min((lease.until_us for lease in self.live.values()), default=None)
