"""Bytes of tensors: little-endian and row-major; texts as a list in JSON."""

from __future__ import annotations

import json
import math
import mmap

import ml_dtypes  # noqa: F401  # gives NumPy the types that it lacks, by their names
import numpy as np

from fjord.functions.types import DTYPES, STRING, Array
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import TensorRef


def dtype_name(array: Array) -> str:
    """NumPy name of the element type, or ``string`` for text."""
    return STRING if array.dtype.kind in "OUS" else array.dtype.name


def encoded(array: Array, key: str) -> tuple[str, bytes | memoryview]:
    """Name of the element type, and the bytes.

    Raises
    ------
    InvalidTensor
        If the type is not supported.
    """
    dtype = dtype_name(array)
    if dtype == STRING:
        return dtype, json.dumps(_texts(array, key), ensure_ascii=False).encode()
    if dtype not in DTYPES:
        raise InvalidTensor(f"tensor {key!r} must have a supported type; got {dtype!r}")
    little = array.astype(array.dtype.newbyteorder("<"), order="C", copy=False)
    return dtype, np.ascontiguousarray(little).reshape(-1).view(np.uint8).data


def _texts(array: Array, key: str) -> list[str]:
    return [_text(item, index, key) for index, item in enumerate(array.ravel().tolist())]


def _text(item: object, index: int, key: str) -> str:
    if isinstance(item, bytes):
        try:
            return item.decode()
        except UnicodeDecodeError as error:
            law = f"tensor {key!r} must hold texts in UTF-8"
            got = f"element {index} is none at byte {error.start}"
            raise InvalidTensor(f"{law}; {got}") from None
    if not isinstance(item, str):
        law = f"tensor {key!r} must hold text"
        raise InvalidTensor(f"{law}; got {type(item).__name__} at element {index}")
    return item


def decoded(ref: TensorRef, raw: mmap.mmap | bytes | memoryview) -> Array:
    """Read-only array of a tensor over its bytes, which are not copied unless they are text.

    Raises
    ------
    InvalidTensor
        If the bytes do not match its type and shape.
    """
    if ref.dtype not in DTYPES:
        raise InvalidTensor(f"tensor dtype must be one of {sorted(DTYPES)}; got {ref.dtype!r}")
    if ref.dtype == STRING:
        return _decode_texts(ref, bytes(raw))
    dtype = np.dtype(ref.dtype).newbyteorder("<")
    expected = math.prod(ref.shape) * dtype.itemsize
    if len(raw) != expected:
        raise InvalidTensor(f"tensor {ref.key!r} must have {expected} bytes; got {len(raw)}")
    return np.frombuffer(raw, dtype).reshape(ref.shape)


def _decode_texts(ref: TensorRef, raw: bytes) -> Array:
    texts = json.loads(raw)
    if not isinstance(texts, list) or len(texts) != math.prod(ref.shape):
        raise InvalidTensor(f"tensor {ref.key!r} must hold {math.prod(ref.shape)} texts")
    array = np.empty(len(texts), dtype=object)
    array[:] = texts
    array.flags.writeable = False
    return array.reshape(ref.shape)
