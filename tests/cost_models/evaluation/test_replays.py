"""On recorded rows the service's correction is as good as the best simple way, or better."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models.evaluation.metrics import Figures
from cost_models.evaluation.replays import PATTERNS, RUNS, SERVED, Cell, replay
from cost_models.evaluation.strangers import Strangers
from tests.cost_models.evaluation.recorded import recorded

DRAWS = 200
SHARE_COVERED = {"stepping": (0.86, 0.97)}
"""Runs beside one load alone say little of another, so that few of them promise too much."""


@pytest.fixture(scope="module")
def rows() -> Strangers:
    return recorded()


@pytest.fixture(scope="module")
def cells(rows: Strangers) -> dict[str, dict[int, Cell]]:
    return {name: replay(rows, name, seed=0) for name in PATTERNS}


def error(found: dict[str, Figures | None], name: str) -> float:
    figures = found[name]
    assert figures is not None
    return figures.median_error


def noise_of(cell: Cell, rows: Strangers, one: str, other: str) -> float:
    """Two standard errors of the difference of two median errors, by drawing streams anew."""
    measured = np.array([rows.rows[row].median_us for row in cell.rows]) * cell.factors
    errors = [np.abs(cell.predicted_us[name] / measured - 1.0) for name in (one, other)]
    chance = np.random.default_rng(0)
    drawn = chance.integers(len(measured), size=(DRAWS, len(measured)))
    apart = np.median(errors[0][drawn], axis=1) - np.median(errors[1][drawn], axis=1)
    return 2.0 * float(np.std(apart))


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("name", PATTERNS)
def test_served_prediction_is_within_noise_of_the_best_or_better(
    cells: dict[str, dict[int, Cell]], rows: Strangers, name: str, runs: int
) -> None:
    cell = cells[name][runs]
    found = cell.figures(rows.rows)
    best = min((other for other in found if other != SERVED), key=lambda each: error(found, each))
    assert error(found, SERVED) <= error(found, best) + noise_of(cell, rows, SERVED, best)


def test_after_five_runs_beside_changing_load_it_beats_every_other(
    cells: dict[str, dict[int, Cell]], rows: Strangers
) -> None:
    for runs in (5, 20, 100):
        found = cells["bursty"][runs].figures(rows.rows)
        assert error(found, SERVED) <= min(error(found, other) for other in found)


@pytest.mark.parametrize("name", PATTERNS)
def test_p95_keeps_its_word_on_recorded_rows(
    cells: dict[str, dict[int, Cell]], rows: Strangers, name: str
) -> None:
    low, high = SHARE_COVERED.get(name, (0.93, 0.97))
    found = [cell.figures(rows.rows)[SERVED] for cell in cells[name].values()]
    shares = [each.coverage for each in found if each is not None and each.coverage is not None]
    assert low <= float(np.mean(shares)) <= high
