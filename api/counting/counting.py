"""Has a confined child count a graph: a large one takes seconds, which no event loop has."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from api.counting.child import Request
from api.counting.kept import Counted, counted
from devices.graph import ModelLimits
from devices.graph.sandbox import run_confined
from scheduler.model.errors import InvalidModel

_CHILD = "api.counting.child"
_DEFAULT = ModelLimits()


def count_in_child(
    path: Path,
    shapes: Mapping[str, tuple[int, ...]],
    limits: ModelLimits = _DEFAULT,
    *,
    is_background: bool = False,
) -> Counted:
    """Count a model file in a child process; blocks until that is done.

    Raises
    ------
    InvalidModel
        If the child crashed on it or ran out of memory or time. A graph that the child refused is
        a `Kept` without counts instead: asking again would give the same.
    """
    request = Request(
        path=str(path), shapes=dict(shapes), limits=limits, is_background=is_background
    )
    said = run_confined(_CHILD, given=msgspec.json.encode(request), limits=limits)
    try:
        return counted(said)
    except ValueError as error:
        raise InvalidModel(f"model must be counted; got {error}", field="model") from error
