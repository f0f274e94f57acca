"""Copies, resizes and lookups."""

from __future__ import annotations

import random

from api.tools.collecting.kernels.sizes import repeats, volume
from api.tools.collecting.sketch import Sketch


def movement(chance: random.Random, seed: int) -> Sketch:
    """Copies of all kinds."""
    sketch = Sketch(volume(chance), seed)
    kinds = ("Transpose", "Transpose", "Concat", "Slice", "Split", "Pad", "shuffle", "Expand")
    for _ in range(repeats(chance, sketch)):
        _move(sketch, chance, chance.choice(kinds))
    return sketch


def _move(sketch: Sketch, chance: random.Random, kind: str) -> None:
    batch, channels, height, width = sketch.shape
    if kind == "Transpose":
        order = chance.choice(([0, 1, 3, 2], [0, 2, 3, 1], [0, 3, 1, 2]))
        back = [order.index(axis) for axis in range(len(order))]
        sketch.node("Transpose", perm=order)
        sketch.node("Relu")
        sketch.node("Transpose", perm=back)
    elif kind == "Concat":
        entry = sketch.last
        sketch.node("Concat", entry, sketch.node("Relu"), axis=1)
        sketch.node("Slice", sketch.last, *(sketch.sizes(each) for each in (0, channels, 1)))
    elif kind == "Slice":
        half = (sketch.sizes(each) for each in (0, max(1, height // 2), 2))
        part = sketch.node("Slice", sketch.last, *half)
        sketch.node("Concat", part, part, axis=2)
        sketch.node("Slice", sketch.last, sketch.sizes(0), sketch.sizes(height), sketch.sizes(2))
        _pad_back(sketch, height, 2 * max(1, height // 2))
    elif kind == "Split" and channels % 2 == 0:
        first, second = sketch.nodes("Split", [sketch.last], 2, axis=1)
        sketch.node("Concat", second, first, axis=1)
    elif kind == "Pad":
        sketch.node("Pad", sketch.last, sketch.sizes(0, 0, 1, 1, 0, 0, 1, 1))
        starts, ends = sketch.sizes(1, 1), sketch.sizes(height + 1, width + 1)
        sketch.node("Slice", sketch.last, starts, ends, sketch.sizes(2, 3))
    elif kind == "shuffle" and channels % 2 == 0:
        sketch.node("Reshape", sketch.last, sketch.sizes(batch, 2, channels // 2, height, width))
        sketch.node("Transpose", perm=[0, 2, 1, 3, 4])
        sketch.node("Reshape", sketch.last, sketch.sizes(batch, channels, height, width))
    else:
        mean = sketch.node("ReduceMean", sketch.last, axes=[3])
        sketch.node("Expand", mean, sketch.sizes(batch, channels, height, width))


def _pad_back(sketch: Sketch, height: int, now: int) -> None:
    if now < height:
        sketch.node("Pad", sketch.last, sketch.sizes(0, 0, 0, 0, 0, 0, height - now, 0))


def resize(chance: random.Random, seed: int) -> Sketch:
    """To twice or four times the size."""
    sketch = Sketch(
        (1, chance.choice((8, 16, 24, 64, 96)), *[chance.choice((10, 20, 28, 40, 56))] * 2), seed
    )
    mode = chance.choice(("nearest", "nearest", "linear"))
    places = {"nearest": "asymmetric", "linear": "half_pixel"}[mode]
    scales = sketch.numbers(1.0, 1.0, *[chance.choice((2.0, 2.0, 4.0))] * 2)
    sketch.node(
        *("Resize", sketch.last, "", scales),
        mode=mode,
        coordinate_transformation_mode=places,
        **({"nearest_mode": "floor"} if mode == "nearest" else {}),
    )
    return sketch


def lookup(chance: random.Random, seed: int) -> Sketch:
    """Rows picked from a table."""
    width = chance.choice((32, 64, 128, 256, 512))
    sketch = Sketch((chance.choice((256, 1024, 8192)), width), seed)
    count = chance.choice((8, 64, 256, 2048))
    places = sketch.sizes(*(chance.randrange(256) for _ in range(count)))
    for _ in range(chance.randint(4, 16)):
        sketch.node("Gather", "x", places, axis=0)
    sketch.node("Sum", *sketch.outputs)
    return sketch
