"""Numbers and texts as inputs: the type that a workload declares makes arrays of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeGuard
from urllib.parse import quote

from fjord.client.calls.asking import get
from fjord.client.wire import File, Input, Json, Steps, Tensor
from fjord.errors import InvalidValue
from fjord.narrow import WIDE, narrowed

SHOWN_CHARACTERS = 80
"""Length at which a message cuts a refused value."""


class DeclaredInputs:
    """The inputs of a workload. Their types are asked for once, and only where one is needed."""

    def __init__(self, workload: str) -> None:
        self.workload = workload
        self._types: dict[str, Json] | None = None

    def arrays(self, inputs: Mapping[str, Input]) -> Steps[dict[str, File]]:
        """Give all inputs as arrays or files.

        Raises
        ------
        InvalidValue
            If a number or a text does not fit its declared type.
        """
        found: dict[str, File] = {}
        for name, value in inputs.items():
            if _is_file(value):
                found[name] = value
            else:
                types = yield from self._known_types()
                found[name] = _declared(name, value, types)
        return found

    def _known_types(self) -> Steps[dict[str, Json]]:
        if self._types is None:
            record = yield from get(f"/v1/workloads/{quote(self.workload)}")
            self._types = {each["name"]: each for each in record["inputs"]}
        return self._types


def _is_file(value: Input) -> TypeGuard[File]:
    """True if a value says its own type: bytes, a path, an array or a list of arrays."""
    if isinstance(value, bytes | Path):
        return True
    import numpy as np

    items = value if isinstance(value, list | tuple) else [value]
    # Objects have no type of their own that a file could keep: texts come so.
    return all(isinstance(item, np.ndarray) and not item.dtype.hasobject for item in items)


def _declared(name: str, value: Any, types: Mapping[str, Json]) -> File:
    where = f"inputs.{name}"
    if name not in types:
        law = f"{where} must be an input of the workload"
        raise InvalidValue(f"{law}; there are: {', '.join(sorted(types))}", field=where)
    declared = types[name]
    dtype, shape = declared["dtype"], declared.get("shape")
    if not declared.get("is_list"):
        return array_of(value, dtype, shape, where)
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise _refused(where, "must be a list", value)
    return [array_of(item, dtype, shape, f"{where}[{i}]") for i, item in enumerate(value)]


def array_of(value: Any, dtype: str, shape: Sequence[int | str] | None, where: str) -> Tensor:
    """Array of a number or a text, or of lists of them, of a declared type.

    A single value fits each shape that may have one element. No integer is rounded or wrapped, and
    no number becomes infinite.

    Parameters
    ----------
    where
        Field that messages name.

    Raises
    ------
    InvalidValue
        With the field, the law and what came.

    Examples
    --------
    >>> array_of(3, "float32", [1, -1], "inputs.x")
    array([[3.]], dtype=float32)
    """
    import numpy as np

    items = _items(value, where)
    if dtype == "string":
        array = _texts(items, value, where)
    elif dtype in WIDE:
        array = _narrow(items, value, dtype, where)
    else:
        array = _numbers(items, value, np.dtype(dtype), where)
    if array.ndim == 0 and shape and all(_may_be_one(size) for size in shape):
        return array.reshape([1] * len(shape))
    return array


def _items(value: Any, where: str) -> Tensor:
    """Array of the single values, as they came."""
    import numpy as np

    law = "must be a regular array"
    try:
        items = np.array(value, dtype=object)
    except ValueError:
        raise _refused(where, law, value) from None
    if any(isinstance(item, list | tuple) for item in items.ravel()):
        raise _refused(where, law, value)
    return items


def _numbers(items: Tensor, value: Any, wanted: Any, where: str) -> Tensor:
    """Array of numbers, read by the wanted type before NumPy chooses one."""
    import numpy as np

    kinds: dict[str, tuple[type, ...]] = {
        "b": (bool, np.bool_),
        "i": (int, np.integer),
        "u": (int, np.integer),
        "f": (int, float, np.integer, np.floating),
        "c": (int, float, complex, np.number),
    }
    for item in items.ravel():
        is_flag = isinstance(item, bool) and wanted.kind != "b"
        if is_flag or not isinstance(item, kinds[wanted.kind]):
            raise _refused(where, f"must hold {wanted} values", value)
    if wanted.kind in "iu" and items.size:
        limits = np.iinfo(wanted)
        if items.min() < limits.min or items.max() > limits.max:
            raise _refused(where, f"must hold values from {limits.min} to {limits.max}", value)
        return items.astype(wanted)
    law = f"must hold values within {wanted}"
    try:
        with np.errstate(over="raise"):
            exact = items.astype(np.complex128 if wanted.kind == "c" else np.float64)
            return exact.astype(wanted)
    except (OverflowError, FloatingPointError):
        raise _refused(where, law, value) from None


def _narrow(items: Tensor, value: Any, dtype: str, where: str) -> Tensor:
    """Array of numbers of a type that NumPy lacks."""
    import numpy as np

    try:
        return narrowed(_numbers(items, value, np.dtype(WIDE[dtype]), where), dtype)
    except ImportError:
        law = f"must come as an array, or with the package ml-dtypes installed, for {dtype}"
        raise _refused(where, law, value) from None
    except OverflowError as error:
        raise _refused(where, str(error), value) from None


def _texts(items: Tensor, value: Any, where: str) -> Tensor:
    """Array of texts as objects: an array of NumPy's own texts drops a NUL at the end of one."""
    if not all(isinstance(item, str) for item in items.ravel()):
        raise _refused(where, "must hold texts", value)
    return items


def _may_be_one(size: int | str | None) -> bool:
    return not isinstance(size, int) or size in {1, -1}


def _refused(where: str, law: str, value: Any) -> InvalidValue:
    text = repr(value)
    shown = text if len(text) <= SHOWN_CHARACTERS else f"{text[: SHOWN_CHARACTERS - 3]}..."
    return InvalidValue(f"{where} {law}; got {shown}", field=where)
