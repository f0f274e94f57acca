"""Writes the checkpoint that later releases have to read: `python -m tests.api.store.golden`.

To be run when the version of the form rises, or when the form changes before it was released.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path

import msgspec

from api.store import Head, pack
from api.wiring import build_brain
from cost_models.knowledge import FORMS as OF_ORACLE
from scheduler.control import checkpoint
from scheduler.control.checkpoint.table import FORMS
from tests.scheduler.control.test_invariants import story

FOLDER = Path(__file__).parents[2] / "data" / "checkpoints"
PACKED = FOLDER / f"version-{checkpoint.VERSION}.checkpoint"
SCHEMA = FOLDER / f"version-{checkpoint.VERSION}.json"


def schema() -> dict[str, list[str]]:
    """The fields of each form, or the values of each enumeration, by tag."""
    return {
        form.tag: [str(member.value) for member in form.kind]
        if issubclass(form.kind, Enum)
        else list(form.stored)
        for form in (*FORMS, *OF_ORACLE)
    }


def main() -> None:
    _, world = story(4, runs=8)
    world.run()
    brain = build_brain()
    for event in world.log[: len(world.log) // 2]:
        brain.handle(event)
    head = Head(version=checkpoint.VERSION, event="1-0", epoch=1, at_us=brain.state.now_us)
    FOLDER.mkdir(exist_ok=True)
    PACKED.write_bytes(pack(head, checkpoint.taken(brain)))
    SCHEMA.write_bytes(msgspec.json.format(msgspec.json.encode(schema())) + b"\n")


if __name__ == "__main__":
    main()
