"""Dry runs while more waits than is planned at once."""

from __future__ import annotations

import pytest

from scheduler.control.settings import BrainSettings
from scheduler.model.problem import Band
from tests.scheduler.site import added, agent_joined, single, submitted
from tests.scheduler.watched import Watched

HORIZON = 5
WAITING = 20
TOOK_US = 10_000
"""Declared duration of each of them."""


def busy_site() -> Watched:
    """One machine and four horizons of runs that wait for it."""
    brain = Watched(BrainSettings(plan_horizon_operations=HORIZON))
    brain.feed(agent_joined(), added(single(declared_us=TOOK_US)))
    brain.feed(*(submitted(f"r{i}", at_us=1) for i in range(WAITING)))
    return brain


@pytest.mark.parametrize(
    ("band", "before", "ahead"),
    [
        (Band.CRITICAL, 0, 0),
        (Band.NORMAL, HORIZON, WAITING - HORIZON),
        (Band.BACKGROUND, HORIZON, WAITING - HORIZON),
    ],
)
def test_dry_run_beyond_the_horizon_says_its_earliest_times_and_what_comes_before(
    band: Band, before: int, ahead: int
) -> None:
    brain = busy_site()
    answer, problem = brain.preview(submitted("asked", at_us=1, band=band))
    (only,) = answer.record.operations
    assert only.planned_start_us is not None
    assert only.planned_start_us >= 1 + before * TOOK_US
    assert (answer.ahead, only.machine) == (ahead, "a/cpu0")
    assert any(op.id == "asked/only" for op in problem.operations)


def test_dry_run_beyond_the_horizon_changes_nothing() -> None:
    brain = busy_site()
    planned, left_out = list(brain.state.plan.planned), brain.state.plan.left_out
    brain.preview(submitted("asked", at_us=1))
    assert list(brain.state.plan.planned) == planned
    assert brain.state.plan.left_out == left_out
    assert "asked" not in brain.state.runs
