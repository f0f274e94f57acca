"""On recorded rows the service's correction is as good as a plain filter, or better."""

from __future__ import annotations

import numpy as np
import pytest

from cost_models.evaluation.metrics import Figures
from cost_models.evaluation.replays import PATTERNS, RUNS, SERVED, Cell, replay
from cost_models.evaluation.strangers import Strangers
from tests.cost_models.evaluation.recorded import recorded

DRAWS = 200
FILTER = "Kalman filter"
BLIND = ("moving average", "last value")
LEAST_COVERED = {"calm": 0.93, "stepping": 0.87, "drifting": 0.92, "bursty": 0.90}
"""Mean share of samples under the p95. Runs beside one load alone say little of another, so that
few of them promise too much."""


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
def test_served_prediction_is_within_noise_of_a_plain_filter_or_better(
    cells: dict[str, dict[int, Cell]], rows: Strangers, name: str, runs: int
) -> None:
    cell = cells[name][runs]
    found = cell.figures(rows.rows)
    allowed = error(found, FILTER) + noise_of(cell, rows, SERVED, FILTER)
    assert error(found, SERVED) <= allowed


@pytest.mark.parametrize("runs", RUNS)
@pytest.mark.parametrize("name", ["stepping", "bursty"])
def test_beside_changing_load_it_beats_those_that_know_nothing_of_loads(
    cells: dict[str, dict[int, Cell]], rows: Strangers, name: str, runs: int
) -> None:
    found = cells[name][runs].figures(rows.rows)
    assert error(found, SERVED) < min(error(found, other) for other in BLIND)


@pytest.mark.parametrize("name", PATTERNS)
def test_share_under_p95_stays_where_it_is_on_recorded_rows(
    cells: dict[str, dict[int, Cell]], rows: Strangers, name: str
) -> None:
    found = [cell.figures(rows.rows)[SERVED] for cell in cells[name].values()]
    shares = [each.coverage for each in found if each is not None and each.coverage is not None]
    assert len(shares) == len(RUNS)
    assert LEAST_COVERED[name] <= float(np.mean(shares)) <= 0.97
