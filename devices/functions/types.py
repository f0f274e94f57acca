"""Checks of tensors against declared types, and of one type against another."""

from __future__ import annotations

from devices.tensors import dtype_name
from fjord import InvalidDeclaration
from fjord.functions.types import ANY, Array, ArrayOrList, Dimension, TensorType
from scheduler.model.errors import InvalidTensor, InvalidWorkload


def stated_type(
    dtype: str, shape: tuple[Dimension, ...] | None, *, is_list: bool = False
) -> TensorType:
    """The type that a workload or a model states.

    Raises
    ------
    InvalidWorkload
        If there is no such type.
    """
    try:
        return TensorType(dtype, shape, is_list=is_list)
    except InvalidDeclaration as error:
        raise InvalidWorkload(error.message, field=error.field) from error


def compatible(producer: TensorType, consumer: TensorType) -> str | None:
    """The reason for which a consumer cannot take a producer's tensors; ``None`` if it can.

    A size that is unknown before the run is taken to fit; `check_value` looks again at the tensor.

    Examples
    --------
    >>> compatible(TensorType("uint8", (-1, -1, 3)), TensorType("uint8", (480, 640, 4)))
    'dimension 2 must be 4; got 3'
    >>> compatible(TensorType("float32", None), TensorType("float32", (1, "t"))) is None
    True
    """
    if producer.is_list != consumer.is_list:
        wanted, got = ("a list", "one tensor") if consumer.is_list else ("one tensor", "a list")
        return f"must be {wanted}; got {got}"
    if ANY not in {producer.dtype, consumer.dtype} and producer.dtype != consumer.dtype:
        return f"dtype must be {consumer.dtype}; got {producer.dtype}"
    return _shape_mismatch(producer.shape, consumer.shape)


def check_value(expected: TensorType, value: ArrayOrList, field: str) -> None:
    """Raise unless a value is of a type.

    Raises
    ------
    InvalidTensor
        With the field, the law and the offending value.
    """
    if isinstance(value, list) != expected.is_list:
        wanted = "a list of tensors" if expected.is_list else "one tensor"
        raise InvalidTensor(f"{field} must be {wanted}", field=field)
    if isinstance(value, list):
        for index, array in enumerate(value):
            _check_array(expected.item, array, f"{field}[{index}]")
    else:
        _check_array(expected, value, field)


def type_of(value: ArrayOrList) -> TensorType:
    """The exact type of a value; an empty list could hold anything."""
    if not isinstance(value, list):
        return TensorType(dtype_name(value), value.shape)
    if not value:
        return TensorType(ANY, None, is_list=True)
    shapes = {array.shape for array in value}
    return TensorType(
        dtype_name(value[0]), shapes.pop() if len(shapes) == 1 else None, is_list=True
    )


def _check_array(expected: TensorType, array: Array, field: str) -> None:
    reason = compatible(TensorType(dtype_name(array), array.shape), expected)
    if reason:
        raise InvalidTensor(f"{field} {reason}", field=field)


def _shape_mismatch(
    given: tuple[Dimension, ...] | None, wanted: tuple[Dimension, ...] | None
) -> str | None:
    if given is None or wanted is None:
        return None
    if len(given) != len(wanted):
        return f"must have {len(wanted)} dimensions; got {len(given)}"
    for index, (have, want) in enumerate(zip(given, wanted, strict=True)):
        if _known(have) and _known(want) and have != want:
            return f"dimension {index} must be {want}; got {have}"
    return None


def _known(size: Dimension) -> bool:
    return isinstance(size, int) and size >= 0
