"""Tensors of a box outside messages: files in shared memory, read in place by its processes."""

from devices.tensors.encoding import decoded, dtype_name, encoded
from devices.tensors.store import BLANK, DEFAULT_INLINE_BYTES, TensorStore
from fjord.functions.types import DTYPES, STRING, Array, ArrayOrList

__all__ = [
    "BLANK",
    "DEFAULT_INLINE_BYTES",
    "DTYPES",
    "STRING",
    "Array",
    "ArrayOrList",
    "TensorStore",
    "decoded",
    "dtype_name",
    "encoded",
]
