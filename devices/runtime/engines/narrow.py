"""Values of ONNX Runtime of the element types that NumPy lacks, which its arrays do not carry.

It packs two integers of four bits into a byte, the first into the low half.
"""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import onnxruntime as ort
from onnx import TensorProto

from fjord.narrow import BITS, HALF_BYTES

_ELEMENTS = {
    "bfloat16": TensorProto.BFLOAT16,
    "float8_e4m3fn": TensorProto.FLOAT8E4M3FN,
    "float8_e4m3fnuz": TensorProto.FLOAT8E4M3FNUZ,
    "float8_e5m2": TensorProto.FLOAT8E5M2,
    "float8_e5m2fnuz": TensorProto.FLOAT8E5M2FNUZ,
    "int4": TensorProto.INT4,
    "uint4": TensorProto.UINT4,
}
NAMES = {name.replace("_", ""): name for name in _ELEMENTS}
"""NumPy name by ONNX Runtime's."""

Array = np.ndarray[Any, np.dtype[Any]]


def to_value(array: Array) -> Any:
    """Value of ONNX Runtime of an array, on the processor."""
    name = array.dtype.name
    if name not in BITS:
        return ort.OrtValue.ortvalue_from_numpy(array)
    value = ort.OrtValue.ortvalue_from_shape_and_type(list(array.shape), int(_ELEMENTS[name]))
    raw = _packed(array) if name in HALF_BYTES else array.tobytes()
    ctypes.memmove(value.data_ptr(), raw, len(raw))
    return value


def to_array(value: Any, dtype: str) -> Array:
    """Array of a value of ONNX Runtime, which is on the processor."""
    if dtype not in BITS:
        plain: Array = value.numpy()
        return plain
    raw = ctypes.string_at(value.data_ptr(), value.tensor_size_in_bytes())
    shape = value.shape()
    if dtype in HALF_BYTES:
        return _unpacked(raw, int(np.prod(shape))).astype(dtype).reshape(shape)
    return np.frombuffer(raw, dtype).reshape(shape)


def _packed(array: Array) -> bytes:
    flat = array.astype(np.int8).ravel().view(np.uint8) & 0x0F
    even = np.append(flat, np.zeros(flat.size % 2, np.uint8))
    packed: Array = even[::2] | even[1::2] << 4
    return packed.tobytes()


def _unpacked(raw: bytes, count: int) -> Array:
    pairs = np.frombuffer(raw, np.uint8)
    return np.stack([pairs & 0x0F, pairs >> 4], axis=-1).ravel()[:count].view(np.int8)
