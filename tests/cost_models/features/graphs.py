"""Graphs of one or a few nodes, and their costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import prod

import numpy as np
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from cost_models.features import GraphCost, OperatorCost, graph_cost
from tests.onnx_models import Array

TYPES = {
    "float32": TensorProto.FLOAT,
    "float16": TensorProto.FLOAT16,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "bool": TensorProto.BOOL,
}
Sizes = tuple[int | str | None, ...]


def graph(
    nodes: Sequence[NodeProto],
    *,
    inputs: Mapping[str, Sizes],
    outputs: Sequence[str] = ("y",),
    constants: Mapping[str, Array] | None = None,
    types: Mapping[str, str] | None = None,
    opset: int = 17,
    functions: Sequence[FunctionProto] = (),
) -> ModelProto:
    """A model of these nodes; inputs are float32 unless `types` says otherwise."""
    kinds = types or {}
    domains = {node.domain for node in nodes} | {""}
    return helper.make_model(
        helper.make_graph(
            nodes,
            "graph",
            [
                helper.make_tensor_value_info(name, TYPES[kinds.get(name, "float32")], shape)
                for name, shape in inputs.items()
            ],
            [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs],
            [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
        ),
        functions=functions,
        opset_imports=[helper.make_opsetid(d, opset if d == "" else 1) for d in sorted(domains)],
        ir_version=8,
    )


def one(cost: GraphCost, op_type: str) -> OperatorCost:
    """The only operator of a type."""
    (found,) = (operator for operator in cost.operators if operator.op_type == op_type)
    return found


def cost_of(
    nodes: Sequence[NodeProto],
    *,
    inputs: Mapping[str, Sizes],
    shapes: Mapping[str, tuple[int, ...]] | None = None,
    outputs: Sequence[str] = ("y",),
    constants: Mapping[str, Array] | None = None,
    types: Mapping[str, str] | None = None,
    opset: int = 17,
) -> GraphCost:
    """Cost of a graph of these nodes."""
    made = graph(
        nodes, inputs=inputs, outputs=outputs, constants=constants, types=types, opset=opset
    )
    return graph_cost(made, shapes or {})


def zeros(*shape: int) -> Array:
    """Weights with values that do not matter."""
    return np.zeros(shape, dtype=np.float32)


def float_bytes(*shape: int) -> int:
    """Size of a float32 tensor."""
    return 4 * prod(shape)
