"""A controller in office trains on measurements, and never beside a critical run."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from api.learning.history import History
from api.learning.learning import CostLearning, LearningSettings
from api.oracle.oracle import ARTIFACT
from api.wiring import build_brain
from cost_models.learned import artifact_from
from cost_models.profiles.store import Store
from scheduler.control.brain import Brain
from scheduler.control.events import ControllerStarted, CostModelChanged, Event, RunCancelled
from scheduler.model.problem import Band
from tests.cost_models import world
from tests.scheduler.site import added, agent_joined, single, submitted

pytestmark = [pytest.mark.anyio, pytest.mark.timeout(400)]

Eventually = Callable[[Callable[[], Awaitable[bool]], float], Awaitable[None]]
PATIENCE_S = 300.0
"""A training takes some seconds of time that others leave over, which may be little."""
ROWS = world.rows(families=range(4), each=2)


@asynccontextmanager
async def learning(
    folder: Path, brain: Brain, *, train_rows: int = 1, box: str = "elsewhere"
) -> AsyncIterator[tuple[CostLearning, list[Event]]]:
    settings = LearningSettings(train_rows=train_rows, box=box, look_s=0.02)
    learner, told = CostLearning(folder, settings), list[Event]()

    async def tell(event: Event) -> None:
        told.append(event)
        brain.handle(event)

    task = asyncio.create_task(learner.work(brain, tell, lambda: None))
    try:
        yield learner, told
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def with_rows(folder: Path) -> Path:
    Store(folder / "profiles", "box").append(ROWS)
    return folder


async def test_training_replaces_the_model_and_the_brain_predicts_by_it(
    tmp_path: Path, eventually: Eventually
) -> None:
    brain = build_brain(with_rows(tmp_path))
    async with learning(tmp_path, brain) as (learner, told):

        async def is_taken_over() -> bool:
            return bool(told) and learner.report.state == "waiting"

        await eventually(is_taken_over, PATIENCE_S)
    digest = artifact_from((tmp_path / ARTIFACT).read_bytes()).digest
    assert told == [CostModelChanged(at_us=told[0].at_us, digest=digest)]
    assert brain.state.oracle.report().artifact["digest"] == digest
    (trained,) = learner.report.trainings
    assert (trained.replaced, trained.champion, trained.digest) == (True, "roofline", digest)
    assert trained.why == f"{len(ROWS)} new measurements"
    assert (trained.rows, trained.families, trained.detail) == (len(ROWS), 4, "")
    assert trained.challenger_loss is not None
    assert trained.champion_loss is not None
    assert trained.challenger_loss <= trained.champion_loss
    again = History(tmp_path)
    again.read()
    assert again.latest == learner.report.trainings


async def test_nothing_is_trained_on_a_box_that_a_critical_run_needs(
    tmp_path: Path, eventually: Eventually
) -> None:
    brain = build_brain(with_rows(tmp_path))
    for event in (
        ControllerStarted(at_us=0, epoch=1),
        agent_joined(),
        added(single()),
        submitted("r-1", at_us=1, band=Band.CRITICAL),
    ):
        brain.handle(event)
    (box,) = brain.critical_boxes()
    async with learning(tmp_path, brain, box=box) as (learner, _):

        async def is_in_the_way() -> bool:
            return learner.report.detail == "a critical run is in the way"

        await eventually(is_in_the_way, PATIENCE_S)
        assert not learner.report.trainings
        brain.handle(RunCancelled(at_us=2, run="r-1"))

        async def is_trained() -> bool:
            return bool(learner.report.trainings)

        await eventually(is_trained, PATIENCE_S)


async def test_rows_that_cannot_be_used_are_named_and_the_service_goes_on(
    tmp_path: Path, eventually: Eventually
) -> None:
    (with_rows(tmp_path) / "profiles" / "other.jsonl").write_text('{"version": 99}\n')
    async with learning(tmp_path, build_brain(tmp_path)) as (learner, told):

        async def is_tried() -> bool:
            return bool(learner.report.trainings)

        await eventually(is_tried, PATIENCE_S)
    (failed,) = learner.report.trainings
    assert not failed.replaced
    assert "other.jsonl line 1: version must be" in failed.detail
    assert not told


async def test_training_that_is_off_says_so(tmp_path: Path, eventually: Eventually) -> None:
    async with learning(with_rows(tmp_path), build_brain(tmp_path), train_rows=0) as (learner, _):

        async def is_off() -> bool:
            return bool(learner.report.detail)

        await eventually(is_off, PATIENCE_S)
    assert (learner.report.state, learner.report.detail) == ("off", "FJORD_TRAIN_ROWS is 0")
