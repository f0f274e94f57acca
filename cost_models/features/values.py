"""Small constants, computed as a runtime would: they decide shapes, branches and trip counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper, numpy_helper

from cost_models.features.tensors import name_of

MAX_ELEMENTS = 1024
"""Larger constants are weights; nothing about shapes is in them."""

Value = NDArray[Any]
_Attributes = dict[str, Any]
_Rule = Callable[[Sequence[Value | None], _Attributes], Value | Sequence[Value]]


def constant_of(node: NodeProto) -> TensorProto | None:
    """The tensor of a `Constant` node, however it is written down."""
    for attribute in node.attribute:
        if attribute.name == "value":
            tensor: TensorProto = attribute.t
            return tensor
        if attribute.name in {"value_int", "value_ints"}:
            value = helper.get_attribute_value(attribute)
            return numpy_helper.from_array(np.array(value, dtype=np.int64))
        if attribute.name in {"value_float", "value_floats"}:
            value = helper.get_attribute_value(attribute)
            return numpy_helper.from_array(np.array(value, dtype=np.float32))
    return None


def small_value(tensor: TensorProto) -> Value | None:
    """The elements of a constant, if there are few of them."""
    elements = int(np.prod(tensor.dims)) if tensor.dims else 1
    if elements > MAX_ELEMENTS or tensor.data_location == TensorProto.EXTERNAL:
        return None
    try:
        return np.asarray(numpy_helper.to_array(tensor))
    except (ValueError, TypeError):
        return None


def evaluate(node: NodeProto, inputs: Sequence[Value | None]) -> list[Value]:
    """The outputs of a node whose inputs are known; none if it is not among the few needed."""
    rule = _RULES.get(node.op_type)
    if rule is None or node.domain not in {"", "ai.onnx"}:
        return []
    attributes = {a.name: helper.get_attribute_value(a) for a in node.attribute}
    try:
        with np.errstate(all="ignore"):
            found = rule(inputs, attributes)
    except (ValueError, IndexError, TypeError, ZeroDivisionError, OverflowError):
        # Malformed arithmetic on shapes: the reader of the value reports that it is missing.
        return []
    results = [found] if isinstance(found, np.ndarray | np.generic) else list(found)
    arrays = [np.asarray(result) for result in results]
    return arrays if all(array.size <= MAX_ELEMENTS for array in arrays) else []


def _divide(a: Value, b: Value) -> Value:
    # Whole numbers are divided towards zero, unlike NumPy's floor.
    if np.issubdtype(a.dtype, np.integer):
        return np.asarray((np.sign(a) * np.sign(b) * (abs(a) // abs(b))).astype(a.dtype))
    return np.asarray(a / b)


def _axes(inputs: Sequence[Value | None], attributes: _Attributes) -> tuple[int, ...] | None:
    given = inputs[1] if len(inputs) > 1 else None
    axes = attributes.get("axes") if given is None else given.tolist()
    return None if axes is None else tuple(int(axis) for axis in axes)


def _slice(inputs: Sequence[Value | None], attributes: _Attributes) -> Value:
    data, *rest = inputs
    assert data is not None
    lists = [None if value is None else value.tolist() for value in rest]
    starts, ends, axes, steps = (lists + [None] * 4)[:4]
    starts = attributes.get("starts") if starts is None else starts
    ends = attributes.get("ends") if ends is None else ends
    axes = attributes.get("axes") if axes is None else axes
    index = [slice(None)] * data.ndim
    for position, (start, end) in enumerate(zip(starts or [], ends or [], strict=True)):
        step = steps[position] if steps else 1
        axis = axes[position] if axes else position
        # An end before the first element means "through it" when walking backwards.
        stop = None if step < 0 and end < -data.shape[axis] else end
        index[axis] = slice(start, stop, step)
    return data[tuple(index)]


def _unsqueeze(inputs: Sequence[Value | None], attributes: _Attributes) -> Value:
    axes = _axes(inputs, attributes) or ()
    return np.expand_dims(_first(inputs), tuple(axes))


def _first(inputs: Sequence[Value | None]) -> Value:
    assert inputs[0] is not None
    return inputs[0]


def _second(inputs: Sequence[Value | None]) -> Value:
    assert inputs[1] is not None
    return inputs[1]


def _range(inputs: Sequence[Value | None], _: _Attributes) -> Value:
    start, limit, delta = (value.item() for value in inputs if value is not None)
    if abs((limit - start) / delta) > MAX_ELEMENTS:
        raise ValueError("too long to keep")
    return np.arange(start, limit, delta, dtype=_first(inputs).dtype)


def _filled(inputs: Sequence[Value | None], attributes: _Attributes) -> Value:
    shape = tuple(int(size) for size in _first(inputs))
    if np.prod(shape) > MAX_ELEMENTS:
        raise ValueError("too large to keep")
    fill = attributes.get("value")
    value = np.zeros(1, np.float32) if fill is None else numpy_helper.to_array(fill)
    return np.full(shape, value.reshape(-1)[0], dtype=value.dtype)


def _reshape(inputs: Sequence[Value | None], _: _Attributes) -> Value:
    data, shape = _first(inputs), _second(inputs)
    kept = [data.shape[i] if size == 0 else int(size) for i, size in enumerate(shape)]
    return data.reshape(kept)


def _expand(inputs: Sequence[Value | None], _: _Attributes) -> Value:
    data, shape = _first(inputs), _second(inputs)
    sizes = np.broadcast_shapes(data.shape, tuple(int(size) for size in shape))
    if np.prod(sizes) > MAX_ELEMENTS:
        raise ValueError("too large to keep")
    return np.broadcast_to(data, sizes)


def _split(inputs: Sequence[Value | None], attributes: _Attributes) -> list[Value]:
    data, axis = _first(inputs), attributes.get("axis", 0)
    sizes = inputs[1].tolist() if len(inputs) > 1 and inputs[1] is not None else None
    sizes = attributes.get("split") if sizes is None else sizes
    if sizes is None:
        raise ValueError("the number of parts is not among the attributes of every version")
    return np.split(data, np.cumsum(sizes)[:-1], axis=axis)


def _reduced(function: Callable[..., Any]) -> _Rule:
    def rule(inputs: Sequence[Value | None], attributes: _Attributes) -> Value:
        axes, keeps = _axes(inputs, attributes), bool(attributes.get("keepdims", 1))
        return np.asarray(function(_first(inputs), axis=axes, keepdims=keeps))

    return rule


def _with(function: Callable[..., Any]) -> _Rule:
    """A rule from a function of the inputs alone."""
    return lambda inputs, _: np.asarray(function(*inputs))


_RULES: dict[str, _Rule] = {
    "Add": _with(np.add),
    "Sub": _with(np.subtract),
    "Mul": _with(np.multiply),
    "Div": _with(_divide),
    "Mod": _with(np.mod),
    "Min": _with(lambda *values: np.minimum.reduce(values)),
    "Max": _with(lambda *values: np.maximum.reduce(values)),
    "Neg": _with(np.negative),
    "Abs": _with(np.abs),
    "Floor": _with(np.floor),
    "Ceil": _with(np.ceil),
    "Round": _with(np.round),
    "Sqrt": _with(np.sqrt),
    "Not": _with(np.logical_not),
    "And": _with(np.logical_and),
    "Or": _with(np.logical_or),
    "Equal": _with(np.equal),
    "Less": _with(np.less),
    "LessOrEqual": _with(np.less_equal),
    "Greater": _with(np.greater),
    "GreaterOrEqual": _with(np.greater_equal),
    "Where": _with(np.where),
    "Size": _with(lambda data: np.int64(data.size)),
    "Shape": lambda inputs, a: np.array(
        _first(inputs).shape[a.get("start", 0) : a.get("end")], dtype=np.int64
    ),
    "Identity": lambda inputs, _: _first(inputs),
    "Cast": lambda inputs, a: _first(inputs).astype(name_of(a["to"])),
    "Concat": lambda inputs, a: np.concatenate(
        [value for value in inputs if value is not None], axis=a["axis"]
    ),
    "Gather": lambda inputs, a: np.take(_first(inputs), _second(inputs), axis=a.get("axis", 0)),
    "Squeeze": lambda inputs, a: np.squeeze(_first(inputs), axis=_axes(inputs, a)),
    "Unsqueeze": _unsqueeze,
    "Slice": _slice,
    "Reshape": _reshape,
    "Transpose": lambda inputs, a: np.transpose(_first(inputs), a.get("perm")),
    "Flatten": lambda inputs, a: _first(inputs).reshape(
        int(np.prod(_first(inputs).shape[: a.get("axis", 1)])), -1
    ),
    "Expand": _expand,
    "Range": _range,
    "ConstantOfShape": _filled,
    "Split": _split,
    "ReduceProd": _reduced(np.prod),
    "ReduceSum": _reduced(np.sum),
    "ReduceMax": _reduced(np.max),
    "ReduceMin": _reduced(np.min),
}
