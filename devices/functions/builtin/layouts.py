"""Pictures and tensors in the order of axes, type and scale that a model wants."""

from __future__ import annotations

import numpy as np

from fjord import Array, InvalidValue, Param, ParamKind, TensorType, function
from fjord.functions.types import ANY

LAYOUTS = ("NHWC", "NCHW", "HWC", "CHW")
DTYPES = ("float32", "float16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64")


@function(
    name="to_layout",
    inputs={"image": TensorType(ANY, None)},
    outputs={"tensor": TensorType(ANY, None)},
    params={
        "source": Param(kind=ParamKind.TEXT, default="HWC", choices=LAYOUTS),
        "layout": Param(kind=ParamKind.TEXT, default="NCHW", choices=LAYOUTS),
        "dtype": Param(kind=ParamKind.TEXT, default="float32", choices=DTYPES),
        "scale": Param(kind=ParamKind.NUMBER, default=1.0),
        "shift": Param(kind=ParamKind.NUMBER, default=0.0),
    },
    expected_us=500,
)
def to_layout(
    image: Array, *, source: str, layout: str, dtype: str, scale: float, shift: float
) -> dict[str, Array]:
    """A picture, or a batch of them, in another order of axes and another type.

    `source` and `layout` name the axes: N for the batch, H and W for height and width, C for
    channels. A batch of one is made where the layout has an N, and taken apart where it has none.
    Values become ``value * scale + shift``; for a type of integers they are rounded, and must fit.
    """
    if image.ndim != len(source):
        law = f"image must have the {len(source)} axes {source}"
        raise InvalidValue(f"{law}; got {image.ndim}", field="image")
    if image.dtype.kind not in "fiu":
        raise InvalidValue(f"image must hold numbers; got {image.dtype}", field="image")
    turned = _turned(image, source, layout)
    if scale == 1.0 and shift == 0.0 and turned.dtype == dtype:
        return {"tensor": np.ascontiguousarray(turned)}
    # float64 holds all integers of 32 bits, which float32 does not.
    wide = np.dtype("float32" if dtype in ("float32", "float16") else "float64")
    values = turned.astype(wide)
    values *= scale
    values += shift
    return {"tensor": _cast(values, dtype)}


def _turned(image: Array, source: str, layout: str) -> Array:
    """The same values in another order of axes, with a batch or without."""
    if "N" not in source:
        image, source = image[None], f"N{source}"
    whole = layout if "N" in layout else f"N{layout}"
    turned: Array = image.transpose([source.index(axis) for axis in whole])
    if whole == layout:
        return turned
    if len(turned) != 1:
        law = f"image must be a batch of one for the layout {layout}"
        raise InvalidValue(f"{law}; got {len(turned)}", field="image")
    alone: Array = turned[0]
    return alone


def _cast(values: Array, dtype: str) -> Array:
    wanted = np.dtype(dtype)
    if wanted.kind == "f":
        return np.ascontiguousarray(values, dtype=wanted)
    rounded, limits = np.rint(values), np.iinfo(wanted)
    if rounded.size and not (limits.min <= rounded.min() and rounded.max() <= limits.max):
        law = f"image times scale plus shift must be from {limits.min} to {limits.max} for {dtype}"
        raise InvalidValue(f"{law}; got {rounded.min():g} to {rounded.max():g}", field="image")
    return np.ascontiguousarray(rounded, dtype=wanted)
