"""Effects of a load on a duration: a few causes, each with a strength that is learned.

The logarithm of a duration is taken to be its idle level plus, per cause, strength times amount. A
delay that nothing but load explains therefore never touches the idle level.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.model.measuring import IDLE, Kind, Load

CAUSES = (
    "compute-bound neighbours",
    "memory-bound neighbours",
    "other neighbours",
    "contention for its cores",
    "foreign load",
    "memory pressure",
    "throttling",
    "rest before the run",
    "cold session",
    "size of the inputs",
)
"""Causes that change a duration, in the order of the strengths. Texts are for people."""
_COMPUTE, _MEMORY, _OTHER, _CONTENTION, _FOREIGN, _PRESSURE, _THROTTLED, _RESTED, _COLD = range(9)
SIZE = 9
"""Cause that is no load: its amount is the logarithm of the size over that of the first inputs."""

SHARED_DOUBT = (0.04, 0.04, 0.04, 0.25, 0.09, 0.09, 0.09, 0.02, 0.25, 0.0)
"""Variance of the strength of each cause before anything ran under it (log scale, per unit)."""
TOLD_SHARE = 0.1
"""Share of these doubts that is left where the layers below know the effect of a load."""
SIZE_STRENGTH, SIZE_DOUBT = 0.8, 0.2
"""Most models take about as much longer as their inputs are larger; small ones hardly do."""
OWN_DOUBT = 0.02
"""Variance of the departure of one piece of work from the strengths that others have."""
NEIGHBOURS = 4.0
"""More neighbours than this do no further harm: all shared resources are used up."""
STEP = 0.05
"""Shares of time are rounded to this; below half of it they are noise."""
RESTED_US = 1_000_000
"""After such a pause caches are cold and clocks are low."""

Amounts = tuple[tuple[int, float], ...]
"""Causes that are there, each with how much of it."""


def amounts(load: Load | None) -> Amounts:
    """Amount of each cause in a load; nothing for an idle box.

    Examples
    --------
    >>> amounts(Load(foreign=0.5, throttled=True))
    ((4, 0.5), (6, 1.0))
    """
    if load is None or load is IDLE:
        return ()
    found = _of_neighbours(load) if load.neighbours else []
    if load.contention:
        found.append((_CONTENTION, _rounded(load.contention)))
    if load.foreign:
        found.append((_FOREIGN, _rounded(load.foreign)))
    if load.memory_pressure:
        found.append((_PRESSURE, _rounded(load.memory_pressure)))
    if load.throttled:
        found.append((_THROTTLED, 1.0))
    if load.idle_us >= RESTED_US:
        found.append((_RESTED, 1.0))
    if load.is_cold:
        found.append((_COLD, 1.0))
    return tuple([pair for pair in found if pair[1] > 0.0])


@dataclass(slots=True)
class Strengths:
    """Strength with which each cause slows work down, and the variance of that. Log scale."""

    mean: list[float] = field(default_factory=lambda: [0.0] * len(CAUSES))
    doubt: list[float] = field(default_factory=lambda: list(SHARED_DOUBT))

    @classmethod
    def told(cls) -> Strengths:
        """Departures from the effects of a load that the layers below know; they are smaller."""
        return cls(doubt=[TOLD_SHARE * doubt for doubt in SHARED_DOUBT])

    @classmethod
    def own(cls) -> Strengths:
        """Departures of one piece of work: none known yet, and none that are large."""
        loads = [OWN_DOUBT] * SIZE
        return cls(mean=[0.0] * SIZE + [SIZE_STRENGTH], doubt=[*loads, SIZE_DOUBT])

    def forget_loads(self) -> None:
        """Start again with all causes but the size."""
        fresh = Strengths.own()
        self.mean[:SIZE], self.doubt[:SIZE] = fresh.mean[:SIZE], fresh.doubt[:SIZE]

    def copy(self) -> Strengths:
        """The same, to be changed by itself."""
        return Strengths(mean=list(self.mean), doubt=list(self.doubt))


def is_load(causes: Amounts) -> bool:
    """True if anything among the causes is a load; the size comes last."""
    return bool(causes) and causes[0][0] != SIZE


def _of_neighbours(load: Load) -> list[tuple[int, float]]:
    counts = [0.0, 0.0, 0.0]
    for other in load.neighbours:
        if other.kind is Kind.MIXED:
            counts[_COMPUTE] += 0.5
            counts[_MEMORY] += 0.5
        elif other.kind is Kind.COMPUTE:
            counts[_COMPUTE] += 1.0
        else:
            counts[_MEMORY if other.kind is Kind.MEMORY else _OTHER] += 1.0
    return [(cause, min(count, NEIGHBOURS)) for cause, count in enumerate(counts) if count]


def _rounded(share: float) -> float:
    return round((share if share < 1.0 else 1.0) / STEP) * STEP
