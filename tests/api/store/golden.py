"""Writes the checkpoint that later releases have to read: `python -m tests.api.store.golden`.

To be run when the version of the form rises, or when the form changes before it was released.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import msgspec

from api.store import Head, pack
from api.wiring import build_brain
from cost_models.knowledge import FORMS as OF_ORACLE
from scheduler.control import checkpoint
from scheduler.control.checkpoint.table import FORMS
from scheduler.model.forms import Form
from tests.scheduler.control.test_invariants import story

FOLDER = Path(__file__).parents[2] / "data" / "checkpoints"
PACKED = FOLDER / f"version-{checkpoint.VERSION}.checkpoint"
SCHEMA = FOLDER / f"version-{checkpoint.VERSION}.json"


def schema() -> dict[str, list[str]]:
    """The fields of each form with their types, or the values of each enumeration, by tag."""
    forms = (*FORMS, *OF_ORACLE)
    tags: dict[Any, str] = {form.kind: form.tag for form in forms}
    return {form.tag: _parts(form, tags) for form in forms}


def _parts(form: Form, tags: dict[Any, str]) -> list[str]:
    if issubclass(form.kind, Enum):
        return [str(member.value) for member in form.kind]
    if form.fields:
        return list(form.fields)
    hints = get_type_hints(form.kind)
    return [f"{name}: {_said(hints[place], tags)}" for name, place in form.stored.items()]


def _said(hint: Any, tags: dict[Any, str]) -> str:
    """Say a type with tags for classes, so that it stays the same when these are renamed."""
    arguments = get_args(hint)
    if not arguments:
        return tags.get(hint) or str(getattr(hint, "__name__", "..."))
    inner = ", ".join(_said(argument, tags) for argument in arguments)
    origin = get_origin(hint)
    return f"one of {inner}" if origin in {Union, UnionType} else f"{origin.__name__}[{inner}]"


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
