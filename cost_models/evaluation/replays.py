"""Replays of recorded rows: predictions of a row after so many runs of the same work there.

A stream is one partition in one place. Its latest row is kept back: it is asked for after each
number of `RUNS`, and never told. The runs before are samples of its other rows, in the order of a
pattern. All streams of a pattern go side by side through one oracle, as they do in a service, so
that what is learned of loads from one work serves the others. It stands on what the learned model
says of families that it has not seen.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import exp

import numpy as np
from numpy.typing import NDArray

from cost_models.evaluation.metrics import Figures, figures
from cost_models.evaluation.opponents import OPPONENTS, Past
from cost_models.evaluation.runs import Told, machines_of, partition_of, query_of
from cost_models.evaluation.strangers import Strangers
from cost_models.learned.query import BUSY_SHARE
from cost_models.oracle import Oracle
from cost_models.profiles.measurement import Measurement

Vector = NDArray[np.float64]

RUNS = (1, 3, 5, 20, 100)
"""Runs after which a row is asked for."""
SERVED = "served"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """The order of the runs of a stream.

    Parameters
    ----------
    is_calm
        True if only rows are told and asked for that had their cores to themselves.
    every
        Runs from one row, and so one load, to the next.
    drift
        Part by which work becomes slower or faster with each run, which no load tells of.
    """

    is_calm: bool
    every: int
    drift: float = 0.0

    @property
    def least_rows(self) -> int:
        """Rows of a stream: one is kept back, and a load can only change between two others."""
        return 2 if self.is_calm else 3


PATTERNS: Mapping[str, Pattern] = {
    "calm": Pattern(is_calm=True, every=5),
    "stepping": Pattern(is_calm=False, every=5),
    "drifting": Pattern(is_calm=True, every=5, drift=0.005),
    "bursty": Pattern(is_calm=False, every=1),
}


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a stream: a sample of a row."""

    row: int
    sample: int


@dataclass(frozen=True, slots=True)
class Stream:
    """The runs of a partition in one place, and the row that is kept back."""

    runs: tuple[Run, ...]
    asked: int
    drift: float = 0.0

    def factor(self, runs: int) -> float:
        """Slowness beyond what was recorded after so many runs."""
        return exp(self.drift * runs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """Predictions of all streams of a pattern after so many runs.

    Parameters
    ----------
    rows
        Those that were kept back.
    factors
        Slowness of each beyond what was recorded.
    predicted_us
        By name of the predictor; the service's own is `SERVED`.
    p95_us
        The service's.
    """

    rows: tuple[int, ...]
    factors: Vector
    predicted_us: Mapping[str, Vector]
    p95_us: Vector

    def figures(self, rows: Sequence[Measurement]) -> dict[str, Figures | None]:
        """Figures of each predictor against the medians that were kept back."""
        samples_us = [
            [round(each * factor) for each in rows[row].samples_us]
            for row, factor in zip(self.rows, self.factors, strict=True)
        ]
        measured = np.array([rows[row].median_us for row in self.rows]) * self.factors
        found = {name: figures(values, measured) for name, values in self.predicted_us.items()}
        served = figures(
            self.predicted_us[SERVED], measured, p95_us=self.p95_us, samples_us=samples_us
        )
        return found | {SERVED: served}


def replay(predicted: Strangers, name: str, *, seed: int) -> dict[int, Cell]:
    """Predict what each stream of a pattern keeps back, by number of runs before."""
    streams = streams_of(predicted.rows, name, seed=seed)
    oracle = Oracle([Told(predicted)])
    for machine in machines_of(predicted.rows):
        oracle.learn_machine(machine)
    if not streams:
        return {}
    pasts = [Past(predicted.p50_us[stream.asked]) for stream in streams]
    found = {}
    for number in range(max(RUNS) + 1):
        if number in RUNS:
            found[number] = _cell(predicted, oracle, streams, pasts, number)
        for stream, past in zip(streams, pasts, strict=True):
            _tell(predicted, oracle, stream.runs[number % len(stream.runs)], stream, past, number)
    return found


def streams_of(rows: Sequence[Measurement], name: str, *, seed: int) -> list[Stream]:
    """Streams of all partitions that have enough rows for a pattern."""
    pattern = PATTERNS[name]
    places: dict[tuple[object, ...], list[int]] = defaultdict(list)
    for index in sorted(range(len(rows)), key=lambda index: rows[index].at_us):
        if is_calm(rows[index]) or not pattern.is_calm:
            places[partition_of(rows[index])].append(index)
    chance = np.random.default_rng(seed)
    return [
        _stream(rows, each, pattern, float(chance.choice((-1.0, 1.0))) * pattern.drift)
        for each in places.values()
        if len(each) >= pattern.least_rows
    ]


def is_calm(row: Measurement) -> bool:
    """True if the run had its cores to itself, and no rest before it."""
    load = row.load
    return not load.neighbours and load.contention <= BUSY_SHARE and not load.idle_us


def _stream(
    rows: Sequence[Measurement], places: Sequence[int], pattern: Pattern, drift: float
) -> Stream:
    """Rows in turn, each for some runs, another sample each time; the latest row is kept back."""
    *told, asked = places
    runs = []
    for number in range(max(RUNS)):
        row = told[number // pattern.every % len(told)]
        runs.append(Run(row, number % len(rows[row].samples_us)))
    return Stream(tuple(runs), asked, drift)


def _tell(
    predicted: Strangers, oracle: Oracle, run: Run, stream: Stream, past: Past, number: int
) -> None:
    row = predicted.rows[run.row]
    took_us = max(1, round(row.samples_us[run.sample] * stream.factor(number)))
    query = query_of(row)
    oracle.observe(query, took_us, load=query.load, at_us=row.at_us)
    past.add(took_us, float(predicted.p50_us[run.row]))


def _cell(
    predicted: Strangers,
    oracle: Oracle,
    streams: Sequence[Stream],
    pasts: Sequence[Past],
    number: int,
) -> Cell:
    said = oracle.predict([query_of(predicted.rows[stream.asked]) for stream in streams])
    served = np.array([each.p50_us if each else np.nan for each in said])
    others = {
        name: np.array([opponent(past) for past in pasts]) for name, opponent in OPPONENTS.items()
    }
    return Cell(
        rows=tuple(stream.asked for stream in streams),
        factors=np.array([stream.factor(number) for stream in streams]),
        predicted_us={SERVED: served} | others,
        p95_us=np.array([each.p95_us if each else np.nan for each in said]),
    )
