"""The oracle: predictions from profiles, from observations, from relatives, and from none."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cost_models.layers import Belief
from cost_models.oracle import Oracle
from scheduler.model.measuring import IDLE, Load, Peaks
from scheduler.model.messages import MachineReport
from scheduler.model.ports import Contribution, CostQuery, Provenance
from tests.cost_models.asking import beside, predicted, profile, query


def test_profile_gives_median_spread_load_and_memory() -> None:
    oracle = Oracle()
    oracle.learn_profile(profile((9_000, 10_000, 11_000, 10_000, 20_000)), "")
    found = predicted(oracle, query())
    # p95 lies at rank 3.8 of 0..4: 11 000 + 0.8 x (20 000 - 11 000).
    assert found.p50_us == 10_000
    # Other known work counts too.
    assert found.p95_us == pytest.approx(18_200, rel=0.03)
    assert (found.load_us, found.peak_bytes, found.resident_bytes) == (70_000, 9_000, 6_000)
    assert found.observations == 5
    assert found.provenance is Provenance.MEASURED


def test_the_p95_of_what_was_declared_is_twice_its_median() -> None:
    found = predicted(Oracle(), query(declared_us=800))
    assert (found.p50_us, found.p95_us) == (800, 1_608)


@given(st.lists(st.integers(-5, 10**12), max_size=20))
def test_prediction_is_never_zero_and_quantiles_are_in_order(durations: list[int]) -> None:
    oracle = Oracle()
    for duration_us in [1, *durations]:
        oracle.observe(query(), duration_us)
        found = predicted(oracle, query(load=beside()))
        assert 1 <= found.p10_us <= found.p50_us <= found.p95_us


def test_lanes_that_differ_little_but_beyond_doubt_keep_their_own_medians() -> None:
    oracle = Oracle()
    for _ in range(40):
        oracle.observe(query("a/cpu0"), 10_000)
        oracle.observe(query("a/cpu1"), 11_000)
    assert [predicted(oracle, query(f"a/cpu{i}")).p50_us for i in (0, 1)] == [10_000, 11_000]


def test_profile_taken_under_load_is_told_apart_from_an_idle_one() -> None:
    oracle = Oracle()
    for i in range(60):
        oracle.observe(query(digest=f"w{i % 3}"), 1_000)
        oracle.observe(query(digest=f"w{i % 3}"), 1_500, load=beside())
    oracle.learn_profile(profile((15_000,) * 5, load=beside()), "")
    assert predicted(oracle, query()).p50_us == pytest.approx(10_000, rel=0.1)
    assert predicted(oracle, query(load=beside())).p50_us == 15_000


def test_size_never_seen_is_predicted_from_those_seen() -> None:
    oracle = Oracle()
    for width in (100, 200, 400) * 8:
        oracle.observe(query(shape=(1, width)), 50 * width)
    found = predicted(oracle, query(shape=(1, 300)))
    assert found.p50_us == pytest.approx(15_000, rel=0.1)
    assert predicted(oracle, query(shape=(1, 400))).p50_us == pytest.approx(20_000, rel=0.02)


def test_shapes_without_end_are_forgotten_oldest_first() -> None:
    oracle = Oracle()
    for width in range(1, 300):
        oracle.observe(query(shape=(width,)), 1_000 + width)
    assert predicted(oracle, query(shape=(7,))).p50_us > 0
    assert oracle.report().pairs == 1


def test_age_is_that_of_the_last_execution() -> None:
    oracle = Oracle()
    oracle.learn_profile(profile((100,) * 5), "", at_us=7)
    assert predicted(oracle, query()).observed_us == 7
    oracle.observe(query(), 100, at_us=9)
    assert predicted(oracle, query()).observed_us == 9


def test_same_events_give_the_same_predictions() -> None:
    told: list[tuple[str, int, Load]] = []
    source = Random(3)
    for _ in range(300):
        load = source.choice([IDLE, beside(), Load(contention=0.5)])
        told.append((f"w{source.randrange(5)}", source.randrange(500, 2_000), load))
    answers = []
    for _ in range(2):
        oracle = Oracle()
        for digest, duration_us, load in told:
            oracle.observe(query(digest=digest, load=load), duration_us)
        answers.append(oracle.predict([query(digest=f"w{i}", load=beside(2)) for i in range(5)]))
    assert answers[0] == answers[1]


class Slow:
    """A layer that believes in 1 ms idle, twice as much beside anybody, and counts its calls."""

    knows_loads = True

    def __init__(self) -> None:
        self.calls = 0

    def believe(self, queries: Sequence[CostQuery]) -> list[Belief | None]:
        self.calls += 1
        return [
            Belief(
                level=6.907755,  # log(1000)
                slowdown=0.693147 if asked.load.neighbours else 0.0,  # log(2)
                variance=0.04,
                provenance=Provenance.ROOFLINE,
                reasons=(Contribution(cause="arithmetic", factor=1.0),),
            )
            for asked in queries
        ]

    def learn_machine(self, machine: MachineReport) -> None:
        pass


def test_all_queries_go_to_a_layer_in_one_call() -> None:
    layer = Slow()
    found = Oracle([layer]).predict([query(f"a/cpu{i}") for i in range(9)])
    assert {p.p50_us for p in found if p is not None} == {1_000}
    assert layer.calls <= 2


def test_layer_that_knows_loads_is_believed_until_they_are_measured() -> None:
    oracle = Oracle([Slow()])
    oracle.learn_profile(profile((3_000,) * 10), "")
    assert predicted(oracle, query(load=beside())).p50_us == pytest.approx(6_000, rel=0.01)
    assert predicted(oracle, query(load=beside())).provenance is Provenance.MEASURED


def test_first_execution_moves_a_belief_most_of_the_way() -> None:
    oracle = Oracle([Slow()])
    assert oracle.explain(query())[0].cause == "arithmetic"
    oracle.observe(query(), 1_500)
    assert 1_300 < predicted(oracle, query()).p50_us < 1_500


def test_load_that_was_not_foreseen_is_observed_with_what_layers_say_of_it() -> None:
    oracle = Oracle([Slow()])
    oracle.learn_profile(profile((3_000,) * 10), "")
    for _ in range(20):
        oracle.observe(query(), 6_000, load=beside())
    # All of it comes from the layer: neither the level nor the neighbour has changed.
    assert predicted(oracle, query()).p50_us == pytest.approx(3_000, rel=0.02)
    assert predicted(oracle, query(load=beside())).p50_us == pytest.approx(6_000, rel=0.02)


def test_first_run_of_the_profiled_shapes_moves_the_profile_little() -> None:
    oracle = Oracle()
    oracle.learn_profile(profile((10_000,) * 10, shape=(1, 3)), "")
    oracle.observe(query(shape=(1, 3)), 12_000)
    assert predicted(oracle, query(shape=(1, 3))).p50_us < 11_900


def at_pace(pace_ns: int) -> Load:
    return Load(pace_ns=pace_ns)


def test_slow_core_is_told_apart_from_slow_work() -> None:
    oracle = Oracle()
    peaks = (Peaks(provider="cpu", pace_ns=40_000),)
    oracle.learn_machine(
        MachineReport(
            id="a/cpu0",
            device="cpu",
            device_class="cpu",
            cores=(0,),
            memory_bytes=1,
            providers=(),
            peaks=peaks,
        )
    )
    for _ in range(10):
        oracle.observe(query("a/cpu0"), 10_000, load=at_pace(40_000))
        oracle.observe(query("a/cpu0"), 26_390, load=at_pace(160_000))
    usual, slow = oracle.predict([query("a/cpu0", load=at_pace(ns)) for ns in (40_000, 160_000)])
    assert usual is not None
    assert slow is not None
    # Four times the pace is 2.64 times the time.
    assert usual.p50_us == pytest.approx(10_000, rel=0.01)
    assert slow.p50_us == pytest.approx(26_390, rel=0.01)
    (why,) = oracle.explain(query("a/cpu0", load=at_pace(160_000)))
    assert (why.cause, round(why.factor, 2)) == ("pace of its core", 2.64)


def test_other_layers_keep_what_was_measured_and_say_anew_what_loads_do() -> None:
    oracle = Oracle()
    for _ in range(30):
        oracle.observe(query(), 1_000)
        oracle.observe(query(load=beside()), 3_000)
    oracle.stand_on([Slow()], artifact={"digest": "new"}, note="told")
    assert oracle.report().artifact == {"digest": "new"}
    assert oracle.report().notes == ("told",)
    assert predicted(oracle, query()).p50_us == pytest.approx(1_000, rel=0.02)
    assert predicted(oracle, query(load=beside())).p50_us == pytest.approx(2_000, rel=0.02)


def test_contributions_come_largest_first() -> None:
    oracle = Oracle()
    for _ in range(30):
        oracle.observe(query(), 1_000)
        oracle.observe(query(), 1_100, load=beside())
        oracle.observe(query(), 1_800, load=Load(contention=1.0))
    both = Load(neighbours=beside().neighbours, contention=1.0)
    causes = [part.cause for part in oracle.explain(query(load=both))]
    assert causes == ["contention for its cores", "memory-bound neighbours"]
