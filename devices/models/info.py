"""Inputs and outputs of a model, read from its file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import onnx
from google.protobuf.message import DecodeError
from onnx import AttributeProto, GraphProto, ModelProto, NodeProto, TensorProto, ValueInfoProto

from scheduler.model.errors import InvalidModel

Dimension = int | str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorInfo:
    """An input or output of a model.

    Parameters
    ----------
    dtype
        NumPy name, or ``string``.
    shape
        Per axis its size, the name of its symbol, or ``None`` if nothing is known; ``None`` as a
        whole if even the rank is not.
    """

    name: str
    dtype: str
    shape: tuple[Dimension, ...] | None

    @property
    def is_dynamic(self) -> bool:
        """True if some size is not known from the file."""
        return self.shape is None or any(not isinstance(size, int) for size in self.shape)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """A model, as others see it.

    Parameters
    ----------
    inputs
        Inputs that a caller gives: weights that old files list among them are left out.
    opset
        Version of the standard operators.
    domains
        Operator domains that the nodes use; the standard one is ``ai.onnx``.
    nodes
        Number of nodes, those of subgraphs and functions included.
    """

    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    opset: int
    domains: tuple[str, ...]
    nodes: int
    size_bytes: int


PLACEHOLDERS = frozenset({"", "?", "*", "-1", "none", "null", "nan", "unknown", "dynamic"})
"""Names that exporters give to every open size, in lower case: two of them need not be equal."""


def read_model(path: Path) -> ModelInfo:
    """Read the interface of a model file.

    Raises
    ------
    InvalidModel
        If the file is no complete ONNX model, or an input or output is no tensor.
    """
    return describe(parse(path), path.stat().st_size)


def parse(path: Path) -> ModelProto:
    """Parse a model file without following references to other files."""
    try:
        model = onnx.load(path, load_external_data=False)
    except (DecodeError, ValueError) as error:
        raise InvalidModel(
            f"model must be a complete ONNX file; this one is none, is truncated or nests too "
            f"deeply ({error})",
            field="model",
        ) from error
    if not model.ir_version or not model.HasField("graph") or not model.graph.output:
        raise InvalidModel(
            "model must be an ONNX file with a graph that has outputs; got none", field="model"
        )
    return model


def describe(model: ModelProto, size_bytes: int) -> ModelInfo:
    """Inputs and outputs of a parsed model."""
    constants = {tensor.name for tensor in model.graph.initializer}
    nodes = list(all_nodes(model))
    opsets = {opset.domain or "ai.onnx": opset.version for opset in model.opset_import}
    return ModelInfo(
        inputs=tuple(_tensor(v) for v in model.graph.input if v.name not in constants),
        outputs=tuple(_tensor(value) for value in model.graph.output),
        opset=opsets.get("ai.onnx", 0),
        domains=tuple(sorted({node.domain or "ai.onnx" for node in nodes})),
        nodes=len(nodes),
        size_bytes=size_bytes,
    )


def all_graphs(model: ModelProto) -> Iterator[tuple[GraphProto, int]]:
    """The graph and all subgraphs, each with its depth; those of functions are at 1 and below."""
    waiting = [(model.graph, 0)]
    for function in model.functions:
        waiting += [(graph, 1) for node in function.node for graph in subgraphs(node)]
    while waiting:
        graph, depth = waiting.pop()
        yield graph, depth
        waiting += [(inner, depth + 1) for node in graph.node for inner in subgraphs(node)]


def all_nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Every node, of subgraphs and functions too."""
    for graph, _depth in all_graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def subgraphs(node: NodeProto) -> Iterator[GraphProto]:
    """Graphs among a node's attributes."""
    for attribute in node.attribute:
        if attribute.type == AttributeProto.GRAPH or attribute.HasField("g"):
            yield attribute.g
        yield from attribute.graphs


def _tensor(value: ValueInfoProto) -> TensorInfo:
    if not value.type.HasField("tensor_type"):
        raise InvalidModel(
            f"{value.name!r} must be a tensor; got {value.type.WhichOneof('value') or 'no type'}",
            field="model",
        )
    tensor = value.type.tensor_type
    shape = tuple(map(_dimension, tensor.shape.dim)) if tensor.HasField("shape") else None
    return TensorInfo(name=value.name, dtype=dtype_name(tensor.elem_type), shape=shape)


def dtype_name(element: int) -> str:
    """NumPy name of an ONNX element type."""
    if element == TensorProto.STRING:
        return "string"
    try:
        return str(onnx.helper.tensor_dtype_to_np_dtype(element))
    except KeyError:
        raise InvalidModel(f"element type {element} is not known", field="model") from None


def _dimension(dimension: onnx.TensorShapeProto.Dimension) -> Dimension:
    # Some exporters write -1 for "any size".
    if dimension.HasField("dim_value"):
        return dimension.dim_value if dimension.dim_value >= 0 else None
    return None if dimension.dim_param.lower() in PLACEHOLDERS else dimension.dim_param
