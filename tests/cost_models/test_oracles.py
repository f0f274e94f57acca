"""Rules of every duration oracle: from profiles, from observations, and from neither."""

from __future__ import annotations

import pytest

from benchmarks.placement.ema import EmaOracle
from cost_models.oracle import Oracle
from scheduler.model.messages import Verdict
from scheduler.model.ports import DurationOracle, Provenance
from tests.cost_models.asking import predicted, profile, query


@pytest.fixture(params=[Oracle, EmaOracle])
def oracle(request: pytest.FixtureRequest) -> DurationOracle:
    found: DurationOracle = request.param()
    return found


def test_nothing_known_is_no_prediction_never_zero(oracle: DurationOracle) -> None:
    assert oracle.predict([query(), query("a/cpu1")]) == [None, None]


def test_profile_that_failed_teaches_nothing(oracle: DurationOracle) -> None:
    oracle.learn_profile(profile((90, 100), Verdict.WRONG), "")
    oracle.learn_profile(profile(()), "")
    assert oracle.predict([query()]) == [None]


def test_what_was_declared_stands_until_it_is_measured(oracle: DurationOracle) -> None:
    asked = query(declared_us=800)
    assert predicted(oracle, asked).provenance is Provenance.DECLARED
    assert predicted(oracle, asked).p50_us == 800
    oracle.observe(asked, 3_000)
    assert predicted(oracle, asked).p50_us == 3_000
    assert predicted(oracle, asked).provenance is Provenance.MEASURED


def test_sibling_of_the_same_agent_and_provider_is_assumed_to_be_alike(
    oracle: DurationOracle,
) -> None:
    oracle.learn_profile(profile((100,) * 5), "")
    found = predicted(oracle, query("a/cpu1"))
    assert (found.p50_us, found.provenance, found.observations) == (100, Provenance.ASSUMED, 0)
    assert oracle.predict([query("b/cpu0"), query("a/cpu1", provider="openvino")]) == [None, None]


def test_median_follows_a_lasting_change_and_shrugs_at_one_outlier(oracle: DurationOracle) -> None:
    oracle.learn_profile(profile((1_000,) * 10), "")
    oracle.observe(query(), 1_000_000)
    assert predicted(oracle, query()).p50_us < 2_000
    for _ in range(60):
        oracle.observe(query(), 5_000)
    assert 4_900 < predicted(oracle, query()).p50_us < 5_100


def test_lanes_that_measure_alike_are_predicted_alike(oracle: DurationOracle) -> None:
    oracle.learn_profile(profile((100,) * 5), "")
    oracle.observe(query("a/cpu1"), 110)
    assert [predicted(oracle, query(f"a/cpu{i}")).p50_us for i in (0, 1)] == [105, 105]


def test_lanes_that_differ_keep_their_own_medians(oracle: DurationOracle) -> None:
    oracle.learn_profile(profile((100,) * 5), "")
    oracle.observe(query("a/cpu1"), 200)
    assert [predicted(oracle, query(f"a/cpu{i}")).p50_us for i in (0, 1)] == [100, 200]
