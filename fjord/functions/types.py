"""Types of tensors, as functions and workloads declare them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from fjord.errors import InvalidDeclaration
from fjord.narrow import BITS

Array = np.ndarray[Any, np.dtype[Any]]
ArrayOrList = Array | list[Array]

STRING = "string"
DTYPES = frozenset(
    {"bool", "float16", "float32", "float64", "complex64", "complex128", STRING}
    | {f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)}
    | BITS.keys()
)
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
    InvalidDeclaration
        If the element type is unknown or a dimension is below -1.

    Examples
    --------
    >>> str(TensorType("uint8", ("height", "width", 3)).list_of)
    'list of uint8[height,width,3]'
    """

    dtype: str
    shape: tuple[Dimension, ...] | None = None
    is_list: bool = False

    def __post_init__(self) -> None:
        if self.dtype not in DTYPES | {ANY}:
            raise InvalidDeclaration(
                f"dtype must be one of {sorted(DTYPES | {ANY})}; got {self.dtype!r}", field="dtype"
            )
        for size in self.shape or ():
            if isinstance(size, bool) or (isinstance(size, int) and size < -1):
                raise InvalidDeclaration(
                    f"shape must hold sizes >= -1; got {size!r}", field="shape"
                )

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


def _shown(size: Dimension) -> str:
    return "?" if size is None or size == -1 else str(size)
