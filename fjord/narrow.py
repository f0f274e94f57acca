"""Element types that NumPy lacks: bfloat16, float8 and integers of four bits.

The package ``ml_dtypes`` gives them to NumPy. A ``.npy`` file has no word for them, so there an
array has one field, named like the type, over its bits: it says what it is, and NumPy alone reads
it. An integer of four bits takes a byte.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np

    Array = np.ndarray[Any, np.dtype[Any]]

BITS = {
    "bfloat16": "<u2",
    **{f"float8_{kind}": "|u1" for kind in ("e4m3fn", "e4m3fnuz", "e5m2", "e5m2fnuz")},
    "int4": "|i1",
    "uint4": "|u1",
}
"""Type of the bits of an element, by the type's name."""
HALF_BYTES = frozenset({"int4", "uint4"})
"""Types of four bits."""
WIDE = {name: {"int4": "int8", "uint4": "uint8"}.get(name, "float32") for name in BITS}
"""Type of NumPy's own that holds all values of such a type, by the type's name."""


def labelled(array: Array) -> Array:
    """Give an array of such a type as a ``.npy`` file has it; any other comes back as it is.

    Examples
    --------
    >>> import ml_dtypes, numpy
    >>> labelled(numpy.array([1.5], ml_dtypes.bfloat16))
    array([(16320,)], dtype=[('bfloat16', '<u2')])
    """
    bits = BITS.get(array.dtype.name)
    return array if bits is None else array.view([(array.dtype.name, bits)])


def unlabelled(array: Array) -> Array:
    """Give an array of a ``.npy`` file its type; any other comes back as it is.

    So does one of such a type where ``ml_dtypes`` is not installed: ``array["bfloat16"]`` are its
    bits.

    Raises
    ------
    OverflowError
        If a byte is beyond four bits.
    """
    fields = array.dtype.descr
    name = fields[0][0]
    if fields != [(name, BITS.get(name))]:
        return array
    try:
        import ml_dtypes
    except ImportError:
        return array
    if name in HALF_BYTES:
        return narrowed(array[name], name)
    return array.view(getattr(ml_dtypes, name))


def widened(array: Array) -> Array:
    """Give an array of such a type as one of NumPy's own; any other comes back as it is."""
    wide = WIDE.get(array.dtype.name)
    return array if wide is None else array.astype(wide)


def narrowed(array: Array, name: str) -> Array:
    """Round numbers to the nearest of a type.

    Raises
    ------
    ImportError
        If ``ml_dtypes`` is not installed.
    OverflowError
        If a number is beyond the type.
    """
    import ml_dtypes
    import numpy as np

    if array.dtype.kind in "iu" and array.size:
        limits: Any = ml_dtypes.iinfo(name)  # type: ignore[no-untyped-call]
        if array.min() < limits.min or array.max() > limits.max:
            raise OverflowError(f"must hold values from {limits.min} to {limits.max}")
    with np.errstate(over="ignore", invalid="ignore"):
        narrow = array.astype(getattr(ml_dtypes, name))
    # Types without an infinity make NaN of what is too large.
    if not np.array_equal(np.isfinite(widened(narrow)), np.isfinite(array)):
        raise OverflowError(f"must hold values within {name}")
    return narrow
