"""Trials of the canary: inputs of the kinds on which providers are known to go wrong in silence.

Compiling providers compute INT64 in 32 bits and DOUBLE in float32, saturate where the CPU wraps
around, stop at the largest number of their own type, and turn NaN into a number.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import ml_dtypes
import numpy as np

from devices.runtime.engines.engine import SessionTensor

LARGE = 255.0
"""Factor of large floats: those of a model are between 0 and 1, or as in pictures up to this."""
SECONDS = 1_764_000_000.0
"""Offset of doubles: seconds since 1970 leave float32 no bit for what comes after the point."""

Values = Mapping[str, Any]
_EDGES = (
    *(2**31, 2**31 + 1, 2**40, -(2**40), 2**53 + 1, 2**63 - 1, -(2**63), 2**64 - 1),
    *(2**31 - 1, -(2**31), 2**32 - 1, 2**15 - 1, -(2**15), 2**16 - 1, 127, -128, 255, 200, 0, 7),
)
"""Edges of all integer types; each type takes those that it holds."""


class Kind(StrEnum):
    """Kind of inputs of a trial, in words for a reason."""

    INTEGERS = "integers at the edges of their type"
    DOUBLES = "doubles that need more bits than float32 has"
    LARGE = "values up to 255"
    NAN = "a NaN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """Inputs of one kind."""

    kind: Kind
    inputs: dict[str, Any]


def trials(
    types: Sequence[SessionTensor], inputs: Values, *, fixed: set[str], data: set[str]
) -> Iterator[Trial]:
    """Make the trials that say something about a model with these inputs.

    Parameters
    ----------
    inputs
        Those of its first run.
    fixed
        Inputs that keep their values: examples of its user.
    data
        Integer inputs that are only computed with: an edge is no index and no size.
    """
    dtypes = {tensor.name: tensor.dtype for tensor in types if tensor.name not in fixed}
    integers = [name for name in data if name in dtypes]
    doubles = [name for name, dtype in dtypes.items() if dtype == "float64"]
    floats = [name for name, dtype in dtypes.items() if "float" in dtype]
    kinds = (
        (Kind.INTEGERS, integers, _edges),
        (Kind.DOUBLES, doubles, lambda array: array + SECONDS),
        (Kind.LARGE, floats, lambda array: array * array.dtype.type(LARGE)),
        (Kind.NAN, floats, _with_nan),
    )
    for kind, names, change in kinds:
        changed = {name: change(inputs[name]) for name in names if inputs[name].size}
        if changed:
            yield Trial(kind=kind, inputs={**inputs, **changed})


def _edges(array: Any) -> Any:
    limits: Any = ml_dtypes.iinfo(array.dtype)  # type: ignore[no-untyped-call]
    fitting = [edge for edge in _EDGES if limits.min <= edge <= limits.max]
    return np.resize(np.array(fitting, dtype=array.dtype), array.shape)


def _with_nan(array: Any) -> Any:
    copy = array.copy()
    copy.flat[copy.size // 2] = np.nan
    return copy
