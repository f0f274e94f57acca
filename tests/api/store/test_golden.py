"""The form of checkpoints changes only with its version, and stored ones stay readable."""

from __future__ import annotations

import msgspec
import pytest

from api.store import unpack
from api.wiring import build_brain
from scheduler.control import checkpoint
from scheduler.control.brain import Brain
from scheduler.control.events import ControllerStarted
from scheduler.control.invariants import check
from scheduler.control.records import RunState
from tests.api.store.golden import FOLDER, SCHEMA, schema
from tests.scheduler.site import added, agent_joined, single, submitted
from tests.scheduler.watched import dispatches

CHANGED = (
    "the form of checkpoints is another: raise VERSION and keep a reader of the one before, or, if "
    "that was never released, run `python -m tests.api.store.golden`"
)


@pytest.fixture(params=sorted(FOLDER.glob("*.checkpoint")), ids=lambda path: path.stem)
def brain(request: pytest.FixtureRequest) -> Brain:
    """Go on from each stored checkpoint."""
    found = build_brain()
    checkpoint.resume(found, unpack(request.param.read_bytes())[1])
    return found


def test_form_of_this_version_is_the_one_that_was_stored() -> None:
    assert schema() == msgspec.json.decode(SCHEMA.read_bytes()), CHANGED


def test_a_stored_checkpoint_is_read_and_gone_on_from(brain: Brain) -> None:
    at_us = brain.state.now_us
    assert brain.state.active
    brain.handle(ControllerStarted(at_us=at_us, epoch=99))
    brain.handle(added(single("new"), at_us=at_us))
    brain.handle(agent_joined("z", at_us=at_us))
    commands = brain.handle(submitted("r-new", "new@1", at_us=at_us))
    assert check(brain) == []
    assert any(dispatch.run == "r-new" for dispatch in dispatches(commands)) or (
        brain.state.runs["r-new"].state is RunState.QUEUED
    )
