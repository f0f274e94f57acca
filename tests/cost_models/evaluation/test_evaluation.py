from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from cost_models.evaluation.baselines import moving_average, scaled
from cost_models.evaluation.hosts import host_of, leave_one_host_out
from cost_models.evaluation.metrics import figures
from cost_models.evaluation.noise import at_once, later
from cost_models.evaluation.report import Report, evaluate
from cost_models.profiles.measurement import Measurement
from tests.cost_models import world


def row(*samples_us: int, at_us: int = 0, flops: float = 1.0) -> Measurement:
    return Measurement(
        digest="d",
        machine="box/cpu0",
        provider="cpu",
        graph={"flops": flops},
        samples_us=samples_us,
        at_us=at_us,
    )


def world_seen_often() -> list[Measurement]:
    """Each network on one box, eight times, beside changing loads."""
    rng = np.random.default_rng(2)
    rows: list[Measurement] = []
    for family in range(6):
        for _ in range(3):
            features = world.graph(rng, family)
            for turn in range(8):
                load = world.LOADS[turn % len(world.LOADS)]
                at_us = len(rows)
                rows.append(
                    world.row(
                        rng, world.BOXES[0], family, load=load, features=features, at_us=at_us
                    )
                )
    return rows


@pytest.fixture(scope="module")
def report() -> Report:
    return evaluate(world_seen_often(), seed=1)


def test_error_bias_and_shares_are_those_of_the_definition() -> None:
    predicted = np.array([110.0, 121.0, 80.0, np.nan])
    measured = np.array([100.0, 100.0, 100.0, 100.0])

    found = figures(predicted, measured)

    assert found is not None
    assert found.rows == 3
    assert found.within_10 == pytest.approx(1 / 3)
    assert found.within_20 == pytest.approx(2 / 3)
    assert found.median_error == pytest.approx(0.20)
    assert found.bias == pytest.approx(0.10)


def test_coverage_weighs_each_row_the_same() -> None:
    found = figures(
        np.array([1.0, 1.0]),
        np.array([1.0, 1.0]),
        p95_us=np.array([10.0, 10.0]),
        samples_us=[(5,) * 100, (20,)],
    )

    assert found is not None
    assert found.coverage == 0.5


def test_predictor_without_any_answer_has_no_figures() -> None:
    assert figures(np.array([np.nan]), np.array([1.0])) is None


def test_baseline_by_size_takes_the_machines_own_factor() -> None:
    known = [row(200, flops=2.0), row(330, flops=3.0), row(400, flops=4.0)]
    elsewhere = replace(row(1, flops=5.0), machine="other/cpu0")

    found = scaled(lambda each: each.graph["flops"], known, [row(1, flops=5.0), elsewhere])

    assert found[0] == 500.0
    assert np.isnan(found[1])


def test_moving_average_starts_as_a_mean() -> None:
    assert moving_average([100.0, 200.0, 300.0]) == pytest.approx(200.0)


def test_noise_floor_holds_the_first_half_of_a_row_against_the_second() -> None:
    found = at_once([row(100, 100, 110, 110)])

    assert found is not None
    assert found.median_error == pytest.approx(1 - 100 / 110)


def test_noise_floor_holds_a_row_at_rest_against_the_same_work_later() -> None:
    found = later([row(100, at_us=1), row(125, at_us=2), replace(row(7, at_us=3), batch=2)])

    assert found is not None
    assert found.rows == 1
    assert found.median_error == pytest.approx(0.2)


def test_learned_model_halves_the_error_of_the_best_baseline(report: Report) -> None:
    idle = report.machines[0].idle

    learned = idle["learned"]
    others = [found for name, found in idle.items() if name != "learned" and found is not None]
    assert learned is not None
    assert learned.median_error < 0.5 * min(each.median_error for each in others)


def test_after_five_runs_under_changing_load_it_beats_the_past(report: Report) -> None:
    after = report.machines[0].after_runs

    assert all(after.values())
    errors = {name: found.median_error for name, found in after.items() if found is not None}
    assert errors["learned"] < 0.5 * min(errors["moving average"], errors["last value"])
    assert errors["learned"] <= 1.25 * errors["learned, median ratio"]


def test_report_names_the_family_that_is_worst_first(report: Report) -> None:
    errors = list(report.families.values())

    assert len(errors) == 6
    assert errors == sorted(errors, reverse=True)


def test_rows_of_one_host_alone_leave_no_host_out() -> None:
    rows = [replace(row(us), fingerprint=f"cpu one; build {us}") for us in (100, 200)]
    assert len({host_of(each) for each in rows}) == 1
    assert leave_one_host_out(rows, seed=0) == {}
