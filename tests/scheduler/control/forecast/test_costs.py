"""Predicted against actual, the load that a plan causes, and the chance to keep a deadline."""

from __future__ import annotations

import pytest

from scheduler.control.forecast.loads import foresee
from scheduler.control.records.costs import PredictedActual
from scheduler.control.state.figures.accuracy import PAIRS_KEPT, Accuracy
from scheduler.model.measuring import Kind, Load, Neighbour
from scheduler.model.messages import OperationFinished
from tests.scheduler.site import added, agent_joined, chain, single, submitted, value
from tests.scheduler.watched import Watched, dispatch_of, finish, start


def pair(actual_us: int, *, at_us: int = 0, p50_us: int = 1_000) -> PredictedActual:
    return PredictedActual(
        at_us=at_us,
        operation="r/o",
        work="w",
        machine="a/cpu0",
        provider="cpu",
        provenance="measured",
        p50_us=p50_us,
        p95_us=1_100,
        actual_us=actual_us,
    )


def test_shares_within_bounds_and_bias_are_those_of_the_executions() -> None:
    accuracy = Accuracy()
    for actual_us in (1_000, 1_100, 1_200, 4_000):
        accuracy.add(pair(actual_us))
    (row,) = accuracy.report(0, ()).rows
    assert (row.count, row.covered, row.within_10, row.within_20) == (4, 2, 2, 3)
    assert row.bias == pytest.approx((1.1 * 1.2 * 4.0) ** 0.25)


def test_spans_and_pairs_are_bounded() -> None:
    accuracy = Accuracy()
    for i in range(2 * PAIRS_KEPT):
        accuracy.add(pair(1_000, at_us=i * 60_000_000))
    report = accuracy.report(0, ())
    assert len(report.pairs) == PAIRS_KEPT
    assert report.points[-1].at_us == report.pairs[-1].at_us
    assert report.rows[0].count == 2 * PAIRS_KEPT


def brain_with(lanes: int) -> Watched:
    brain = Watched()
    brain.feed(added(single()), added(chain()), agent_joined(lanes=lanes))
    return brain


def test_finished_operation_is_held_against_what_was_said_of_it() -> None:
    brain = brain_with(1)
    commands = brain.feed(submitted("r-1"))
    sent = dispatch_of(commands, "r-1/only")
    brain.feed(start(sent, 5), finish(sent, 20_005, took_us=20_000))
    report = brain.costs(30_000)
    (seen,) = report.accuracy.pairs
    assert (seen.p50_us, seen.actual_us, seen.provenance) == (10_000, 20_000, "declared")
    (known,) = [known for known in report.known if known.name == "work"]
    assert (known.p50_us, known.observed_us) == (20_000, 20_005)


def test_plan_expects_the_neighbours_that_it_causes() -> None:
    brain = brain_with(2)
    brain.feed(*(submitted(f"r-{i}") for i in range(4)))
    foresee(brain.state)
    assert [len(load.neighbours) for load in brain.state.foreseen.values()] == [1, 1]


def test_chain_on_an_idle_box_expects_no_neighbours() -> None:
    brain = brain_with(2)
    commands = brain.feed(submitted("r-1", "chain@1"))
    sent = dispatch_of(commands, "r-1/s0")
    brain.feed(start(sent, 5))
    foresee(brain.state)
    assert brain.state.foreseen[sent.machine].neighbours == ()


def test_lane_beside_a_busy_one_is_predicted_slower_once_that_was_seen() -> None:
    brain, at_us = brain_with(2), 0
    noisy = Load(neighbours=(Neighbour(kind=Kind.UNKNOWN, provider="python"),))
    for i in range(40):
        runs = [f"a-{i}", f"b-{i}"] if i % 2 else [f"a-{i}"]
        commands = brain.feed(*(submitted(run, at_us=at_us) for run in runs))
        took_us = 15_000 if i % 2 else 10_000
        for run in runs:
            sent = dispatch_of(commands, f"{run}/only")
            brain.feed(start(sent, at_us + 1))
            event = finish(sent, at_us + took_us, took_us=took_us - 1)
            load = noisy if i % 2 else Load()
            fields = {name: getattr(event, name) for name in event.__slots__}
            brain.feed(OperationFinished(**{**fields, "load": load}))
        at_us += 100_000
    alone = brain.preview(submitted("r-p", at_us=at_us))[0].record
    assert alone.operations[0].duration_p50_us == pytest.approx(10_000, rel=0.05)
    brain.feed(*(submitted(f"c-{i}", at_us=at_us) for i in range(6)))
    crowded = brain.preview(submitted("r-p", at_us=at_us))[0].record
    assert crowded.operations[0].duration_p50_us == pytest.approx(15_000, rel=0.05)


def test_chance_to_keep_a_deadline_falls_as_it_comes_nearer() -> None:
    brain = brain_with(1)
    chances = []
    for deadline_us in (100_000, 32_000, 30_000, 20_000):
        asked = submitted("r-1", "chain@1", deadline_us=deadline_us, drop_late=False)
        record = brain.preview(asked)[0].record
        assert record.chance is not None
        assert record.predicted_p50_us == 30_000
        chances.append(record.chance)
    assert chances == sorted(chances, reverse=True)
    assert chances[0] > 0.99
    assert chances[2] == 0.5


def test_run_without_a_deadline_has_no_chance_to_miss_it() -> None:
    assert brain_with(1).preview(submitted("r-1"))[0].record.chance is None


def test_preview_leaves_the_expected_load_as_it_was() -> None:
    brain = brain_with(2)
    before = dict(brain.state.foreseen)
    brain.preview(submitted("r-1", inputs={"image": value()}))
    assert brain.state.foreseen == before
