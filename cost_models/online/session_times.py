"""Times to make a session: from its profile at first, then from cold starts."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery, Provenance

ASSUMED_US = 500_000
"""For a model without any: between the tens of milliseconds that the CPU takes for a small network
and the seconds of providers that compile."""
LAST_WEIGHT = 0.3
"""Least share of a cold start in the average: they are rare, and the effect of disks and caches on
them changes."""
OUTLIER = 8.0
"""A cold start counts as at most this multiple (at least this fraction) of the average."""


@dataclass(frozen=True, slots=True)
class SessionTime:
    """Time to make a session, the slowness of its first run included.

    Parameters
    ----------
    observations
        Profiles and cold starts that it rests on.
    """

    us: int
    provenance: Provenance
    observations: int = 0


NO_SESSION = SessionTime(0, Provenance.MEASURED)
"""A function has none."""


class SessionTimes:
    """Session times of models by provider and machine; a fold of all that it was told.

    Lanes of one agent have the same disk and the same provider: one that was not seen is assumed to
    take the mean of the others.

    Attributes
    ----------
    stamp
        Rises with every change.

    Examples
    --------
    >>> loads = SessionTimes()
    >>> query = CostQuery(
    ...     kind=WorkKind.MODEL, name="det", digest="d", variant="", machine="a/cpu0",
    ...     provider="cpu",
    ... )
    >>> loads.of(query)
    SessionTime(us=500000, provenance=<Provenance.ASSUMED: 'assumed'>, observations=0)
    >>> loads.seen(query, 80_000)
    >>> loads.of(query)
    SessionTime(us=80000, provenance=<Provenance.MEASURED: 'measured'>, observations=1)
    """

    def __init__(self) -> None:
        self.stamp = 0
        self._known: dict[tuple[str, str], dict[str, SessionTime]] = {}

    def profiled(self, digest: str, machine: str, provider: str, load_us: int) -> None:
        """Take in the figure of a profile: the machine was measured anew. 0 is none."""
        if not load_us:
            return
        machines = self._known.setdefault((digest, provider), {})
        machines[machine] = SessionTime(load_us, Provenance.MEASURED, 1)
        self.stamp += 1

    def seen(self, query: CostQuery, load_us: int) -> None:
        """Take in a cold start of a run."""
        machines = self._known.setdefault((query.digest, query.provider), {})
        machines[query.machine] = _moved(machines.get(query.machine), load_us)
        self.stamp += 1

    def of(self, query: CostQuery) -> SessionTime:
        """Expected time to make the session of a query. Never 0 for a model."""
        if query.kind is not WorkKind.MODEL:
            return NO_SESSION
        machines = self._known.get((query.digest, query.provider), {})
        own = machines.get(query.machine)
        if own is not None:
            return own
        agent = query.machine.rpartition("/")[0]
        kin = [time.us for name, time in machines.items() if name.rpartition("/")[0] == agent]
        return SessionTime(sum(kin) // len(kin) if kin else ASSUMED_US, Provenance.ASSUMED)


def _moved(known: SessionTime | None, load_us: int) -> SessionTime:
    if known is None:
        return SessionTime(load_us, Provenance.MEASURED, 1)
    count = known.observations + 1
    near_us = min(max(load_us, known.us / OUTLIER), known.us * OUTLIER)
    moved_us = known.us + max(LAST_WEIGHT, 1.0 / count) * (near_us - known.us)
    return SessionTime(max(1, round(moved_us)), Provenance.MEASURED, count)
