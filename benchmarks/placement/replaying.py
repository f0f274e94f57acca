"""The simulated comparison: the same recorded bursts for each oracle, and for one that sees them.

The gain of the one that sees is the most that any prediction could give to this placement.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median

from benchmarks.placement.ema import EmaOracle
from benchmarks.placement.serving import AVERAGE, FULL
from benchmarks.placement.simulation import WORK_US, Outcome, simulate
from benchmarks.placement.trace import Trace
from cost_models.oracle import Oracle
from scheduler.model.ports import CostQuery, DurationOracle, Prediction, Provenance

BURSTS = Path(__file__).with_name("bursts.txt")
"""Recorded with `record((0, 1), (1,), 20.0, 5)` on two cores of an Intel Xeon (virtual)."""
SEEING = "seeing the trace"
KEEPING = ", keeping free"
"""With a machine kept free for urgent runs that are expected."""

Clock = Callable[[], int]


class Seeing(EmaOracle):
    """An oracle that knows the duration of work that starts now, bursts to come included."""

    def __init__(self, clock: Clock, trace: Trace) -> None:
        super().__init__()
        self._clock, self._trace = clock, trace

    def predict(self, queries: Sequence[CostQuery]) -> list[Prediction | None]:
        """One prediction per query, in order."""
        return [self._seen(query) for query in queries]

    def _seen(self, query: CostQuery) -> Prediction:
        core = int(query.machine.rpartition("/cpu")[2])
        took_us = self._trace.took_us(core, self._clock(), WORK_US[query.name])
        return Prediction(
            p50_us=took_us,
            p95_us=took_us,
            load_us=0,
            peak_bytes=0,
            provenance=Provenance.MEASURED,
        )


def compare(
    trace: Trace, *, rounds: int, pages: int, gap_us: int = 100
) -> dict[str, list[Outcome]]:
    """Run each round with each oracle, with and without keeping machines free."""
    makers: Mapping[str, Callable[[Clock], DurationOracle]] = {
        AVERAGE: lambda _: EmaOracle(),
        FULL: lambda _: Oracle(),
        SEEING: lambda clock: Seeing(clock, trace),
    }
    return {
        f"{name}{KEEPING if keeps_free else ''}": [
            simulate(make, trace, pages=pages, gap_us=gap_us, seed=seed, keeps_free=keeps_free)
            for seed in range(rounds)
        ]
        for name, make in makers.items()
        for keeps_free in (False, True)
    }


def report(found: Mapping[str, Sequence[Outcome]]) -> Iterator[str]:
    """One line per oracle, and the ratios to the averages.

    *pages* is the mean time from the submission of a page to its end, *makespan* that of all.
    """
    base = found[AVERAGE]
    base_missed = sum(outcome.missed for outcome in base)
    yield (
        f"{'placement by':<32}{'urgent':>8}{'missed':>8}{'ratio':>8}{'makespan ratio':>16}"
        f"{'pages ratio':>13}"
    )
    for name, outcomes in found.items():
        missed = sum(outcome.missed for outcome in outcomes)
        pairs = list(zip(outcomes, base, strict=True))
        makespan = median(own.makespan_us / other.makespan_us for own, other in pairs)
        flow = median(own.flow_us / other.flow_us for own, other in pairs)
        urgent = sum(outcome.urgent for outcome in outcomes)
        ratio = missed / base_missed if base_missed else float("nan")
        yield f"{name:<32}{urgent:>8}{missed:>8}{ratio:>8.2f}{makespan:>16.3f}{flow:>13.2f}"
