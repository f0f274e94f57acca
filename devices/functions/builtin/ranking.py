"""From scores to decisions."""

from __future__ import annotations

import numpy as np

from fjord import Array, InvalidValue, Param, ParamKind, TensorType, function

SCORES = TensorType("float32")
INDICES = TensorType("int64")


@function(
    name="arg_max",
    inputs={"scores": SCORES},
    outputs={"indices": INDICES, "scores": SCORES},
    params={"axis": Param(kind=ParamKind.INTEGER, default=-1)},
    expected_us=200,
)
def arg_max(scores: Array, *, axis: int) -> dict[str, Array]:
    """Index and value of the largest score along an axis; the first of equals."""
    _require_axis("arg_max", scores, axis, 1)
    return {
        "indices": np.asarray(scores.argmax(axis=axis), dtype=np.int64),
        "scores": np.asarray(scores.max(axis=axis)),
    }


@function(
    name="top_k",
    inputs={"scores": SCORES},
    outputs={"indices": INDICES, "scores": SCORES},
    params={
        "k": Param(kind=ParamKind.INTEGER, default=5, minimum=1),
        "axis": Param(kind=ParamKind.INTEGER, default=-1),
    },
    expected_us=300,
)
def top_k(scores: Array, *, k: int, axis: int) -> dict[str, Array]:
    """Indices and values of the `k` largest scores along an axis, best first."""
    _require_axis("top_k", scores, axis, k)
    order = np.argsort(-scores, axis=axis, kind="stable")
    indices = np.take(order, np.arange(k), axis=axis)
    return {"indices": indices, "scores": np.take_along_axis(scores, indices, axis=axis)}


def _require_axis(name: str, scores: Array, axis: int, least: int) -> None:
    if not -scores.ndim <= axis < scores.ndim:
        raise InvalidValue(
            f"{name}.axis must be one of the {scores.ndim} dimensions; got {axis}", field="axis"
        )
    if scores.shape[axis] < least:
        raise InvalidValue(
            f"{name} needs {least} scores along axis {axis}; got {scores.shape[axis]}", field="axis"
        )
