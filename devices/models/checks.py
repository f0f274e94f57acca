"""Laws of a model file. Every upload of a user is checked here before a runtime sees it.

References
----------
External data that escapes its folder: CVE-2022-25882, CVE-2024-27318. It is refused as such.
"""

from __future__ import annotations

from collections.abc import Iterator
from math import prod
from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto, SparseTensorProto, TensorProto

from devices.models.info import ModelInfo, all_graphs, all_nodes, describe, parse
from devices.models.limits import ModelLimits
from scheduler.model.errors import InvalidModel, TooLarge

ALLOWED_DOMAINS = frozenset({"", "ai.onnx", "ai.onnx.ml", "com.microsoft"})
REFUSED_OPERATORS = frozenset(
    # They load a compiled binary or call into code outside the model.
    {"EPContext", "PythonOp", "PythonOpGrad", "ATen", "ATenGrad", "Snpe", "TritonOp"}
)
_DEFAULT = ModelLimits()


def check_model(path: Path, limits: ModelLimits = _DEFAULT) -> ModelInfo:
    """Check a file without running it, and tell its inputs and outputs.

    Raises
    ------
    TooLarge
        If the file, a constant, or the number of nodes is over its limit.
    InvalidModel
        If it is no complete ONNX model, refers to other files, uses operators outside the
        standard ones and ONNX Runtime's own, or nests subgraphs too deeply.
    """
    size = path.stat().st_size
    if size > limits.max_bytes:
        raise TooLarge(f"model must have at most {limits.max_bytes} bytes; got {size}")
    model = parse(path)
    _check_graphs(model, limits)
    _check_operators(model)
    for tensor in all_tensors(model):
        _check_tensor(tensor, limits)
    return describe(model, size)


def _check_graphs(model: ModelProto, limits: ModelLimits) -> None:
    nodes = sum(len(function.node) for function in model.functions)
    for graph, depth in all_graphs(model):
        nodes += len(graph.node)
        if depth > limits.max_depth:
            raise InvalidModel(
                f"subgraphs must nest at most {limits.max_depth} deep; got more", field="model"
            )
    if nodes > limits.max_nodes:
        raise TooLarge(f"model must have at most {limits.max_nodes} nodes; got {nodes}")


def _check_operators(model: ModelProto) -> None:
    own = {(function.domain, function.name) for function in model.functions}
    for node in all_nodes(model):
        if node.op_type in REFUSED_OPERATORS and (node.domain, node.op_type) not in own:
            raise InvalidModel(
                f"node {node.name!r} must not be {node.op_type}: its code is not in the graph",
                field="model",
            )
        if node.domain not in ALLOWED_DOMAINS and (node.domain, node.op_type) not in own:
            raise InvalidModel(
                f"node {node.name!r} must use standard operators or those of com.microsoft; "
                f"got {node.op_type} of custom domain {node.domain!r}",
                field="model",
            )


def all_tensors(model: ModelProto) -> Iterator[TensorProto]:
    """Every constant: initialisers and attributes, of subgraphs and functions too."""
    for graph, _depth in all_graphs(model):
        yield from graph.initializer
        for sparse in graph.sparse_initializer:
            yield from _dense_parts(sparse)
    for node in all_nodes(model):
        yield from _attribute_tensors(node)
    for function in model.functions:
        for default in function.attribute_proto:
            yield from default.tensors
            yield from [default.t] if default.HasField("t") else []
    for step in model.training_info:
        yield from step.initialization.initializer
        yield from step.algorithm.initializer


def _attribute_tensors(node: NodeProto) -> Iterator[TensorProto]:
    for attribute in node.attribute:
        if attribute.HasField("t"):
            yield attribute.t
        yield from attribute.tensors
        if attribute.HasField("sparse_tensor"):
            yield from _dense_parts(attribute.sparse_tensor)
        for sparse in attribute.sparse_tensors:
            yield from _dense_parts(sparse)


def _dense_parts(sparse: SparseTensorProto) -> Iterator[TensorProto]:
    # A sparse tensor grows to its declared shape when it is used: judge that, too.
    yield TensorProto(
        name=sparse.values.name, dims=sparse.dims, data_type=sparse.values.data_type, raw_data=b""
    )
    yield sparse.values
    yield sparse.indices


def _check_tensor(tensor: TensorProto, limits: ModelLimits) -> None:
    if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
        raise InvalidModel(
            f"constant {tensor.name!r} must be inside the file; it refers to external data: "
            "save the model as one file",
            field="model",
        )
    if any(size < 0 for size in tensor.dims):
        raise InvalidModel(
            f"constant {tensor.name!r} must have sizes >= 0; got {list(tensor.dims)}", field="model"
        )
    declared = prod(tensor.dims) * _element_bytes(tensor)
    if declared > limits.max_tensor_bytes:
        raise TooLarge(
            f"constant {tensor.name!r} must have at most {limits.max_tensor_bytes} bytes; "
            f"its shape {list(tensor.dims)} takes {int(declared)}"
        )


def _element_bytes(tensor: TensorProto) -> float:
    if tensor.data_type == TensorProto.STRING:
        return 1
    try:
        return float(onnx.helper.tensor_dtype_to_np_dtype(tensor.data_type).itemsize)
    except KeyError:
        raise InvalidModel(
            f"constant {tensor.name!r} must have a known element type; got {tensor.data_type}",
            field="model",
        ) from None
