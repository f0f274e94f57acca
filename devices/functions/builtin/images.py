"""From bytes to pixels to what a network takes."""

from __future__ import annotations

import io
import math
import warnings

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError

from fjord import Array, InvalidValue, Param, ParamKind, TensorType, function

IMAGE = TensorType("uint8", ("height", "width", 3))
BOXES = TensorType("float32", ("boxes", 4))
# The largest side that a network input may have: beyond it, a wrong parameter fills the memory.
LARGEST_SIDE = 16_384
# Pillow loads its codecs at the first image, which takes as long as decoding ten.
Image.preinit()


@function(
    name="decode_image",
    inputs={"data": TensorType("uint8", ("bytes",))},
    outputs={"image": IMAGE, "size": TensorType("int64", (2,))},
    expected_us=8_000,
)
def decode_image(data: Array) -> dict[str, Array]:
    """Bytes of an image file (PNG, JPEG, ...) to RGB pixels, turned as its metadata says."""
    try:
        with warnings.catch_warnings():
            # An image that unpacks to gigabytes is refused, not warned about.
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(io.BytesIO(data.data)) as opened:
                image = np.array(ImageOps.exif_transpose(opened).convert("RGB"))
    except UnidentifiedImageError as error:  # its words show an object of ours
        what = f"must be an image; got {data.size} bytes of no format known"
        raise InvalidValue(f"decode_image.data {what}", field="data") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise InvalidValue(f"decode_image.data must be an image; {error}", field="data") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise InvalidValue(f"decode_image.data is too large: {error}", field="data") from error
    return {"image": image, "size": np.array(image.shape[:2], dtype=np.int64)}


@function(
    name="resize_normalise",
    inputs={"image": IMAGE},
    outputs={"tensor": TensorType("float32", (1, 3, "height", "width"))},
    params={
        "fit": Param(
            kind=ParamKind.TEXT, default="stretch", choices=("stretch", "pad", "line", "multiple")
        ),
        "height": Param(kind=ParamKind.INTEGER, default=0, minimum=0, maximum=LARGEST_SIDE),
        "width": Param(kind=ParamKind.INTEGER, default=0, minimum=0, maximum=LARGEST_SIDE),
        "multiple": Param(kind=ParamKind.INTEGER, default=32, minimum=1, maximum=LARGEST_SIDE),
        "longest": Param(kind=ParamKind.INTEGER, default=960, minimum=1, maximum=LARGEST_SIDE),
        "mean": Param(kind=ParamKind.NUMBERS, default=(0.5, 0.5, 0.5), length=3),
        "std": Param(kind=ParamKind.NUMBERS, default=(0.5, 0.5, 0.5), length=3, minimum=1e-6),
        "channels": Param(kind=ParamKind.TEXT, default="rgb", choices=("rgb", "bgr")),
    },
    expected_us=4_000,
)
def resize_normalise(
    image: Array,
    *,
    fit: str,
    height: int,
    width: int,
    multiple: int,
    longest: int,
    mean: tuple[float, ...],
    std: tuple[float, ...],
    channels: str,
) -> dict[str, Array]:
    """Pixels to a normalised NCHW tensor.

    `fit` says how: ``stretch`` to height x width; ``pad`` keeps the ratio and fills the rest;
    ``line`` takes the full height, at most the full width, and fills to the right (text lines);
    ``multiple`` keeps the ratio up to rounding, no side above `longest`. A side that is 0 is taken
    from the image. Mean and deviation are of values 0 to 1 and in the order of `channels`.
    """
    rows, columns = image.shape[:2]
    if not rows or not columns:
        raise InvalidValue(f"image must not be empty; got {image.shape}", field="image")
    canvas = (height or rows, width or columns)
    if fit == "multiple":
        canvas = content = _rounded(rows, columns, multiple, longest)
    else:
        content = _content(fit, rows, columns, canvas)
    pixels = _resized(image, content)
    if channels == "bgr":
        pixels = pixels[:, :, ::-1]
    tensor = np.zeros((1, 3, *canvas), dtype=np.float32)
    # One multiplication and one addition per value: (x / 255 - mean) / std.
    scale = (1 / (255 * np.array(std))).astype(np.float32)
    shift = (-np.array(mean) / np.array(std)).astype(np.float32)
    filled = tensor[0, :, : content[0], : content[1]]
    np.multiply(pixels.transpose(2, 0, 1), scale[:, None, None], out=filled)
    filled += shift[:, None, None]
    return {"tensor": tensor}


@function(
    name="crop",
    inputs={"image": IMAGE, "boxes": BOXES},
    outputs={"crops": IMAGE.list_of},
    expected_us=500,
)
def crop(image: Array, boxes: Array) -> dict[str, list[Array]]:
    """One image per box; boxes are (left, top, right, bottom) in pixels, cut at the borders."""
    rows, columns = image.shape[:2]
    if not rows or not columns:
        raise InvalidValue(f"image must not be empty; got {image.shape}", field="image")
    low = np.floor(boxes[:, :2]).clip(0, [columns - 1, rows - 1]).astype(int)
    high = np.ceil(boxes[:, 2:]).clip(low + 1, [columns, rows]).astype(int)
    crops = [
        np.ascontiguousarray(image[top:bottom, left:right])
        for (left, top), (right, bottom) in zip(low, high, strict=True)
    ]
    return {"crops": crops}


@function(
    name="rotate_if",
    inputs={"image": IMAGE, "scores": TensorType("float32", (1, "classes"))},
    outputs={"image": IMAGE},
    params={
        "label": Param(kind=ParamKind.INTEGER, default=1, minimum=0),
        "threshold": Param(kind=ParamKind.NUMBER, default=0.9, minimum=0, maximum=1),
    },
    expected_us=200,
)
def rotate_if(image: Array, scores: Array, *, label: int, threshold: float) -> dict[str, Array]:
    """Turn an image by 180 degrees if a classifier is sure that it is upside down."""
    if label >= scores.shape[1]:
        raise InvalidValue(
            f"rotate_if.label must be < {scores.shape[1]}, the number of classes; got {label}",
            field="label",
        )
    turned = image[::-1, ::-1] if scores[0, label] > threshold else image
    return {"image": np.ascontiguousarray(turned)}


def _resized(image: Array, size: tuple[int, int]) -> Array:
    if image.shape[:2] == size:
        return image
    resized = Image.fromarray(image).resize((size[1], size[0]), Image.Resampling.BILINEAR)
    return np.asarray(resized)


def _content(fit: str, rows: int, columns: int, canvas: tuple[int, int]) -> tuple[int, int]:
    if fit == "stretch":
        return canvas
    if fit == "line":
        return canvas[0], min(canvas[1], math.ceil(canvas[0] * columns / rows))
    scale = min(canvas[0] / rows, canvas[1] / columns)
    return max(1, round(rows * scale)), max(1, round(columns * scale))


def _rounded(rows: int, columns: int, multiple: int, longest: int) -> tuple[int, int]:
    scale = min(1.0, longest / max(rows, columns))
    height, width = (
        max(multiple, round(side * scale / multiple) * multiple) for side in (rows, columns)
    )
    return height, width
