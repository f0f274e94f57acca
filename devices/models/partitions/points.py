"""Cuts a model into pieces that run one after the other, with one tensor between two."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from onnx import ModelProto, TypeProto

from devices.models.partitions.extracting import extract
from devices.models.partitions.links import Links
from devices.models.partitions.naming import pieces_between


def cut_points(model: ModelProto) -> list[str]:
    """Tensors that alone carry all that later nodes need, in the order in which they are made.

    The model has the shapes of its tensors (`infer_shapes`); one whose sizes are not all known is
    no place to cut, since the input of the next piece would have no known size.
    """
    known = {v.name for v in model.graph.value_info if _is_static(v.type)}
    constant = {tensor.name for tensor in model.graph.initializer}
    last_use = _last_uses(model)
    live = {value.name for value in model.graph.input if value.name not in constant}
    found = []
    for index, node in enumerate(model.graph.node):
        if all(name in constant for name in node.input if name):
            constant.update(node.output)
        else:
            live.update(name for name in node.output if name)
        live = {name for name in live if last_use.get(name, -1) > index}
        if len(live) == 1 and live <= known:
            (point,) = live
            found.append(point)
    return list(dict.fromkeys(found))


def cut(model: ModelProto, points: Sequence[str]) -> Iterator[ModelProto]:
    """The pieces between those tensors, the first and the last ones included.

    Raises
    ------
    InvalidModel
        If one of them is no place to cut.
    """
    links = Links.of(model)
    for piece in pieces_between(links, [[point] for point in points]):
        yield extract(links, piece)


def _last_uses(model: ModelProto) -> dict[str, int]:
    nodes = model.graph.node
    last = {name: index for index, node in enumerate(nodes) for name in _names_used(node)}
    return last | {value.name: len(nodes) for value in model.graph.output}


def _names_used(node: object) -> Iterator[str]:
    """Inputs of a node, and tensors that its subgraphs take from outside."""
    yield from node.input  # type: ignore[attr-defined]
    for attribute in node.attribute:  # type: ignore[attr-defined]
        for inner in attribute.g.node:
            yield from _names_used(inner)


def _is_static(kind: TypeProto) -> bool:
    shape = kind.tensor_type.shape
    return kind.tensor_type.HasField("shape") and all(d.dim_value > 0 for d in shape.dim)
