"""Predicted against actual, for every execution: counted, and the latest kept."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from math import exp, log

from scheduler.control.records.costs import (
    AccuracyPoint,
    AccuracyReport,
    AccuracyRow,
    PredictedActual,
)
from scheduler.model.ports import Drift

PAIRS_KEPT = 400
"""As many dots as an eye can tell apart in a panel."""
SPAN_US = 10_000_000
POINTS_KEPT = 360
"""An hour of spans."""


@dataclass(slots=True)
class Tally:
    """Counts of executions; see `AccuracyRow`."""

    count: int = 0
    covered: int = 0
    within_10: int = 0
    within_20: int = 0
    logs: float = 0.0

    def add(self, pair: PredictedActual) -> None:
        """Count an execution."""
        miss = abs(pair.actual_us - pair.p50_us)
        self.count += 1
        self.covered += pair.actual_us <= pair.p95_us
        # Shares of the actual time, in whole numbers: 10 % of 9 us is no bound for a clock.
        self.within_10 += 10 * miss <= pair.actual_us
        self.within_20 += 5 * miss <= pair.actual_us
        self.logs += log(pair.actual_us / pair.p50_us)

    @property
    def bias(self) -> float:
        """Geometric mean of actual over predicted."""
        return exp(self.logs / self.count) if self.count else 1.0


@dataclass(slots=True)
class Accuracy:
    """Accuracy of predictions: by machine and provenance, over time, and one by one."""

    tallies: dict[tuple[str, str], Tally] = field(default_factory=dict)
    spans: deque[tuple[int, Tally]] = field(default_factory=lambda: deque(maxlen=POINTS_KEPT))
    pairs: deque[PredictedActual] = field(default_factory=lambda: deque(maxlen=PAIRS_KEPT))

    def add(self, pair: PredictedActual) -> None:
        """Take in an execution."""
        self.tallies.setdefault((pair.machine, pair.provenance), Tally()).add(pair)
        begin_us = pair.at_us - pair.at_us % SPAN_US
        if not self.spans or self.spans[-1][0] < begin_us:
            self.spans.append((begin_us, Tally()))
        self.spans[-1][1].add(pair)
        self.pairs.append(pair)

    def report(self, at_us: int, drifts: tuple[Drift, ...]) -> AccuracyReport:
        """All of it, as it is shown."""
        return AccuracyReport(
            at_us=at_us,
            rows=tuple(_row(*key, tally) for key, tally in sorted(self.tallies.items())),
            points=tuple(_point(begin_us, tally) for begin_us, tally in self.spans),
            pairs=tuple(self.pairs),
            drifts=drifts,
        )


def _row(machine: str, provenance: str, tally: Tally) -> AccuracyRow:
    return AccuracyRow(
        machine=machine,
        provenance=provenance,
        count=tally.count,
        covered=tally.covered,
        within_10=tally.within_10,
        within_20=tally.within_20,
        bias=tally.bias,
    )


def _point(begin_us: int, tally: Tally) -> AccuracyPoint:
    return AccuracyPoint(
        at_us=begin_us,
        count=tally.count,
        covered=tally.covered,
        within_10=tally.within_10,
        within_20=tally.within_20,
    )
