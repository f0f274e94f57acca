"""The first oracle: what it knows from profiles, from observations, and from neither."""

from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from cost_models.ema import EmaOracle
from scheduler.model.messages import Profile, Verdict, WorkKind
from scheduler.model.ports import CostQuery, Prediction, Provenance


def query(machine: str = "a/cpu0", *, declared_us: int = 0, provider: str = "cpu") -> CostQuery:
    return CostQuery(
        kind=WorkKind.MODEL,
        name="det",
        digest="d" * 64,
        variant="",
        machine=machine,
        provider=provider,
        declared_us=declared_us,
    )


def profile(samples_us: tuple[int, ...], verdict: Verdict = Verdict.USABLE) -> Profile:
    return Profile(
        digest="d" * 64,
        machine="a/cpu0",
        provider="cpu",
        verdict=verdict,
        samples_us=samples_us,
        load_us=70_000,
        peak_bytes=9_000,
    )


def predicted(oracle: EmaOracle, asked: CostQuery) -> Prediction:
    (found,) = oracle.predict([asked])
    assert found is not None
    return found


def test_nothing_known_is_no_prediction_never_zero() -> None:
    assert EmaOracle().predict([query(), query("a/cpu1")]) == [None, None]


def test_profile_gives_median_spread_load_and_memory() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((90, 100, 110, 100, 200)), "")
    found = predicted(oracle, query())
    # p95 lies at rank 3.8 of 0..4: 110 + 0.8 x (200 - 110).
    assert (found.p50_us, found.p95_us) == (100, 182)
    assert (found.load_us, found.peak_bytes, found.observations) == (70_000, 9_000, 5)
    assert found.provenance is Provenance.MEASURED


def test_profile_that_failed_teaches_nothing() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((90, 100), Verdict.WRONG), "")
    oracle.learn_profile(profile(()), "")
    assert oracle.predict([query()]) == [None]


def test_what_was_declared_stands_until_it_is_measured() -> None:
    oracle = EmaOracle()
    asked = query(declared_us=800)
    assert predicted(oracle, asked).provenance is Provenance.DECLARED
    assert predicted(oracle, asked).p50_us == 800
    oracle.observe(asked, 3_000)
    assert predicted(oracle, asked).p50_us == 3_000
    assert predicted(oracle, asked).provenance is Provenance.MEASURED


def test_sibling_of_the_same_agent_and_provider_is_assumed_to_be_alike() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((100,) * 5), "")
    found = predicted(oracle, query("a/cpu1"))
    assert (found.p50_us, found.provenance, found.observations) == (100, Provenance.ASSUMED, 0)
    assert oracle.predict([query("b/cpu0"), query("a/cpu1", provider="openvino")]) == [None, None]


def test_median_follows_a_lasting_change_and_shrugs_at_one_outlier() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((1_000,) * 10), "")
    oracle.observe(query(), 1_000_000)
    assert predicted(oracle, query()).p50_us < 2_000
    for _ in range(60):
        oracle.observe(query(), 5_000)
    assert 4_900 < predicted(oracle, query()).p50_us < 5_100


def test_p95_comes_to_cover_about_95_percent() -> None:
    oracle, source = EmaOracle(), random.Random(4)
    oracle.learn_profile(profile((1_000,) * 10), "")
    covered = []
    for _ in range(3_000):
        duration_us = round(1_000 * (0.8 + 0.4 * source.random()))
        covered.append(duration_us <= predicted(oracle, query()).p95_us)
        oracle.observe(query(), duration_us)
    assert 0.93 < sum(covered[1_000:]) / 2_000 < 0.97


@given(st.lists(st.integers(-5, 10**12), max_size=20))
def test_prediction_is_never_zero_and_p95_never_below_p50(durations: list[int]) -> None:
    oracle = EmaOracle()
    for duration_us in [1, *durations]:
        oracle.observe(query(), duration_us)
        found = predicted(oracle, query())
        assert 1 <= found.p50_us <= found.p95_us


def test_lanes_that_measure_alike_are_predicted_alike() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((100,) * 5), "")
    oracle.observe(query("a/cpu1"), 110)
    assert [predicted(oracle, query(f"a/cpu{i}")).p50_us for i in (0, 1)] == [105, 105]


def test_lanes_that_differ_keep_their_own_medians() -> None:
    oracle = EmaOracle()
    oracle.learn_profile(profile((100,) * 5), "")
    oracle.observe(query("a/cpu1"), 200)
    assert [predicted(oracle, query(f"a/cpu{i}")).p50_us for i in (0, 1)] == [100, 200]
