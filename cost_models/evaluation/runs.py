"""Predictions after a few runs of the same partition under changing load.

The learned model is judged as a service uses it: an oracle stands on the model's answers for
networks that the model has not seen, and is told of one run of each row, in the order of time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import log

import numpy as np
from numpy.typing import NDArray

from cost_models.evaluation.baselines import machine_of, moving_average
from cost_models.evaluation.strangers import Strangers
from cost_models.layers import Belief
from cost_models.oracle import Oracle
from cost_models.profiles.measurement import Measurement
from scheduler.model.measuring import Peaks
from scheduler.model.messages import MachineReport, WorkKind
from scheduler.model.ports import CostQuery, Provenance

Vector = NDArray[np.float64]
RUNS = 5
P50_TO_P95 = 1.645
"""Standard deviations between the two, of a normal distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AfterRuns:
    """Predictions of rows that have enough runs before them.

    Parameters
    ----------
    rows
        Those that are predicted.
    corrected_us, corrected_p95_us
        The service's own: the learned model, corrected by each run before.
    median_us
        The learned model, times the median ratio by which it was off in the runs before.
    average_us, last_us
        Moving average and last value of the same runs.
    """

    rows: tuple[Measurement, ...]
    corrected_us: Vector
    corrected_p95_us: Vector
    median_us: Vector
    average_us: Vector
    last_us: Vector


def after_runs(predicted: Strangers, runs: int = RUNS) -> AfterRuns:
    """Predict each row from one run of each of the rows before it, of the same partition there."""
    rows = predicted.rows
    told = Told(predicted)
    oracle = Oracle([told])
    for machine in machines_of(rows):
        oracle.learn_machine(machine)
    places: dict[tuple[object, ...], list[int]] = defaultdict(list)
    found: list[tuple[int, tuple[float, ...]]] = []
    for index in sorted(range(len(rows)), key=lambda index: rows[index].at_us):
        row, query, before = rows[index], query_of(rows[index]), places[partition_of(rows[index])]
        if len(before) >= runs:
            found.append((index, _said(predicted, oracle, index, before[-runs:])))
        before.append(index)
        oracle.observe(query, row.samples_us[-1], load=query.load, at_us=row.at_us)
    columns = np.array([values for _, values in found], dtype=np.float64).reshape(-1, 5).T
    corrected, p95, median, average, last = columns
    return AfterRuns(
        rows=tuple(rows[index] for index, _ in found),
        corrected_us=corrected,
        corrected_p95_us=p95,
        median_us=median,
        average_us=average,
        last_us=last,
    )


def partition_of(row: Measurement) -> tuple[object, ...]:
    """Key of a row: two rows with the same key measure the same work at the same place."""
    shapes = tuple(sorted(row.shapes.items()))
    return (row.digest, shapes, row.batch, row.variant, machine_of(row), row.fingerprint)


def query_of(row: Measurement) -> CostQuery:
    """Ask a service about measured rows."""
    return CostQuery(
        kind=WorkKind.MODEL,
        name="",
        digest=row.digest,
        variant=row.variant,
        machine=row.machine,
        provider=row.provider,
        shapes=tuple(sorted(row.shapes.items())),
        load=row.load,
    )


class Told:
    """A layer that answers as the learned model did when the family of the row was left out."""

    knows_loads = True

    def __init__(self, predicted: Strangers) -> None:
        slowed = predicted.p50_us / predicted.calm_us
        values = zip(predicted.idle_us, slowed, predicted.p95_us / predicted.p50_us, strict=True)
        self._known = {
            _unpaced(query_of(row)): _belief(*map(float, each))
            for row, each in zip(predicted.rows, values, strict=True)
        }

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        """One belief per query that is a row."""
        return [self._known.get(_unpaced(query)) for query in queries]

    def learn_machine(self, machine: MachineReport) -> None:
        """Nothing to learn: all was said before."""


def _unpaced(query: CostQuery) -> CostQuery:
    """The question without the pace, which the oracle itself takes into account."""
    return replace(query, load=replace(query.load, pace_ns=0))


def _belief(idle_us: float, slowed: float, reach: float) -> Belief:
    spread = log(reach) / P50_TO_P95
    return Belief(
        level=log(idle_us),
        slowdown=log(slowed),
        variance=max(1e-4, spread * spread),
        provenance=Provenance.LEARNED,
    )


def _said(
    predicted: Strangers, oracle: Oracle, index: int, before: Sequence[int]
) -> tuple[float, ...]:
    rows = predicted.rows
    (corrected,) = oracle.predict([query_of(rows[index])])
    assert corrected is not None
    past = [float(rows[place].samples_us[-1]) for place in before]
    ratios = [us / predicted.p50_us[place] for us, place in zip(past, before, strict=True)]
    median_us = float(predicted.p50_us[index] * np.median(ratios))
    return (corrected.p50_us, corrected.p95_us, median_us, moving_average(past), past[-1])


def machines_of(rows: Sequence[Measurement]) -> list[MachineReport]:
    """Reports of the machines that rows are of, as far as their peaks were measured."""
    peaks: dict[str, dict[str, Peaks]] = defaultdict(dict)
    for row in rows:
        if row.peaks is not None:
            peaks[row.machine].setdefault(row.provider, row.peaks)
    return [
        MachineReport(
            id=machine,
            device="",
            device_class="",
            cores=(0,),
            memory_bytes=1,
            providers=(),
            peaks=tuple(each.values()),
        )
        for machine, each in peaks.items()
    ]
