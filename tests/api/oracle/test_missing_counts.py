"""Models that an earlier release kept are counted in the background, and the log tells of it."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from api.oracle.counting import cost_path, read
from api.oracle.missing_counts import make_missing
from api.wiring import build_brain
from scheduler.control.brain import Brain
from scheduler.control.events import (
    ControllerStarted,
    Event,
    GraphCounted,
    ModelAdded,
    ModelRemoved,
)
from scheduler.model.messages import WorkKind
from scheduler.model.ports import CostQuery
from tests.api.http.routes.conftest import doubling_model
from tests.scheduler.site import agent_joined

pytestmark = pytest.mark.anyio


def old_folder(data: Path) -> ModelAdded:
    """A data folder as a release had it that kept no counts, and what its log says."""
    content = doubling_model()
    digest = sha256(content).hexdigest()
    (data / "models").mkdir()
    (data / "models" / f"{digest}.onnx").write_bytes(content)
    return ModelAdded(at_us=1, name="double", digest=digest, size_bytes=len(content))


async def made(brain: Brain, data: Path) -> list[Event]:
    """Events that a controller in office appends."""
    told: list[Event] = []

    async def tell(event: Event) -> None:
        told.append(event)

    await make_missing(brain.state.models, data / "models", tell, lambda: 5)
    return told


def predicts(brain: Brain, digest: str) -> bool:
    asked = CostQuery(
        kind=WorkKind.MODEL,
        name="double",
        digest=digest,
        variant="",
        machine="a/cpu0",
        provider="cpu",
        shapes=(("x", (1, 3)),),
    )
    return brain.state.oracle.predict([asked]) != [None]


async def test_model_without_counts_is_counted_and_then_predicted(tmp_path: Path) -> None:
    added = old_folder(tmp_path)
    brain = build_brain(tmp_path)
    brain.handle(added)
    assert not predicts(brain, added.digest)
    (event,) = await made(brain, tmp_path)
    assert isinstance(event, GraphCounted)
    brain.handle(event)
    assert predicts(brain, added.digest)
    assert await made(brain, tmp_path) == []


async def test_damaged_counts_are_made_again_as_they_were(tmp_path: Path) -> None:
    added = old_folder(tmp_path)
    brain = build_brain(tmp_path)
    brain.handle(added)
    (event,) = await made(brain, tmp_path)
    brain.handle(event)
    cost_path(tmp_path / "models", added.digest).write_bytes(b"fjord-graph 0\n{}")
    assert await made(brain, tmp_path) == []
    assert predicts(brain, added.digest)


async def test_models_without_a_file_are_passed_over(tmp_path: Path) -> None:
    brain = build_brain(tmp_path)
    brain.handle(old_folder(tmp_path))
    for path in (tmp_path / "models").iterdir():
        path.unlink()
    assert await made(brain, tmp_path) == []


async def test_same_log_gives_the_same_commands_before_and_after_the_counts_came(
    tmp_path: Path,
) -> None:
    added = old_folder(tmp_path)
    log: list[Event] = [ControllerStarted(at_us=0, epoch=1), agent_joined(), added]
    live = build_brain(tmp_path)
    said = [msgspec.json.encode(live.handle(event)) for event in log]
    for event in await made(live, tmp_path):
        log.append(event)
        said.append(msgspec.json.encode(live.handle(event)))
    log.append(ModelRemoved(at_us=9, name="double", digest=added.digest))
    said.append(msgspec.json.encode(live.handle(log[-1])))
    assert read(tmp_path / "models", added.digest) is not None
    again = build_brain(tmp_path)
    assert [msgspec.json.encode(again.handle(event)) for event in log] == said
