"""What functions and models take and give, and whether one fits the other."""

from __future__ import annotations

from dataclasses import dataclass

from devices.tensors import DTYPES, Array, ArrayOrList, dtype_name
from scheduler.model.errors import InvalidTensor, InvalidWorkload

ANY = "any"
"""Element type of an input that takes every element type."""

Dimension = int | str | None


@dataclass(frozen=True, slots=True)
class TensorType:
    """Element type and shape of a tensor, or of each tensor of a list.

    Parameters
    ----------
    dtype
        NumPy name, ``string``, or ``any``.
    shape
        One entry per dimension: a size, or -1, a name or ``None`` where it is not known before the
        run. ``None`` instead of a tuple stands for any rank.

    Raises
    ------
    InvalidWorkload
        If the element type is unknown or a dimension is below -1.
    """

    dtype: str
    shape: tuple[Dimension, ...] | None = None
    is_list: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES | {ANY}:
            raise InvalidWorkload(
                f"dtype must be one of {sorted(DTYPES | {ANY})}; got {self.dtype!r}", field="dtype"
            )
        for size in self.shape or ():
            if isinstance(size, bool) or (isinstance(size, int) and size < -1):
                raise InvalidWorkload(f"shape must hold sizes >= -1; got {size!r}", field="shape")

    @property
    def item(self) -> TensorType:
        """The type of one element of a list."""
        return TensorType(self.dtype, self.shape)

    @property
    def list_of(self) -> TensorType:
        """The type of a list of such tensors."""
        return TensorType(self.dtype, self.shape, is_list=True)

    def __str__(self) -> str:
        shape = "..." if self.shape is None else ",".join(_shown(size) for size in self.shape)
        text = f"{self.dtype}[{shape}]"
        return f"list of {text}" if self.is_list else text


def compatible(producer: TensorType, consumer: TensorType) -> str | None:
    """Why what one gives cannot be what the other takes; ``None`` if it can.

    What is unknown before the run is taken to fit; `check_value` looks again when it is there.

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
    """Raise unless a value is what a type says.

    Raises
    ------
    InvalidTensor
        With the field, the law and what came.
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


def _shown(size: Dimension) -> str:
    return "?" if size is None or size == -1 else str(size)
