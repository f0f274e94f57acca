"""Has a confined child count a graph: a large one takes seconds, which no event loop has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from api.oracle.counting.child import CountRequest, Item
from api.oracle.counting.kept import Counted, KeptCounts, counted
from devices.models import ModelLimits
from devices.models.sandbox import run_confined
from scheduler.model.errors import InvalidModel

_CHILD = "api.oracle.counting.child"
_DEFAULT = ModelLimits()
_answers = msgspec.json.Decoder(list[KeptCounts])


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
        a `KeptCounts` without counts instead: asking again would give the same.
    """
    return count_all_in_child([(path, shapes)], limits, is_background=is_background)[0]


def count_all_in_child(
    asked: Sequence[tuple[Path, Mapping[str, tuple[int, ...]]]],
    limits: ModelLimits = _DEFAULT,
    *,
    is_background: bool = False,
) -> list[Counted]:
    """Count model files one after the other in one child, as starting it takes longest.

    Raises
    ------
    InvalidModel
        As `count_in_child` does, if any of them breaks off.
    """
    items = tuple(Item(str(path), dict(shapes)) for path, shapes in asked)
    request = CountRequest(items=items, limits=limits, is_background=is_background)
    said = run_confined(_CHILD, given=msgspec.json.encode(request), limits=limits)
    try:
        return [counted(msgspec.json.encode(kept)) for kept in _answers.decode(said)]
    except ValueError as error:
        raise InvalidModel(f"model must be counted; got {error}", field="model") from error
