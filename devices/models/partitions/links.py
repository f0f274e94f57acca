"""The top level of a graph without its constants: makers and readers of each tensor."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto, inliner, shape_inference

from devices.models.info import subgraphs

_RANDOM = frozenset({"RandomNormal", "RandomUniform"})
"""Operators without an input whose output is no constant."""


@dataclass(frozen=True)
class Links:
    """Nodes of a model that depend on its inputs, and the tensors between them.

    Parameters
    ----------
    model
        Without functions of its own: their bodies stand where they were called.
    nodes
        Positions in the file of the nodes that a run computes. Nodes of constants alone are left
        out: each piece that reads their results gets a copy of them.
    constants
        Tensors that depend on nothing but the file.
    """

    model: ModelProto
    nodes: tuple[int, ...]
    constants: frozenset[str]

    @classmethod
    def of(cls, model: ModelProto) -> Links:
        """Read the links of a model; branches and bodies of loops count as a part of their node."""
        if model.functions:
            model = inliner.inline_local_functions(model)
        constants = {tensor.name for tensor in model.graph.initializer}
        constants |= {tensor.values.name for tensor in model.graph.sparse_initializer}
        computed = []
        for index, node in enumerate(model.graph.node):
            is_random = node.op_type in _RANDOM
            if is_random or not constants.issuperset(taken_by(node, model.graph)):
                computed.append(index)
            else:
                constants.update(name for name in node.output if name)
        return cls(model, tuple(computed), frozenset(constants))

    def node(self, index: int) -> NodeProto:
        """The node at a position of the file."""
        found: NodeProto = self.model.graph.node[index]
        return found

    def reads(self, index: int) -> list[str]:
        """Tensors that a node takes and that are no constants, in branches too; each once."""
        taken = taken_by(self.node(index), self.model.graph)
        return [name for name in dict.fromkeys(taken) if name not in self.constants]

    @cached_property
    def makers(self) -> dict[str, int]:
        """The node that makes each tensor, constants left out."""
        return {name: i for i in self.nodes for name in self.node(i).output if name}

    @cached_property
    def readers(self) -> dict[str, list[int]]:
        """The nodes that read each tensor."""
        found: dict[str, list[int]] = {}
        for index in self.nodes:
            for name in self.reads(index):
                found.setdefault(name, []).append(index)
        return found

    @cached_property
    def inputs(self) -> list[str]:
        """Inputs of the model that a caller gives."""
        return [v.name for v in self.model.graph.input if v.name not in self.constants]

    @cached_property
    def outputs(self) -> list[str]:
        """Outputs of the model."""
        return [value.name for value in self.model.graph.output]

    @cached_property
    def types(self) -> dict[str, ValueInfoProto]:
        """Types of the tensors, as far as they can be inferred."""
        graph = shape_inference.infer_shapes(self.model).graph
        return {v.name: v for v in (*graph.value_info, *graph.input, *graph.output)}

    def ancestors(self, tensors: Iterable[str]) -> set[int]:
        """Nodes that a set of tensors needs, their makers included."""
        waiting = [self.makers[name] for name in tensors if name in self.makers]
        found = set(waiting)
        while waiting:
            for name in self.reads(waiting.pop()):
                maker = self.makers.get(name)
                if maker is not None and maker not in found:
                    found.add(maker)
                    waiting.append(maker)
        return found


def taken_by(node: NodeProto, graph: GraphProto) -> list[str]:
    """Names that a node takes; of those in its branches the ones that the graph defines."""
    names = [name for name in node.input if name]
    inner = list(_inner_names(node))
    if inner:
        outside = _defined(graph)
        names += [name for name in inner if name in outside]
    return names


def _inner_names(node: NodeProto) -> Iterator[str]:
    for graph in subgraphs(node):
        yield from (value.name for value in graph.output)
        for inner in graph.node:
            yield from (name for name in inner.input if name)
            yield from _inner_names(inner)


def _defined(graph: GraphProto) -> set[str]:
    made = {name for node in graph.node for name in node.output}
    given = {value.name for value in graph.input} | {t.name for t in graph.initializer}
    return made | given | {tensor.values.name for tensor in graph.sparse_initializer}
