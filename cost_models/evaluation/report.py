"""All figures of a data set: per machine, at rest and under load, beside the noise and others."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from cost_models.evaluation import noise
from cost_models.evaluation.baselines import machine_of
from cost_models.evaluation.hosts import leave_one_host_out
from cost_models.evaluation.metrics import Figures, figures
from cost_models.evaluation.replays import PATTERNS, replay
from cost_models.evaluation.runs import AfterRuns, after_runs
from cost_models.evaluation.strangers import Progress, Strangers, leave_one_family_out
from cost_models.learned.fitting import family_of
from cost_models.learned.query import is_loaded
from cost_models.profiles.measurement import Measurement

LEARNED = "learned"
MEDIAN = "learned, median ratio"
AVERAGE = "moving average"
LAST = "last value"
ALL = "all"

Chosen = Callable[[Measurement], bool]
ByPredictor = Mapping[str, Figures | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineFigures:
    """One machine's figures, each by name of the predictor.

    Parameters
    ----------
    at_once, later
        The noise floor: the same thing measured twice in a row, and again later.
    idle, loaded
        Networks of a family never seen.
    after_runs
        The same after five runs of the partition, under changing load.
    """

    machine: str
    at_once: Figures | None
    later: Figures | None
    idle: ByPredictor
    loaded: ByPredictor
    after_runs: ByPredictor


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Figures of all machines together (`ALL`, first) and of each, and of each family.

    Parameters
    ----------
    hosts
        Each host as the others predict it; empty where there is one host alone.
    replays
        Each pattern, by number of runs before.
    """

    rows: int
    hosts: ByPredictor
    replays: Mapping[str, Mapping[int, ByPredictor]]
    families: Mapping[str, float]
    machines: tuple[MachineFigures, ...]


def evaluate(
    rows: Sequence[Measurement], *, seed: int, progress: Progress = lambda done, total: None
) -> Report:
    """Evaluate on rows, leaving one family out at a time.

    Raises
    ------
    InvalidMeasurement
        If the rows are of fewer than two families.
    """
    warm = [row for row in rows if not row.load.is_cold]
    strangers = leave_one_family_out(warm, seed=seed, progress=progress)
    runs = after_runs(strangers)
    machines = sorted({machine_of(row) for row in strangers.rows})
    reports = [_machine(ALL, lambda row: True, strangers, runs)]
    for machine in machines if len(machines) > 1 else []:
        reports.append(_machine(machine, _is_on(machine), strangers, runs))
    return Report(
        rows=len(warm),
        hosts=leave_one_host_out(warm, seed=seed),
        replays=_replays(strangers, seed),
        families=_families(strangers),
        machines=tuple(reports),
    )


def _replays(strangers: Strangers, seed: int) -> dict[str, dict[int, ByPredictor]]:
    return {
        name: {
            runs: cell.figures(strangers.rows)
            for runs, cell in replay(strangers, name, seed=seed).items()
        }
        for name in PATTERNS
    }


def _is_on(machine: str) -> Chosen:
    return lambda row: machine_of(row) == machine


def _machine(name: str, chosen: Chosen, strangers: Strangers, runs: AfterRuns) -> MachineFigures:
    rows = [row for row in strangers.rows if chosen(row)]
    return MachineFigures(
        machine=name,
        at_once=noise.at_once(rows),
        later=noise.later(rows),
        idle=_unseen(strangers, lambda row: chosen(row) and not is_loaded(row.load)),
        loaded=_unseen(strangers, lambda row: chosen(row) and is_loaded(row.load)),
        after_runs=_after(runs, chosen),
    )


def _unseen(strangers: Strangers, chosen: Chosen) -> ByPredictor:
    places = np.flatnonzero([chosen(row) for row in strangers.rows])
    if not len(places):
        return {}
    rows = [strangers.rows[place] for place in places]
    measured = _medians(rows)
    learned = figures(
        strangers.p50_us[places],
        measured,
        p95_us=strangers.p95_us[places],
        samples_us=[row.samples_us for row in rows],
    )
    others = {
        name: figures(values[places], measured) for name, values in strangers.baselines_us.items()
    }
    return {LEARNED: learned, **others}


def _after(runs: AfterRuns, chosen: Chosen) -> ByPredictor:
    places = np.flatnonzero([chosen(row) for row in runs.rows])
    if not len(places):
        return {}
    measured = _medians([runs.rows[place] for place in places])
    corrected = figures(
        runs.corrected_us[places],
        measured,
        p95_us=runs.corrected_p95_us[places],
        samples_us=[runs.rows[place].samples_us for place in places],
    )
    others = {MEDIAN: runs.median_us, AVERAGE: runs.average_us, LAST: runs.last_us}
    found = {name: figures(values[places], measured) for name, values in others.items()}
    return {LEARNED: corrected, **found}


def _families(strangers: Strangers) -> dict[str, float]:
    """Median error of each family when it was left out, the worst first."""
    errors = np.abs(strangers.p50_us / _medians(strangers.rows) - 1.0)
    names = np.array([family_of(row) for row in strangers.rows])
    found = {str(name): float(np.median(errors[names == name])) for name in sorted(set(names))}
    return dict(sorted(found.items(), key=lambda entry: -entry[1]))


def _medians(rows: Sequence[Measurement]) -> NDArray[np.float64]:
    return np.array([row.median_us for row in rows], dtype=np.float64)
