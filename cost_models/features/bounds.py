"""A budget of steps per graph: a small file may call for more than anybody waits for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from onnx import FunctionProto, GraphProto, ModelProto, NodeProto

from devices.models.info import subgraphs
from scheduler.model.errors import InvalidModel

MOST_STEPS = 20_000
"""Nodes that are followed at most, again for each time that they are met: 3 s on one core."""

_Functions = Mapping[tuple[str, str], FunctionProto]


class Budget:
    """Steps that are left."""

    def __init__(self, most: int = MOST_STEPS) -> None:
        self._most = self._left = most

    def spend(self) -> None:
        """Take one step.

        Raises
        ------
        InvalidModel
            If there was none left.
        """
        self._left -= 1
        if self._left < 0:
            raise _too_many(self._most)


def check_calls(model: ModelProto, most: int = MOST_STEPS) -> None:
    """Refuse a model whose functions, written out where they are called, are too many nodes.

    Raises
    ------
    InvalidModel
        If there are too many, or if a function calls itself.
    """
    functions = {(each.domain, each.name): each for each in model.functions}
    known: dict[tuple[str, str], int] = {}
    if _written_out(model.graph.node, functions, known, ()) > most:
        raise _too_many(most)


def _written_out(
    nodes: Iterable[NodeProto],
    functions: _Functions,
    known: dict[tuple[str, str], int],
    callers: tuple[tuple[str, str], ...],
) -> int:
    total = 0
    for node in nodes:
        total += 1
        graphs: Iterable[GraphProto] = subgraphs(node)
        total += sum(_written_out(graph.node, functions, known, callers) for graph in graphs)
        called = (node.domain, node.op_type)
        if called not in functions:
            continue
        if called in callers:
            raise InvalidModel(f"function {node.op_type!r} must not call itself", field="model")
        if called not in known:
            body = functions[called].node
            known[called] = _written_out(body, functions, known, (*callers, called))
        total += known[called]
    return total


def _too_many(most: int) -> InvalidModel:
    return InvalidModel(
        f"model must have at most {most} nodes, functions and branches written out, to be counted; "
        "got more",
        field="model",
    )
