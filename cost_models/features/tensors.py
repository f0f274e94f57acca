"""Tensors as a cost model sees them: element type and shape."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from math import prod

from onnx import TensorProto, TypeProto

from devices.models.info import dtype_name
from scheduler.model.errors import InvalidModel

_STRING_BITS = 8 * 16
"""A guess at a short text; no real model of ours computes with them."""
_NARROW_BITS = {"int4": 4, "uint4": 4, "float4_e2m1fn": 4, "int2": 2, "uint2": 2}
_BITS_PER_BYTE = 8


@dataclass(frozen=True, slots=True)
class Tensor:
    """Element type and shape of a tensor.

    Parameters
    ----------
    is_assumed
        True if the shape is a guess, or follows from one.
    """

    dtype: str
    shape: tuple[int, ...]
    is_assumed: bool = False

    @property
    def elements(self) -> int:
        """Number of elements; 1 of a scalar."""
        return prod(self.shape)

    @property
    def bytes(self) -> int:
        """Size of the elements, packed where the format packs them."""
        return -(-self.elements * element_bits(self.dtype) // _BITS_PER_BYTE)


@cache
def element_bits(dtype: str) -> int:
    """Bits of one element."""
    if dtype == "string":
        return _STRING_BITS
    if dtype in _NARROW_BITS:
        return _NARROW_BITS[dtype]
    # ONNX's own names of types that NumPy lacks (bfloat16, float8_...) end in their width.
    digits = dtype.removeprefix("b").partition("_")[0].lstrip("abcdefghijklmnopqrstuvwxyz")
    return {"bool": _BITS_PER_BYTE}.get(dtype) or int(digits or 32)


@cache
def name_of(element: int) -> str:
    """NumPy name of an ONNX element type, ``float32`` if it is none."""
    try:
        return dtype_name(element)
    except InvalidModel:
        return "float32"


@cache
def element_of(dtype: str) -> int:
    """ONNX element type of a NumPy name."""
    known = (value for value in TensorProto.DataType.values() if value != TensorProto.UNDEFINED)
    return next((value for value in known if name_of(value) == dtype), TensorProto.FLOAT)


def type_of(tensor: Tensor) -> TypeProto:
    """The tensor as ONNX describes it."""
    proto = TypeProto()
    proto.tensor_type.elem_type = element_of(tensor.dtype)
    proto.tensor_type.shape.SetInParent()
    for size in tensor.shape:
        proto.tensor_type.shape.dim.add().dim_value = size
    return proto


def sizes_of(proto: TypeProto) -> tuple[str, tuple[int | None, ...] | None]:
    """Element type, and sizes as far as they are known; ``None`` if not even the rank is."""
    tensor = proto.tensor_type
    dtype = name_of(tensor.elem_type)
    if not tensor.HasField("shape"):
        return dtype, None
    sizes = (dim.dim_value if dim.HasField("dim_value") else None for dim in tensor.shape.dim)
    return dtype, tuple(sizes)
