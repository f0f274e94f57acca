"""The confined process that counts a graph: ``python -m api.oracle.counting.child``."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import msgspec

from api.oracle.counting.kept import KeptCounts
from api.process.children import die_with_parent
from cost_models.features import VERSION, graph_cost, summarise
from devices.models import ModelLimits, bind_shapes
from devices.models.confining import confine
from devices.models.info import describe, parse
from devices.runtime.child import answer_on_stdout
from scheduler.model.errors import InvalidModel

NICENESS = 10
"""Of a count that nobody waits for: a tenth of a contended core, so that it ends on a busy box."""


class Item(msgspec.Struct, frozen=True):
    """A file, and shapes of inputs; open sizes are those that a model is measured with."""

    path: str
    shapes: dict[str, tuple[int, ...]]


class CountRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Graphs that one process is to count.

    Parameters
    ----------
    is_background
        True if nobody waits for it: then it stands behind the service that started it.
    """

    items: tuple[Item, ...]
    limits: ModelLimits
    is_background: bool = False


def main() -> None:
    """Count graphs under limits and print a `KeptCounts` for each."""
    die_with_parent()
    request = msgspec.json.decode(sys.stdin.buffer.read(), type=CountRequest)
    if request.is_background:
        os.nice(NICENESS)
    with answer_on_stdout() as answer:
        confine(request.limits)
        answer([count(Path(item.path), item.shapes) for item in request.items])


def count(path: Path, shapes: dict[str, tuple[int, ...]]) -> KeptCounts:
    """Count a model file for inputs of these shapes.

    Raises
    ------
    InvalidModel
        If it is no model, or has no inputs of these shapes.
    """
    model = parse(path)
    info = describe(model, 0)
    bound = bind_shapes(info, shapes)
    kept = KeptCounts(
        version=VERSION,
        shapes=bound,
        open_inputs=tuple(tensor.name for tensor in info.inputs if tensor.is_dynamic),
    )
    try:
        summary = summarise(graph_cost(model, bound))
    except InvalidModel as error:
        # Costs are advice: a graph that cannot be counted can still be measured.
        return msgspec.structs.replace(kept, refusal=error.message)
    return msgspec.structs.replace(kept, summary=summary)


if __name__ == "__main__":
    main()
