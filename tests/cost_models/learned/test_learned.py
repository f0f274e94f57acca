"""Predictions in a world with a hidden law, on seen and on unseen graphs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from cost_models.learned import Artifact, Learned, Quantiles, Query, query_of, train
from cost_models.learned.size import EnsembleSize
from cost_models.profiles.measurement import KERNELS, Measurement
from devices.runtime.regressor import open_regressor
from scheduler.model.errors import InvalidMeasurement
from scheduler.model.measuring import Kind, Load, Neighbour
from tests.cost_models import world

STRANGERS = range(20, 26)
SMALL = EnsembleSize(factors=20)


@pytest.fixture(scope="module")
def learned(artifact: Artifact) -> Learned:
    return Learned.opened(artifact, open_regressor)


def predicted(learned: Learned, rows: Sequence[Measurement]) -> Quantiles:
    return learned.predict_rows([query_of(row) for row in rows])


def median_error(p50_us: Sequence[float], rows: Sequence[Measurement]) -> float:
    measured = np.array([row.median_us for row in rows])
    return float(np.median(np.abs(np.array(p50_us) / measured - 1.0)))


def query(load: Load = world.REST) -> Query:
    return replace(query_of(world.rows(families=range(1), each=1)[0]), load=load)


def test_families_never_seen_are_predicted_within_a_few_percent(learned: Learned) -> None:
    rows = world.rows(seed=5, families=STRANGERS)

    assert median_error(predicted(learned, rows).p50_us.tolist(), rows) < 0.06


def test_roofline_is_beaten_on_a_machine_hardly_seen(measured: Sequence[Measurement]) -> None:
    odd = replace(world.BOXES[0], name="new/cpu0", slowness=(2.4, 1.9, 3.1, 4.2))
    few = world.rows(seed=9, families=range(2), each=1, boxes=(odd,))
    learned = train([*measured, *few], seed=1)
    rows = world.rows(seed=5, families=STRANGERS, boxes=(odd,))

    found = predicted(Learned.opened(learned, open_regressor), rows)

    prior = [row.roofline_us for row in rows]
    assert median_error(found.p50_us.tolist(), rows) < 0.5 * median_error(prior, rows)


def test_upper_quantile_covers_what_it_says_on_families_never_seen(learned: Learned) -> None:
    rows = world.rows(seed=6, families=STRANGERS)

    p95 = predicted(learned, rows).p95_us

    covered = [
        np.mean(np.array(row.samples_us) <= most) for row, most in zip(rows, p95, strict=True)
    ]
    assert 0.88 <= np.mean(covered) <= 0.995


def test_quantiles_never_cross(learned: Learned) -> None:
    found = predicted(learned, world.rows(seed=7, families=range(30, 34)))

    assert (found.p10_us <= found.p50_us).all()
    assert (found.p50_us <= found.p95_us).all()


@pytest.mark.parametrize(
    "heavier",
    [
        replace(world.REST, foreign=0.8),
        replace(world.REST, contention=0.9),
        replace(world.REST, run_queue=3.0),
        replace(world.REST, memory_pressure=0.9),
        replace(world.REST, neighbours=(Neighbour(kind=Kind.COMPUTE, provider="npu"),)),
        replace(world.REST, frequency=0.3),
        replace(world.REST, throttled=True),
    ],
)
def test_more_load_never_makes_a_run_faster(heavier: Load, learned: Learned) -> None:
    found = learned.predict_rows([query(), query(heavier)])

    assert found.p50_us[1] >= found.p50_us[0]
    assert found.p95_us[1] >= found.p95_us[0] * 0.999


def test_feature_beyond_training_is_named_and_widens_the_distribution(learned: Learned) -> None:
    known = query()
    odd = replace(
        known, graph={**known.graph, "pooling_bytes_share": 30.0, "recurrent_launches": 5.0}
    )

    work = learned.work(odd)

    assert set(work.outside) == {"graph.pooling_bytes_share", "graph.recurrent_launches"}
    assert learned.work(known).outside == ()
    found = learned.predict_rows([known, odd])
    assert found.is_outside.tolist() == [False, True]
    spread = found.p95_us / found.p50_us
    assert spread[1] >= spread[0]


def test_load_beyond_training_and_strange_provider_are_named(learned: Learned) -> None:
    crowded = learned.context(replace(world.REST, run_queue=90.0), "cpu")

    assert crowded.outside == ("load.run_queue",)
    assert learned.work(replace(query(), provider="tpu")).outside == ("provider",)


def test_machine_without_peaks_is_predicted_too(learned: Learned) -> None:
    bare = replace(query(), peaks=None, fingerprint="unheard of")

    assert learned.predict_rows([bare]).p50_us[0] > 0


def test_same_rows_and_seed_give_the_same_artifact() -> None:
    rows = world.rows(families=range(4), each=1)

    first = train(rows, seed=1, size=SMALL)

    assert train(list(reversed(rows)), seed=1, size=SMALL).digest == first.digest


def test_rows_of_one_family_are_too_few_to_learn_from() -> None:
    with pytest.raises(InvalidMeasurement, match="2 families or more; got 1"):
        train(world.rows(families=range(1)), seed=1)


def test_core_at_half_its_pace_takes_longer_by_the_power_that_was_fitted(learned: Learned) -> None:
    peaks = replace(world.BOXES[0].peaks, pace_ns=30_000)
    known, slow = (
        replace(query(replace(world.REST, pace_ns=pace_ns)), peaks=peaks)
        for pace_ns in (30_000, 60_000)
    )

    p50_us = learned.predict_rows([known, slow]).p50_us

    assert p50_us[1] / p50_us[0] == pytest.approx(2**learned.artifact.pace_power)


def test_single_kernels_teach_a_machine_and_are_no_family() -> None:
    networks = world.rows(families=range(4), each=1)
    single = [
        replace(row, family=KERNELS, kernels=row.kernels[:1], digest=f"single {index}")
        for index, row in enumerate(world.rows(seed=8, families=range(2), each=1))
    ]

    artifact = train([*networks, *single], seed=1, size=SMALL)

    assert artifact.families == tuple(sorted({row.family for row in networks}))
    assert artifact.rows == len(networks) + len(single)


def test_row_without_kernels_is_refused(measured: Sequence[Measurement]) -> None:
    with pytest.raises(
        InvalidMeasurement, match=r"rows\[0\].kernels must name the kernels .*again"
    ):
        train([replace(measured[0], kernels=()), *measured[1:]], seed=1)


def test_row_without_features_is_refused(measured: Sequence[Measurement]) -> None:
    with pytest.raises(InvalidMeasurement, match=r"rows\[0\].graph must hold features; got none"):
        train([replace(measured[0], graph={}), *measured[1:]], seed=1)
