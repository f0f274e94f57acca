"""The promise to a run stays as it was; the estimate moves with the plan."""

from __future__ import annotations

import pytest

from scheduler.control.brain import BrainSettings
from scheduler.control.commands import KeepPlan, RecordRun, RequestPlan
from scheduler.control.events import ControllerStarted, PlanProposed, Tick
from scheduler.control.records.plans import PlanFate
from scheduler.model.problem import Band
from tests.scheduler.site import added, agent_joined, chain, single, submitted
from tests.scheduler.watched import Watched, dispatch_of, finish, start


@pytest.fixture
def brain() -> Watched:
    """One agent with one lane, and two workloads whose operations are taken to last 10 ms."""
    watched = Watched()
    watched.feed(ControllerStarted(at_us=0, epoch=1), agent_joined())
    watched.feed(added(single()), added(chain()))
    return watched


def test_first_plan_is_the_promise_and_a_later_one_the_estimate(brain: Watched) -> None:
    brain.handle(submitted("r-1", at_us=0, band=Band.BACKGROUND))
    brain.handle(submitted("r-2", at_us=0, band=Band.BACKGROUND))
    before = brain.run("r-2")
    assert before.estimated_p50_us == before.predicted_p50_us
    brain.handle(submitted("r-3", at_us=100, band=Band.CRITICAL))
    after = brain.run("r-2")
    assert after.predicted_p50_us == before.predicted_p50_us
    assert after.estimated_p50_us is not None
    assert after.predicted_p50_us is not None
    assert after.estimated_p50_us > after.predicted_p50_us


def test_promise_stays_when_the_run_has_ended(brain: Watched) -> None:
    only = dispatch_of(brain.handle(submitted("r-1", at_us=0, deadline_us=900_000)), "r-1/only")
    promised = brain.run("r-1")
    brain.feed(start(only, 50_000), finish(only, 200_000))
    ended = brain.run("r-1")
    assert ended.predicted_p50_us == promised.predicted_p50_us is not None
    assert ended.predicted_p95_us == promised.predicted_p95_us is not None
    assert ended.chance == promised.chance is not None


def test_run_beyond_the_horizon_is_promised_nothing_before_it_is_planned() -> None:
    brain = Watched(settings=BrainSettings(plan_horizon_operations=1))
    brain.feed(ControllerStarted(at_us=0, epoch=1), agent_joined(), added(single()))
    first = dispatch_of(brain.handle(submitted("r-1", at_us=0)), "r-1/only")
    brain.handle(submitted("r-2", at_us=0))
    assert brain.run("r-2").predicted_p50_us is None
    brain.feed(start(first, 10), finish(first, 10_010))
    assert brain.run("r-2").predicted_p50_us == 20_010


def test_dry_run_says_what_would_be_promised(brain: Watched) -> None:
    would = brain.preview(submitted("r-1", "chain@1", at_us=0))[0].record
    brain.handle(submitted("r-1", "chain@1", at_us=0))
    assert would.predicted_p50_us == brain.run("r-1").predicted_p50_us is not None


def test_what_ended_while_nobody_was_in_office_is_recorded_before_it_is_forgotten(
    brain: Watched,
) -> None:
    only = dispatch_of(brain.handle(submitted("r-1", at_us=0)), "r-1/only")
    # Folded by the next controller, which throws away what followed from it.
    brain.feed(start(only, 10), finish(only, 10_000))
    later_us = 10_000 + BrainSettings().keep_ended_us
    told = brain.handle(ControllerStarted(at_us=later_us, epoch=2))
    assert "r-1" in [command.record.run for command in told if isinstance(command, RecordRun)]
    brain.handle(Tick(at_us=later_us))
    assert brain.record("r-1") is None


@pytest.mark.parametrize("is_usable", [True, False])
def test_what_became_of_a_proposal_is_kept(brain: Watched, is_usable: bool) -> None:
    told = brain.feed(*(submitted(f"r-{i}", "chain@1", at_us=0) for i in range(8)))
    asked = [command for command in told if isinstance(command, RequestPlan)][-1]
    assert asked.plan is not None
    proposal = asked.plan if is_usable else None
    told = brain.handle(
        PlanProposed(at_us=1, version=asked.version, solver="tabu", schedule=proposal, bound_us=5)
    )
    kept = [command.plan for command in told if isinstance(command, KeepPlan)]
    # The plan in force, proposed anew, is not better than itself.
    expected = [("tabu", PlanFate.DROPPED)] if is_usable else []
    assert [(plan.source, plan.verdict) for plan in kept] == expected
