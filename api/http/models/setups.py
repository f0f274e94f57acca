"""The setup that a model is measured with, from what its user says and from what its file says."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from api.http.body.values import broken, from_json
from api.http.parsing import parsing
from api.http.schemas import JsonTensor
from api.store.catalogue import ModelRecord, OpenSize
from devices.models import ModelInfo, TensorInfo, assumed_sizes, bind_shapes
from devices.tensors import Array
from devices.tensors.encoding import encoded
from scheduler.model.errors import InvalidModel, InvalidTensor, TooLarge
from scheduler.model.messages import Setup, TensorRef, Value

MAX_EXAMPLE_BYTES = 64 * 1024
"""Of all example values of a model: they are settings and states, and travel with each measuring.
Large inputs are made up from their shapes."""
_FIELD = "profile_inputs"
_TENSOR_KEYS = frozenset({"data", "shape"})

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """A setup, and the sizes in it that nobody said."""

    setup: Setup
    assumed: tuple[OpenSize, ...]


def choose(info: ModelInfo, shapes: Shapes, examples: Mapping[str, Any]) -> Chosen:
    """Choose what a model is measured with.

    Parameters
    ----------
    shapes
        Of inputs, as its user gives them.
    examples
        Values of inputs as they came in JSON: a value, a nested list, or ``{data, shape}``.

    Raises
    ------
    InvalidModel
        If a shape is of no input, or conflicts with the file or an example.
    InvalidTensor
        If an example is of no input, or of another element type.
    TooLarge
        If the examples are larger than `MAX_EXAMPLE_BYTES` together.
    """
    arrays = _arrays(info, examples)
    given = {**{name: array.shape for name, array in arrays.items()}, **shapes}
    for name, array in arrays.items():
        if given[name] != array.shape:
            law = f"must have the shape in profile_shapes, {list(given[name])}"
            raise broken(f"{_FIELD}.{name}", law, str(list(array.shape)))
    try:
        bound = bind_shapes(info, given)
    except InvalidModel as error:
        said = _FIELD if error.field.removeprefix("shapes.") in arrays else "profile_shapes"
        told, field = (text.replace("shapes", said, 1) for text in (error.message, error.field))
        raise InvalidModel(told, field=field) from None
    values = {name: _value(array, name) for name, array in arrays.items()}
    assumed = tuple(
        OpenSize(input=each.input, axis=each.axis, size=each.size, symbol=each.symbol or "")
        for each in assumed_sizes(info, given)
    )
    return Chosen(setup=Setup(shapes=bound, examples=values), assumed=assumed)


def setup_of(record: ModelRecord) -> Setup:
    """The setup that a model is measured with."""
    return Setup(shapes=record.profile_shapes, examples=record.examples)


def interface_of(record: ModelRecord) -> ModelInfo:
    """The inputs of a model, as they were found in its file when it came."""
    inputs = tuple(
        TensorInfo(
            name=tensor.name,
            dtype=tensor.dtype,
            shape=None
            if tensor.shape is None
            else tuple(None if size == -1 else size for size in tensor.shape),
        )
        for tensor in record.inputs
    )
    return ModelInfo(
        inputs=inputs,
        outputs=(),
        opset=0,
        domains=(),
        nodes=0,
        size_bytes=record.size_bytes,
    )


def _arrays(info: ModelInfo, examples: Mapping[str, Any]) -> dict[str, Array]:
    inputs = {tensor.name: tensor for tensor in info.inputs}
    arrays: dict[str, Array] = {}
    for name, given in examples.items():
        if name not in inputs:
            raise broken(_FIELD, f"must be of the inputs {', '.join(inputs)}", repr(name))
        arrays[name] = _array(inputs[name], given)
    size = sum(array.nbytes for array in arrays.values())
    if size > MAX_EXAMPLE_BYTES:
        law = f"{_FIELD} must have at most {MAX_EXAMPLE_BYTES} bytes together"
        raise TooLarge(f"{law}; got {size}: give large inputs as shapes", field=_FIELD)
    return arrays


def _array(tensor: TensorInfo, given: Any) -> Array:
    where = f"{_FIELD}.{tensor.name}"
    whole = given if isinstance(given, dict) and given.keys() <= _TENSOR_KEYS else {"data": given}
    law = f"{where} must be a value, a list, or data with a shape"
    with parsing(law, field=where, error=InvalidTensor):
        json_tensor = JsonTensor.model_validate({"dtype": tensor.dtype, **whole})
    array = from_json(json_tensor, where)
    assert not isinstance(array, list)
    # A single value stands for a tensor of one element of any rank.
    if array.ndim == 0 and tensor.shape:
        return array.reshape((1,) * len(tensor.shape))
    return array


def _value(array: Array, name: str) -> Value:
    dtype, raw = encoded(array, name)
    ref = TensorRef(dtype=dtype, shape=array.shape, size_bytes=len(raw), inline=bytes(raw))
    return Value(tensors=(ref,))
