"""Has a confined child cut a model: searches and proofs take seconds, which no event loop has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.partitioning.wanted import Answer, MadePartition, Request, Wanted
from devices.models import ModelLimits
from devices.models.sandbox import run_confined
from scheduler.model.errors import InvalidModel
from scheduler.model.messages import Value

_CHILD = "api.partitioning.child"


def partition_in_child(
    path: Path,
    wanted: Wanted,
    *,
    folder: Path,
    shapes: Mapping[str, tuple[int, ...]],
    examples: Mapping[str, Value],
    limits: ModelLimits,
) -> MadePartition:
    """Cut a model, prove the pieces, and write them into a folder; blocks until that is done.

    Raises
    ------
    InvalidModel
        If there is no such partition, its proof fails, or the child broke off.
    """
    request = Request(
        path=str(path),
        folder=str(folder),
        shapes=dict(shapes),
        examples=dict(examples),
        wanted=wanted,
        limits=limits,
    )
    said = run_confined(_CHILD, given=msgspec.json.encode(request), limits=limits)
    answer = msgspec.json.decode(said, type=Answer)
    if answer.made is None:
        raise InvalidModel(answer.refusal, field=answer.field)
    return answer.made
