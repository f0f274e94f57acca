"""Runs that were never run, as the store would have them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from api.store import WholeRun
from api.store.codec import encode
from api.store.run_ids import new_run_id
from scheduler.control.records import (
    OperationRecord,
    OperationState,
    RunRecord,
    RunState,
    RunStory,
    StoryLine,
    Trigger,
)
from scheduler.model.problem import Band

NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000


def record(at_us: int = NOW_US, *, run: str = "", **given: Any) -> RunRecord:
    """A run that was submitted then and finished a second later."""
    fields = {
        "run": run or new_run_id(at_us),
        "kind": "run",
        "workload": "ocr@1",
        "state": RunState.FINISHED,
        "band": Band.NORMAL,
        "submitted_us": at_us,
        "started_us": at_us,
        "ended_us": at_us + SECOND_US,
    }
    return RunRecord(**{**fields, **given})


def operation(run: str, name: str = "detect", **given: Any) -> OperationRecord:
    """An operation that is done."""
    fields = {
        "operation": f"{run}/{name}",
        "run": run,
        "stage": name,
        "item": None,
        "work": "det",
        "state": OperationState.DONE,
        "band": Band.NORMAL,
        "machine": "one/cpu0",
        "provider": "cpu",
        "attempt": 1,
    }
    return OperationRecord(**{**fields, **given})


def story(of: RunRecord, lines: int = 2) -> RunStory:
    """The story of a run: that it came, and that it ended some lines later."""
    told = [
        StoryLine(of.submitted_us, "", 0, "", RunState.QUEUED, Trigger.SUBMITTED),
        *(
            StoryLine(of.submitted_us, f"{of.run}/a", 1, "waiting", "dispatched", Trigger.SENT)
            for _ in range(lines - 2)
        ),
        StoryLine(of.submitted_us + SECOND_US, "", 0, "queued", of.state, Trigger.FINISHED),
    ]
    return RunStory(run=of.run, submitted_us=of.submitted_us, lines=tuple(told))


def whole(
    of: RunRecord, operations: Sequence[OperationRecord] = (), told: RunStory | None = None
) -> WholeRun:
    """A run as it is taken from the store."""
    return WholeRun(
        record=encode(of),
        operations=encode(tuple(operations)),
        story=b"" if told is None else encode(told),
    )
