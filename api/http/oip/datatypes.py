"""Types of the protocol and ours, and tensors in its two forms: JSON, and bytes as they are."""

from __future__ import annotations

import itertools
import json
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from api.http.errors import shown
from api.http.parsing import parsing
from devices.tensors import STRING, Array
from fjord.narrow import WIDE, narrowed, widened
from scheduler.model.errors import InvalidTensor

DTYPES = {
    "BOOL": "bool",
    **{f"UINT{bits}": f"uint{bits}" for bits in (8, 16, 32, 64)},
    **{f"INT{bits}": f"int{bits}" for bits in (8, 16, 32, 64)},
    "BF16": "bfloat16",
    "FP16": "float16",
    "FP32": "float32",
    "FP64": "float64",
    "BYTES": STRING,
}
"""NumPy name by the protocol's; ours has no more of them."""
DATATYPES = {ours: theirs for theirs, ours in DTYPES.items()}
_KINDS = {"f": "fiu", "i": "iu", "u": "iu", "b": "b"}
"""Kinds of numbers in JSON that a type takes, by NumPy's letters."""
_LENGTH = struct.Struct("<I")


def item_bytes(dtype: str) -> int:
    """Bytes of an element; 0 for text."""
    return 0 if dtype == STRING else np.dtype(dtype).itemsize


def from_json(data: Any, dtype: str, shape: Sequence[int], where: str) -> Array:
    """Read the elements of a tensor, flat or nested, in row-major order.

    Raises
    ------
    InvalidTensor
        If they are of another type, or not as many as the shape says.
    """
    flat: Array = _objects(data, where) if dtype == STRING else _numbers(data, dtype, where)
    wanted = int(np.prod(shape, dtype=np.int64))
    if flat.size != wanted:
        law = f"{where}.data must have {wanted} elements for shape {list(shape)}"
        raise InvalidTensor(f"{law}; got {flat.size}", field=f"{where}.data")
    return flat.reshape(shape)


def texts_of(data: memoryview, count: int, where: str) -> list[str]:
    """Read elements of type BYTES: each a length of four bytes, then so many in UTF-8.

    Raises
    ------
    InvalidTensor
        If they do not fill the data exactly, or are no UTF-8.
    """
    found: list[str] = []
    at = 0
    while at < len(data):
        if at + _LENGTH.size > len(data) or len(found) == count:
            break
        (length,) = _LENGTH.unpack_from(data, at)
        at += _LENGTH.size
        if at + length > len(data):
            break
        with parsing(f"{where} must hold UTF-8", field=where, error=InvalidTensor):
            found.append(str(data[at : at + length], "utf-8"))
        at += length
    if at != len(data) or len(found) != count:
        law = f"{where} must hold {count} elements, each after its length"
        raise InvalidTensor(f"{law}; got {len(data)} bytes that are not so", field=where)
    return found


def to_bytes(texts: Sequence[str]) -> bytes:
    """Write texts as elements of type BYTES."""
    encoded = [text.encode() for text in texts]
    return b"".join(_LENGTH.pack(len(each)) + each for each in encoded)


def to_json(array: Array) -> bytes:
    """Write the elements of a tensor, flat; NaN and infinities bare, as the clients read them."""
    return json.dumps(widened(array).ravel().tolist(), separators=(",", ":")).encode()


def _numbers(data: Any, dtype: str, where: str) -> Array:
    field = f"{where}.data"
    with parsing(f"{field} must be a regular list of numbers", field=field, error=InvalidTensor):
        raw = np.array(data)
    wide = WIDE.get(dtype, dtype)
    kind = np.dtype(wide).kind
    if raw.dtype.kind not in _KINDS[kind] and raw.size:
        raise InvalidTensor(f"{field} must hold {dtype}; got {shown(data)}", field=field)
    with (
        parsing(f"{field} must hold {dtype}", field=field, error=InvalidTensor),
        np.errstate(over="ignore"),
    ):
        # From the list for whole numbers: NumPy refuses those that do not fit, and only there.
        exact: Array = raw.astype(wide) if kind in "fb" else np.array(data, dtype=dtype)
        return (narrowed(exact, dtype) if dtype in WIDE else exact).ravel()


def _objects(data: Any, where: str) -> Array:
    texts = _texts(data, where)
    flat = np.empty(len(texts), dtype=object)
    flat[:] = texts
    return flat


def _texts(data: Any, where: str) -> list[str]:
    if isinstance(data, list):
        return list(itertools.chain.from_iterable(_texts(each, where) for each in data))
    if not isinstance(data, str):
        law = f"{where}.data must hold texts"
        raise InvalidTensor(f"{law}; got {shown(data)}", field=f"{where}.data")
    return [data]
