"""Traces tensors through a graph: inputs that are only computed with, and nodes of tensors."""

from __future__ import annotations

from collections.abc import Iterable

from onnx import (
    ModelProto,
    NodeProto,
    TensorProto,
    ValueInfoProto,
    helper,
    shape_inference,
)

from devices.models.info import subgraphs

_ANY_OPERAND = frozenset(
    {
        *("Abs", "Add", "And", "BitwiseAnd", "BitwiseNot", "BitwiseOr", "BitwiseXor", "Concat"),
        *("Equal", "Greater", "GreaterOrEqual", "Identity", "Less", "LessOrEqual", "Max", "Min"),
        *("Mul", "Neg", "Not", "Or", "Relu", "Sign", "Sub", "Sum", "Where", "Xor", "Cast"),
    }
)
"""Operators that compute with integers, whatever their values: no division."""
_FIRST_OPERAND = frozenset(
    {
        *("ArgMax", "ArgMin", "Clip", "Expand", "Flatten", "Gather", "GatherND", "ReduceMax"),
        *("ReduceMin", "ReduceSum", "Reshape", "Slice", "Split", "Squeeze", "Tile", "TopK"),
        *("Transpose", "Unsqueeze"),
    }
)
"""Operators that only move or compare their first operand; the others are sizes or indices."""
_FLOATS = frozenset({TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16})
_CHOICES = frozenset({"ArgMax", "ArgMin", "TopK", "Hardmax"})


def data_inputs(model: ModelProto) -> set[str]:
    """Integer inputs that are computed with, and are nowhere an index, a size or a count."""
    return {
        value.name
        for value in model.graph.input
        if _is_integer(value) and _is_data(model, value.name)
    }


def computes_in_doubles(model: ModelProto) -> bool:
    """True if no float of less bits is among the constants of a model, or cast to in it."""
    narrow = _FLOATS - {TensorProto.DOUBLE}
    casts = (node for node in model.graph.node if node.op_type == "Cast")
    return not any(t.data_type in narrow for t in model.graph.initializer) and not any(
        _target(node) in narrow for node in casts
    )


def choices(model: ModelProto) -> list[str]:
    """Tensors of which only the largest entries are told: the values behind an arg max."""
    found = (node.input[0] for node in model.graph.node if node.op_type in _CHOICES)
    outputs = {value.name for value in model.graph.output}
    inputs = {value.name for value in model.graph.input}
    return [name for name in dict.fromkeys(found) if name not in outputs | inputs]


def with_outputs(model: ModelProto, names: Iterable[str]) -> ModelProto:
    """A copy of a model that gives these tensors, too, as far as their types can be inferred."""
    copy: ModelProto = ModelProto.FromString(model.SerializeToString())
    given = {value.name for value in copy.graph.output}
    # Types alone are taken, so that a contradiction of shapes does not matter.
    known = {value.name: value for value in shape_inference.infer_shapes(model).graph.value_info}
    for name in names:
        if name in known and name not in given and known[name].type.HasField("tensor_type"):
            kind = known[name].type.tensor_type.elem_type
            copy.graph.output.append(helper.make_tensor_value_info(name, kind, None))
    return copy


def maker_of(model: ModelProto, tensor: str) -> str:
    """The node that makes a tensor, as type and name."""
    for node in model.graph.node:
        if tensor in node.output:
            return described(node)
    return f"input {tensor!r}"


def described(node: NodeProto) -> str:
    """Type and name of a node; the name of its output if it has none."""
    return f"{node.op_type} {node.name or node.output[0]!r}"


def _is_integer(value: ValueInfoProto) -> bool:
    kind = value.type.tensor_type.elem_type
    integers = (
        TensorProto.INT4,
        TensorProto.INT8,
        TensorProto.INT16,
        TensorProto.INT32,
        TensorProto.INT64,
    )
    unsigned = (
        TensorProto.UINT4,
        TensorProto.UINT8,
        TensorProto.UINT16,
        TensorProto.UINT32,
        TensorProto.UINT64,
    )
    return kind in integers + unsigned


def _is_data(model: ModelProto, name: str) -> bool:
    """True if no node takes what is made of an input for an index, a size or a count."""
    reached, floats = {name}, set[str]()
    for node in model.graph.node:
        operands = {index for index, given in enumerate(node.input) if given in reached}
        if any(_uses(inner.node, reached) for inner in subgraphs(node)):
            return False
        if operands:
            if not _computes(node, operands):
                return False
            is_float = node.op_type == "Cast" and _target(node) in _FLOATS
            (floats if is_float else reached).update(node.output)
        elif any(given in floats for given in node.input):
            # A tensor that was cast to a float may be used in any way, but for the way back.
            if node.op_type == "Cast" and _target(node) not in _FLOATS:
                return False
            floats.update(node.output)
    return True


def _computes(node: NodeProto, operands: set[int]) -> bool:
    if node.domain not in ("", "ai.onnx"):
        return False
    return node.op_type in _ANY_OPERAND or (node.op_type in _FIRST_OPERAND and operands == {0})


def _uses(nodes: Iterable[NodeProto], names: set[str]) -> bool:
    return any(
        names.intersection(node.input) or any(_uses(inner.node, names) for inner in subgraphs(node))
        for node in nodes
    )


def _target(node: NodeProto) -> int:
    return next((a.i for a in node.attribute if a.name == "to"), 0)
