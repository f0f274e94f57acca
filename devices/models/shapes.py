"""Binds and pins the sizes that a model leaves open."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import onnx
from onnx import ModelProto, ValueInfoProto, shape_inference

from devices.models.info import Dimension, ModelInfo, TensorInfo, parse
from scheduler.model.errors import InvalidModel

BATCH_SIZE = 1
"""Size of a first axis that is open, and of its symbol everywhere: batches are made elsewhere."""
ASSUMED_SIZE = 64
"""Size of any other axis that is open and was not given. A guess: `assumed_sizes` lists them."""

# From this version on, constants need not be listed among the inputs.
_IR_WITHOUT_CONSTANT_INPUTS = 8

Shapes = Mapping[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True, kw_only=True)
class AssumedSize:
    """A size that was taken for an axis that the file leaves open and nobody gave.

    Parameters
    ----------
    symbol
        Name of the axis in the file; ``None`` if it has none.
    is_batch
        True if the axis was taken for one of batches.
    """

    input: str
    axis: int
    size: int
    symbol: str | None = None
    is_batch: bool = False


def bind_shapes(info: ModelInfo, given: Shapes) -> dict[str, tuple[int, ...]]:
    """A size for every axis of every input.

    Given shapes come first; an axis with the same symbol as a bound one has its size. Of the rest
    a first axis is 1, with its symbol wherever that stands, and any other is assumed to be 64. An
    input of unknown rank is taken for a scalar.

    Raises
    ------
    InvalidModel
        If a given shape is of no input, or conflicts with the file or with another one.
    """
    symbols = _bind_symbols(info, given)
    return {
        tensor.name: given[tensor.name] if tensor.name in given else _bind(tensor, symbols)
        for tensor in info.inputs
    }


def assumed_sizes(info: ModelInfo, given: Shapes) -> tuple[AssumedSize, ...]:
    """Sizes that `bind_shapes` takes although neither the file nor anybody says them."""
    said, bound = _said_symbols(info, given), bind_shapes(info, given)
    batches = _batch_symbols(info)
    return tuple(
        AssumedSize(
            input=tensor.name,
            axis=axis,
            size=bound[tensor.name][axis],
            symbol=size,
            is_batch=axis == 0 or size in batches,
        )
        for tensor in info.inputs
        if tensor.name not in given
        for axis, size in enumerate(tensor.shape or ())
        if not isinstance(size, int) and size not in said
    )


def _bind_symbols(info: ModelInfo, given: Shapes) -> dict[Dimension, int]:
    """Sizes of symbols: those said, and 1 for those of batches."""
    return dict.fromkeys(_batch_symbols(info), BATCH_SIZE) | _said_symbols(info, given)


def _batch_symbols(info: ModelInfo) -> set[Dimension]:
    firsts = {tensor.shape[0] for tensor in info.inputs if tensor.shape}
    return {size for size in firsts if isinstance(size, str)}


def _said_symbols(info: ModelInfo, given: Shapes) -> dict[Dimension, int]:
    inputs = {tensor.name: tensor for tensor in info.inputs}
    symbols: dict[Dimension, int] = {}
    for name, shape in given.items():
        if name not in inputs:
            raise InvalidModel(
                f"shapes must be of the inputs {', '.join(inputs)}; got {name!r}",
                field=f"shapes.{name}",
            )
        _unify(inputs[name], shape, symbols)
    return symbols


def _unify(tensor: TensorInfo, shape: tuple[int, ...], symbols: dict[Dimension, int]) -> None:
    law = tensor.shape
    if law is None:
        return
    fits = len(law) == len(shape) and all(size >= 1 for size in shape)
    for axis, size in zip(law, shape, strict=False):
        if isinstance(axis, int):
            fits = fits and axis == size
        elif axis is not None:
            fits = fits and symbols.setdefault(axis, size) == size
    if not fits:
        known = {axis: size for axis, size in symbols.items() if axis in law}
        sizes = ", ".join("?" if axis is None else str(axis) for axis in law)
        raise InvalidModel(
            f"shapes.{tensor.name} must fit [{sizes}]{f' with {known}' if known else ''}; "
            f"got {list(shape)}",
            field=f"shapes.{tensor.name}",
        )


def _bind(tensor: TensorInfo, symbols: Mapping[Dimension, int]) -> tuple[int, ...]:
    return tuple(
        size
        if isinstance(size, int)
        else symbols.get(size, BATCH_SIZE if axis == 0 else ASSUMED_SIZE)
        for axis, size in enumerate(tensor.shape or ())
    )


def pin_shapes(path: Path, shapes: Shapes, out: Path) -> None:
    """Write a copy of a model in which the inputs have these shapes and no others.

    Shapes that the file states for its outputs and between its nodes are dropped: they may hold
    symbols that no longer exist. `infer_shapes` finds them again.
    """
    model = parse(path)
    constants = {tensor.name for tensor in model.graph.initializer}
    inputs = [value for value in model.graph.input if value.name not in constants]
    for value in inputs:
        if value.name in shapes:
            _pin(value, shapes[value.name])
    _replace_inputs(model, inputs)
    for output in model.graph.output:
        output.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]
    onnx.save(model, out)


def _pin(value: ValueInfoProto, shape: tuple[int, ...]) -> None:
    value.type.tensor_type.ClearField("shape")
    for size in shape:
        value.type.tensor_type.shape.dim.add().dim_value = size


def _replace_inputs(model: ModelProto, inputs: list[ValueInfoProto]) -> None:
    kept = [ValueInfoProto.FromString(value.SerializeToString()) for value in inputs]
    del model.graph.input[:]
    model.graph.input.extend(kept)
    model.ir_version = max(model.ir_version, _IR_WITHOUT_CONSTANT_INPUTS)


def infer_shapes(path: Path) -> None:
    """Write into a model file the shapes that follow from those of its inputs.

    Shapes that the file notes between its nodes are dropped first: a wrong one would be carried on.

    Raises
    ------
    InvalidModel
        If the shapes of some node contradict each other.
    """
    onnx.save(inferred(parse(path)), path)


def inferred(model: ModelProto) -> ModelProto:
    """A model with the shapes of all tensors, as they follow from those of its inputs.

    Raises
    ------
    InvalidModel
        If the shapes of some node contradict each other.
    """
    del model.graph.value_info[:]
    try:
        return shape_inference.infer_shapes(model, strict_mode=True)
    except shape_inference.InferenceError as error:
        raise InvalidModel(
            f"the shapes of a model must fit each other; {error}", field="model"
        ) from error
