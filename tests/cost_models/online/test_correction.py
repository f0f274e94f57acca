"""Online correction under changing load: convergence, coverage, change for good, and its cost."""

from __future__ import annotations

from math import exp, log
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cost_models.online.drift import Cusum
from cost_models.oracle import Oracle
from scheduler.model.measuring import IDLE, Kind, Load
from tests.cost_models.asking import beside, predicted, query

LOADS = (IDLE, beside(kind=Kind.COMPUTE), beside(), Load(contention=0.5), Load(contention=1.0))
SLOWER = dict(zip(LOADS, (1.0, 1.1, 1.35, 1.5, 2.0), strict=True))


def took_us(idle_us: float, load: Load, source: Random, noise: float = 0.02) -> int:
    return round(idle_us * SLOWER[load] * exp(source.gauss(0.0, noise)))


def site(source: Random, works: int) -> tuple[Oracle, dict[str, float]]:
    """Make an oracle that has met other work under all loads, and idle times of work it has not."""
    oracle = Oracle()
    for i in range(20):
        for load in LOADS * 3:
            idle_us = 1_000.0 * (i + 1)
            oracle.observe(query(digest=f"old{i}"), took_us(idle_us, load, source), load=load)
    return oracle, {f"new{i}": exp(source.uniform(log(300), log(100_000))) for i in range(works)}


def test_five_executions_under_changing_load_make_predictions_within_10_percent() -> None:
    source = Random(1)
    oracle, works = site(source, 40)
    close = []
    for digest, idle_us in works.items():
        for _ in range(5):
            load = source.choice(LOADS)
            oracle.observe(query(digest=digest), took_us(idle_us, load, source), load=load)
        for load in LOADS:
            found = predicted(oracle, query(digest=digest, load=load))
            close.append(abs(found.p50_us / (idle_us * SLOWER[load]) - 1.0) <= 0.1)
    assert sum(close) / len(close) >= 0.9


@settings(max_examples=10)
@given(st.integers(0, 10_000), st.sampled_from([0.01, 0.05, 0.15]))
def test_p95_covers_93_to_97_percent_under_changing_load(seed: int, noise: float) -> None:
    source, oracle = Random(seed), Oracle()
    covered = []
    for _ in range(3_000):
        load = source.choice(LOADS)
        asked, duration_us = query(load=load), took_us(10_000, load, source, noise)
        if oracle.predict([asked]) != [None]:
            covered.append(duration_us <= predicted(oracle, asked).p95_us)
        oracle.observe(asked, duration_us)
    assert 0.93 <= sum(covered[500:]) / len(covered[500:]) <= 0.97


def test_p95_covers_its_share_also_of_loads_that_nobody_foresaw() -> None:
    source, oracle = Random(2), Oracle()
    oracle.observe(query(), 10_000)
    covered = []
    for _ in range(4_000):
        load = source.choice(LOADS)
        duration_us = took_us(10_000, load, source)
        covered.append(duration_us <= predicted(oracle, query()).p95_us)
        oracle.observe(query(), duration_us, load=load)
    assert 0.93 <= sum(covered[1_000:]) / 3_000 <= 0.97


def test_busy_neighbour_does_not_spoil_the_idle_prediction() -> None:
    oracle = Oracle()
    for _ in range(10):
        oracle.observe(query(), 10_000)
    for _ in range(50):
        oracle.observe(query(), 14_000, load=beside())
    assert predicted(oracle, query()).p50_us == pytest.approx(10_000, rel=0.05)
    assert predicted(oracle, query(load=beside())).p50_us == pytest.approx(14_000, rel=0.02)


def test_slowness_beside_a_neighbour_is_known_of_work_that_never_met_one() -> None:
    oracle = Oracle()
    for _ in range(30):
        for digest in ("one", "two", "three"):
            oracle.observe(query(digest=digest), 1_000)
            oracle.observe(query(digest=digest), 1_400, load=beside())
    oracle.observe(query(digest="new"), 5_000)
    found = predicted(oracle, query(digest="new", load=beside()))
    assert found.p50_us == pytest.approx(7_000, rel=0.1)


def steady(source: Random, factor: float = 1.0) -> int:
    return round(10_000 * factor * exp(source.gauss(0.0, 0.02)))


def test_change_point_widens_the_distribution_first_and_learns_anew_after() -> None:
    source, oracle = Random(3), Oracle()
    for i in range(100):
        oracle.observe(query(), steady(source), at_us=i)
    before = predicted(oracle, query())
    widest = 0.0
    for i in range(100, 104):
        oracle.observe(query(), steady(source, 1.4), at_us=i)
        found = predicted(oracle, query())
        widest = max(widest, found.p95_us / found.p50_us)
    (drift,) = oracle.report().drifts
    assert (drift.machine, drift.at_us) == ("a/cpu0", 102)
    assert 1.2 < drift.factor < 1.45
    assert widest > 1.3 > before.p95_us / before.p50_us
    for i in range(104, 140):
        oracle.observe(query(), steady(source, 1.4), at_us=i)
    after = predicted(oracle, query())
    assert after.p50_us == pytest.approx(14_000, rel=0.02)
    assert after.p95_us / after.p50_us < 1.15


def test_change_on_a_machine_puts_its_other_work_in_doubt() -> None:
    source, oracle = Random(4), Oracle()
    for digest in ("one", "two"):
        for _ in range(50):
            oracle.observe(query(digest=digest), steady(source))
    before = predicted(oracle, query(digest="two"))
    for _ in range(4):
        oracle.observe(query(digest="one"), steady(source, 1.5))
    assert predicted(oracle, query(digest="two")).p95_us > 1.02 * before.p95_us


def test_steady_noise_raises_no_alarm() -> None:
    source, oracle = Random(5), Oracle()
    for _ in range(5_000):
        oracle.observe(query(), steady(source))
    assert oracle.report().drifts == ()


def test_one_outlier_is_no_change() -> None:
    watch = Cusum()
    assert [watch.add(9.0, 400.0), *(watch.add(0.0, 0.0) for _ in range(9))] == [0.0] * 10
