"""Sizes of outputs before they are there: for the cost of moving them."""

from __future__ import annotations

import math

import numpy as np

from fjord.functions.types import ANY, STRING, TensorType

UNKNOWN_SIZE = 64
"""Elements along a dimension that nobody knows: between a batch of one and a picture's side."""
UNKNOWN_RANK_ELEMENTS = UNKNOWN_SIZE * UNKNOWN_SIZE
STRING_BYTES = 32
"""Of one text: a line of print."""
ANY_BYTES = 4
"""Of an element of a type that nobody knows: that of float32."""


def estimated_bytes(kind: TensorType) -> int:
    """Size of one tensor of a type, in bytes; at least 1.

    Examples
    --------
    >>> estimated_bytes(TensorType("float32", (1, 3, -1)))
    768
    """
    if kind.shape is None:
        elements = UNKNOWN_RANK_ELEMENTS
    else:
        sizes = (s if isinstance(s, int) and s >= 0 else UNKNOWN_SIZE for s in kind.shape)
        elements = math.prod(sizes)
    return max(1, elements * _item_bytes(kind.dtype))


def _item_bytes(dtype: str) -> int:
    if dtype == STRING:
        return STRING_BYTES
    return ANY_BYTES if dtype == ANY else np.dtype(dtype).itemsize
