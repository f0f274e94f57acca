"""Stretches of elements next to each other that an operator treats alike: long ones are fast.

A copy moves whole stretches, a reduction or normalisation runs along them, and a sum with a
tensor that has fewer elements repeats those over them.
"""

from __future__ import annotations

from math import prod

from cost_models.features.rules.call import Call

_ALONG = frozenset({"Concat", "Split", "Softmax", "LogSoftmax", "LayerNormalization"})
_REDUCING = "Reduce"
_BROADCASTING = frozenset(
    {"Add", "Sub", "Mul", "Div", "Pow", "Max", "Min", "PRelu", "Where", "Sum"}
)


def stretch(call: Call) -> int:
    """Elements in one stretch of the first input; at least 1.

    Examples
    --------
    Of a transposition that keeps the last axis in its place, rows are moved whole.

    >>> from onnx import helper
    >>> from cost_models.features.tensors import Tensor
    >>> node = helper.make_node("Transpose", ["x"], ["y"], perm=[1, 0, 2])
    >>> stretch(Call(node, (Tensor("float32", (8, 4, 32)),), (), {}))
    32
    """
    shape, kind = call.input(0).shape, call.node.op_type
    if not shape:
        return 1
    if kind == "Transpose":
        return max(1, prod(shape[_first_moved(call, len(shape)) + 1 :]))
    if kind in _ALONG or kind.startswith(_REDUCING):
        return max(1, prod(shape[_axis(call, len(shape)) :]))
    if kind == "Gather":
        return max(1, prod(shape[_axis(call, len(shape)) + 1 :]))
    if kind in _BROADCASTING and call.output.shape:
        return _repeated(call)
    return max(1, shape[-1])


def _first_moved(call: Call, rank: int) -> int:
    """The last axis that a transposition moves; those behind it stay together."""
    order = call.attributes.get("perm") or list(reversed(range(rank)))
    moved = [place for place, axis in enumerate(order) if place != axis]
    return max(moved, default=-1)


def _axis(call: Call, rank: int) -> int:
    axes = call.attributes.get("axes")
    if axes is None and call.node.op_type.startswith(_REDUCING) and 1 in call.values:
        axes = [int(axis) for axis in call.values[1].reshape(-1)]
    first = min((axis % rank for axis in axes), default=0) if axes else None
    if first is not None:
        return first
    default = 0 if call.node.op_type == "Gather" else -1
    return int(call.attributes.get("axis", default)) % rank


def _repeated(call: Call) -> int:
    """Elements of the output over which the smallest operand stays the same, or its last axis."""
    shapes = [tensor.shape for tensor in call.inputs if tensor is not None]
    smallest = min(shapes, key=prod)
    output = call.output.shape
    if prod(smallest) == prod(output):
        return max(1, prod(output))
    padded = (1,) * (len(output) - len(smallest)) + tuple(smallest)
    kept = [place for place, size in enumerate(padded) if size != 1]
    return max(1, prod(output[max(kept, default=-1) + 1 :]))
