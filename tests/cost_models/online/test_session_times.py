"""Load times: from profiles, from cold starts, from lanes that are alike, and from none."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.placement.ema import EmaOracle
from cost_models.online.session_times import ASSUMED_US, SessionTimes
from cost_models.oracle import Oracle
from scheduler.model.messages import WorkKind
from scheduler.model.ports import DurationOracle, Provenance
from tests.cost_models.asking import DIGEST, predicted, profile, query


@pytest.fixture(params=[Oracle, EmaOracle])
def oracle(request: pytest.FixtureRequest) -> DurationOracle:
    found: DurationOracle = request.param()
    found.learn_profile(profile((1_000,) * 5), "")
    return found


def profiled(load_us: int) -> SessionTimes:
    loads = SessionTimes()
    loads.profiled(DIGEST, "a/cpu0", "cpu", load_us)
    return loads


def test_profile_holds_until_a_cold_start_is_seen(oracle: DurationOracle) -> None:
    assert predicted(oracle, query()).load_us == 70_000
    oracle.observe(query(), 1_000)
    assert predicted(oracle, query()).load_us == 70_000
    # The profile and the cold start weigh the same: (70 000 + 170 000) / 2.
    oracle.observe(query(), 1_000, load_us=170_000)
    found = predicted(oracle, query())
    assert (found.load_us, found.load_provenance) == (120_000, Provenance.MEASURED)


def test_shapes_of_one_model_share_its_load_time(oracle: DurationOracle) -> None:
    oracle.observe(query(shape=(1, 8)), 1_000)
    oracle.observe(query(), 1_000, load_us=170_000)
    assert predicted(oracle, query(shape=(1, 8))).load_us == 120_000


def test_lane_that_was_not_seen_is_assumed_to_load_like_the_others(oracle: DurationOracle) -> None:
    found = predicted(oracle, query("a/cpu1"))
    assert (found.load_us, found.load_provenance) == (70_000, Provenance.ASSUMED)


def test_load_time_that_nobody_knows_is_assumed_and_never_zero() -> None:
    for loads in (SessionTimes(), profiled(0)):
        assert loads.of(query("b/cpu0")).us == ASSUMED_US
        assert loads.of(query()).provenance is Provenance.ASSUMED


def test_function_has_no_session_to_load() -> None:
    assert SessionTimes().of(replace(query(), kind=WorkKind.FUNCTION, digest="")).us == 0


def test_cold_starts_are_followed_and_one_outlier_counts_as_eight_times_at_most() -> None:
    loads = profiled(100_000)
    loads.seen(query(), 3_600_000_000)
    assert loads.of(query()).us == 450_000  # the mean of 100 000 and 800 000
    for _ in range(20):
        loads.seen(query(), 200_000)
    assert loads.of(query()).us == pytest.approx(200_000, rel=0.01)


def test_profile_taken_anew_replaces_what_was_seen() -> None:
    loads = profiled(100_000)
    loads.seen(query(), 500_000)
    loads.profiled(DIGEST, "a/cpu0", "cpu", 80_000)
    assert loads.of(query()).us == 80_000
