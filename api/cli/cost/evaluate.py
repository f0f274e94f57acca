"""``fjord cost evaluate``: how good predictions are, beside others and the noise of the box."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options, output

if TYPE_CHECKING:
    from cost_models.evaluation.metrics import Figures
    from cost_models.evaluation.report import MachineFigures, Report
    from cost_models.profiles.measurement import Measurement

PAIRS = 10_000
WORKS = 200
"""Works and loads that these pairs are made of: those of a large plan."""
_REPEATS = 20
_COLUMNS = ("case", "predictor", "rows", "median error", "in 10 %", "in 20 %", "bias", "under p95")
_PREDICTORS = (
    "served",
    "median ratio of the last five",
    "Kalman filter",
    "moving average",
    "last value",
)
_REPLAYED = ("loads", "runs", *_PREDICTORS)
_CASES = {
    "idle": "unseen family, at rest",
    "loaded": "unseen family, under load",
    "after_runs": "after 5 runs",
}


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("evaluate")(evaluate)


def evaluate(
    folder: Annotated[Path, typer.Argument(help="Folder of measurements.")],
    seed: Annotated[int, typer.Option(help="Of the training.")] = 0,
    as_json: options.Json = False,
) -> None:
    """Leave out one family of networks at a time, and predict it from the others.

    Errors are against the median of each measurement. The noise comes first: how far the same
    thing is from itself, at once and later; nothing can be better.
    """
    from cost_models.evaluation.report import evaluate as judge
    from cost_models.profiles.store import read

    found = read(folder)
    for warning in found.warnings:
        output.note(warning)
    with output.progress("leaving out families", quiet=as_json) as shown:
        task = shown.add_task("", total=None)
        report = judge(
            found.measurements,
            seed=seed,
            progress=lambda done, total: shown.update(task, completed=done, total=total),
        )
    speed = {
        "pairs": PAIRS,
        "ms": _speed_ms(found.measurements, seed),
        "correction_us": _correction_us(found.measurements),
    }
    if as_json:
        head = {"data_digest": found.digest, "seed": seed, "speed": speed}
        return output.print_json(head | asdict(report))
    _print(report, speed)


def _print(report: Report, speed: Mapping[str, float]) -> None:
    for machine in report.machines:
        output.tell(f"{machine.machine}:")
        output.print_table(_COLUMNS, _rows(machine), right=_COLUMNS[2:], empty="no rows")
        output.tell("")
    output.tell("after so many runs of the same work, by the order of its loads:")
    output.print_table(_REPLAYED, _replayed(report), right=_REPLAYED[1:2], empty="too few rows")
    output.tell("")
    for host, figures in report.hosts.items():
        if figures is not None:
            output.tell(f"{host}, left out: {figures.median_error:.1%} ({figures.rows} rows)")
    if not report.hosts:
        output.tell("no host was left out: the rows are of one alone")
    worst = ", ".join(f"{name} {error:.1%}" for name, error in report.families.items())
    output.tell(f"median error of each family left out: {worst}")
    output.tell(f"{PAIRS} pairs are predicted in {speed['ms']:.1f} ms")
    share = speed["correction_us"] / 1000
    output.tell(f"1000 executions a second to learn from take {share:.1%} of a core")


def _replayed(report: Report) -> Iterator[Sequence[Any]]:
    """A line per pattern and number of runs: median error of each, and the p95 of the service."""
    for pattern, cells in report.replays.items():
        for runs, found in cells.items():
            told = {name: "" if each is None else _error(each) for name, each in found.items()}
            yield pattern, str(runs), *(told[name] for name in _PREDICTORS)


def _error(figures: Figures) -> str:
    covered = "" if figures.coverage is None else f", {figures.coverage:.0%} under p95"
    return f"{figures.median_error:.1%} ({figures.within_10:.0%} in 10 %{covered})"


def _rows(machine: MachineFigures) -> Iterator[Sequence[Any]]:
    for name, floor in (("measured again at once", machine.at_once), ("later", machine.later)):
        if floor is not None:
            yield "noise", name, *_cells(floor)
    for name, title in _CASES.items():
        for predictor, figures in getattr(machine, name).items():
            if figures is not None:
                yield title, predictor, *_cells(figures)


def _cells(figures: Figures) -> tuple[str, ...]:
    shares = (figures.median_error, figures.within_10, figures.within_20)
    coverage = "" if figures.coverage is None else f"{figures.coverage:.1%}"
    return (
        str(figures.rows),
        *(f"{share:.1%}" for share in shares),
        f"{figures.bias:+.1%}",
        coverage,
    )


def _speed_ms(rows: Sequence[Measurement], seed: int) -> float:
    """Median time to predict that many pairs of a work and a load in one call."""
    import numpy as np

    from cost_models.learned import Learned, query_of
    from cost_models.learned.fitting import fit, networks_of
    from cost_models.learned.size import EnsembleSize
    from devices.runtime.regressor import open_regressor

    artifact = fit(rows, seed, EnsembleSize()).artifact
    rows = networks_of(rows)
    learned = Learned.opened(artifact, open_regressor)
    works = [learned.work(query_of(row)) for row in rows[:WORKS]]
    contexts = [learned.context(row.load, row.provider) for row in rows[:WORKS]]
    pairs = np.random.default_rng(seed).integers(len(works), size=(PAIRS, 2))
    took = []
    for _ in range(_REPEATS):
        started = time.perf_counter_ns()
        learned.predict(works, contexts, pairs)
        took.append((time.perf_counter_ns() - started) / 1e6)
    return median(took)


def _correction_us(rows: Sequence[Measurement]) -> float:
    """Processor time that the service's correction takes for one execution, loads included."""
    from cost_models.evaluation.runs import query_of
    from cost_models.oracle import Oracle

    oracle = Oracle()
    asked = [(query_of(row), row.samples_us) for row in rows]
    began_ns = time.process_time_ns()
    for query, samples_us in asked:
        for took_us in samples_us:
            oracle.observe(query, took_us, load=query.load)
    return (time.process_time_ns() - began_ns) / sum(len(each) for _, each in asked) / 1e3
