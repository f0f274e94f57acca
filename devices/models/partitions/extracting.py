"""Makes a model of a set of nodes, with all that they need of the file and nothing else.

`onnx.utils.Extractor` does not look into branches, and so loses nodes that a branch alone reads.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from onnx import ModelProto, NodeProto, ValueInfoProto, helper

from devices.models.partitions.links import Links, taken_by
from scheduler.model.errors import InvalidModel

_IR_WITHOUT_CONSTANT_INPUTS = 8
"""From this version on, constants need not be listed among the inputs."""


def sides(links: Links, nodes: Collection[int]) -> tuple[list[str], list[str]]:
    """Tensors that a set of nodes takes from outside, and those that others need of it."""
    made = {name for i in nodes for name in links.node(i).output if name}
    taken = dict.fromkeys(name for i in sorted(nodes) for name in links.reads(i))
    inputs = [name for name in taken if name not in made]
    wanted = set(links.outputs)
    wanted |= {name for name in made if any(i not in nodes for i in links.readers.get(name, ()))}
    order = (name for i in sorted(nodes) for name in links.node(i).output)
    return inputs, [name for name in order if name and name in wanted]


def extract(links: Links, nodes: Collection[int]) -> ModelProto:
    """Make a model of a convex set of nodes.

    Raises
    ------
    InvalidModel
        If the type of a tensor between it and the rest is not known.
    """
    inputs, outputs = sides(links, nodes)
    kept = _with_constants(links, nodes)
    graph = links.model.graph
    used = {name for node in kept for name in taken_by(node, graph)}
    piece = helper.make_graph(
        kept,
        graph.name or "graph",
        [_typed(links, name) for name in inputs],
        [_typed(links, name) for name in outputs],
        [tensor for tensor in graph.initializer if tensor.name in used],
        sparse_initializer=[t for t in graph.sparse_initializer if t.values.name in used],
    )
    return helper.make_model(
        piece,
        opset_imports=links.model.opset_import,
        ir_version=max(links.model.ir_version, _IR_WITHOUT_CONSTANT_INPUTS),
        producer_name=links.model.producer_name,
    )


def _with_constants(links: Links, nodes: Iterable[int]) -> list[NodeProto]:
    """The nodes, and those of constants that they need, in the order of the file."""
    graph, computed = links.model.graph, set(links.nodes)
    makers = {
        name: index
        for index, node in enumerate(graph.node)
        if index not in computed
        for name in node.output
    }
    found, waiting = set(nodes), list(nodes)
    while waiting:
        for name in taken_by(graph.node[waiting.pop()], graph):
            maker = makers.get(name)
            if maker is not None and maker not in found:
                found.add(maker)
                waiting.append(maker)
    return [graph.node[index] for index in sorted(found)]


def _typed(links: Links, name: str) -> ValueInfoProto:
    found = links.types.get(name)
    if found is None or not found.type.WhichOneof("value"):
        raise InvalidModel(
            f"a model must be cut at tensors of known types; that of {name!r} is not known",
            field="cuts",
        )
    return found
