"""Convolutions, matrix products and recurrent operators."""

from __future__ import annotations

import random
from math import prod

from api.tools.collecting.kernels.elements import activate
from api.tools.collecting.kernels.sizes import (
    CHANNELS,
    ENOUGH_FLOPS,
    MOST_ELEMENTS,
    MOST_FLOPS,
    MOST_WEIGHTS,
    SIDES,
    WIDTHS,
    length,
    repeats,
)
from api.tools.collecting.sketch import Sketch


def convolution(chance: random.Random, seed: int) -> Sketch:
    """One shape after the other, as the blocks of networks for pictures have them."""
    kernel = chance.choice((1, 1, 1, 3, 3, 3, 5, 7))
    return _convolve(chance, seed, (kernel, kernel), stride=chance.choice((1, 1, 1, 2)))


def long_convolution(chance: random.Random, seed: int) -> Sketch:
    """Windows along one axis."""
    kernel = chance.choice(((1, 3), (3, 1), (1, 5), (5, 1), (1, 7), (7, 1)))
    return _convolve(chance, seed, kernel, stride=1)


def first_convolution(chance: random.Random, seed: int) -> Sketch:
    """Of pictures: three channels, or one."""
    side, kernel = chance.choice((64, 96, 128, 160, 224, 320)), chance.choice((3, 3, 5, 7, 11))
    channels, wider = chance.choice((1, 3, 3, 3)), chance.choice((8, 16, 24, 32, 64, 96))
    sketch = Sketch((chance.choice((1, 1, 2)), channels, side, side), seed)
    stride = chance.choice((1, 2, 2, 4)) if side < 224 else chance.choice((2, 4))
    weights = sketch.weight(wider, channels, kernel, kernel), sketch.weight(wider)
    pads = [kernel // 2] * 4
    sketch.node("Conv", sketch.last, *weights, pads=pads, strides=[stride, stride])
    activate(sketch, chance)
    return sketch


def grouped_convolution(chance: random.Random, seed: int) -> Sketch:
    """Channels in a few groups."""
    return _convolve(
        chance,
        seed,
        (1, 1) if chance.random() < 0.4 else (3, 3),
        stride=1,
        groups=chance.choice((2, 4, 8)),
    )


def _convolve(
    chance: random.Random, seed: int, kernel: tuple[int, int], *, stride: int, groups: int = 1
) -> Sketch:
    while True:
        batch, side = chance.choice((1, 1, 1, 2, 4)), chance.choice(SIDES)
        first, second = chance.choice(CHANNELS), chance.choice(CHANNELS)
        weights = first * second * prod(kernel) // groups
        flops = 2 * batch * side * side * weights
        if (
            1e5 < flops < MOST_FLOPS
            and weights < MOST_WEIGHTS
            and not _crowded(first, second, groups)
        ):
            break
    sketch = Sketch((batch, first, side, side), seed)
    for index in range(length(chance, flops, ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        entry = sketch.last
        strides = [stride if index == 0 else 1] * 2
        weight = sketch.weight(after, before // groups, *kernel), sketch.weight(after)
        pads = [kernel[0] // 2, kernel[1] // 2] * 2
        sketch.node("Conv", entry, *weight, pads=pads, strides=strides, group=groups)
        if before == after and strides == [1, 1] and chance.random() < 0.5:
            sketch.node("Add", sketch.last, entry)
        activate(sketch, chance)
    return sketch


def _crowded(first: int, second: int, groups: int) -> bool:
    return bool(first % groups or second % groups)


def depthwise(chance: random.Random, seed: int) -> Sketch:
    """Each channel by itself."""
    kernel, stride = chance.choice((3, 3, 5, 7)), chance.choice((1, 1, 1, 2))
    while True:
        channels, side = chance.choice(CHANNELS), chance.choice(SIDES)
        if channels * side * side < MOST_ELEMENTS:
            break
    sketch = Sketch((chance.choice((1, 1, 2)), channels, side, side), seed)
    for index in range(repeats(chance, sketch)):
        strides = [stride if index == 0 else 1] * 2
        weight = sketch.weight(channels, 1, kernel, kernel), sketch.weight(channels)
        pads = [kernel // 2] * 4
        sketch.node("Conv", sketch.last, *weight, pads=pads, strides=strides, group=channels)
        activate(sketch, chance)
    return sketch


def transposed_convolution(chance: random.Random, seed: int) -> Sketch:
    """Of networks that enlarge."""
    first, second = chance.choice((16, 24, 32, 64)), chance.choice((1, 16, 24, 64))
    side = chance.choice((14, 20, 28, 40, 56, 80))
    sketch = Sketch((1, first, side, side), seed)
    sketch.node("ConvTranspose", sketch.last, sketch.weight(first, second, 2, 2), strides=[2, 2])
    activate(sketch, chance)
    return sketch


def product(chance: random.Random, seed: int) -> Sketch:
    """Rows times weights: one, as in the last layers, or many, as in transformers."""
    while True:
        rows = chance.choice((1, 1, 1, 2, 4, 8, 16, 25, 40, 64, 80, 128, 160, 256, 512))
        first, second = chance.choice(WIDTHS), chance.choice(WIDTHS)
        flops = 2 * rows * first * second
        if flops < MOST_FLOPS and first * second < 2 * MOST_WEIGHTS:
            break
    deep = chance.random() < 0.5
    sketch = Sketch((1, rows, first) if deep else (rows, first), seed)
    for index in range(length(chance, flops, ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        if deep:
            sketch.node("MatMul", sketch.last, sketch.weight(before, after))
            sketch.node("Add", sketch.last, sketch.weight(after))
        else:
            weights = sketch.weight(after, before), sketch.weight(after)
            sketch.node("Gemm", sketch.last, *weights, transB=1)
        activate(sketch, chance)
    return sketch


def batched_product(chance: random.Random, seed: int) -> Sketch:
    """As attention has it: scores of all heads, softmax, and their product with the values."""
    heads, size = chance.choice((1, 2, 4, 8, 12)), chance.choice((8, 15, 16, 32, 64))
    steps = chance.choice((16, 25, 40, 64, 80, 128, 160, 256))
    sketch = Sketch((chance.choice((1, 1, 2, 4)), heads, steps, size), seed)
    turned, has_softmax = sketch.node("Transpose", "x", perm=[0, 1, 3, 2]), chance.random() < 0.6
    for _ in range(length(chance, 4 * prod(sketch.shape) * steps, ENOUGH_FLOPS)):
        sketch.node("MatMul", sketch.last if _ else "x", turned)
        if has_softmax:
            sketch.node("Softmax", axis=-1)
        sketch.node("MatMul", sketch.last, "x")
    return sketch


def quantised_product(chance: random.Random, seed: int) -> Sketch:
    """Packed on the way in, as dynamic quantisation does it."""
    while True:
        rows = chance.choice((1, 4, 16, 40, 64, 128, 256))
        first, second = chance.choice(WIDTHS), chance.choice(WIDTHS)
        if 2 * rows * first * second < MOST_FLOPS and first * second < MOST_WEIGHTS:
            break
    sketch = Sketch((rows, first), seed)
    for index in range(length(chance, 2 * rows * first * second, ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        packed, scale, zero = sketch.nodes("DynamicQuantizeLinear", [sketch.last], 3)
        sketch.node("MatMulInteger", packed, sketch.packed(before, after), zero)
        sketch.node("Cast", to=1)
        sketch.node("Mul", sketch.last, scale)
    return sketch


def recurrent(chance: random.Random, seed: int) -> Sketch:
    """Steps that follow one another."""
    steps, batch = chance.choice((1, 4, 8, 20, 40, 64, 128)), chance.choice((1, 1, 1, 2, 4))
    size = chance.choice((16, 32, 48, 64, 96, 128, 192, 256, 512))
    hidden = chance.choice((16, 32, 48, 64, 96, 128, 192, 256, 512))
    ways, (kind, gates) = (
        chance.choice((1, 1, 2)),
        chance.choice((("LSTM", 4), ("LSTM", 4), ("GRU", 3))),
    )
    sketch = Sketch((steps, batch, size), seed)
    weights = sketch.weight(ways, gates * hidden, size), sketch.weight(ways, gates * hidden, hidden)
    direction = "bidirectional" if ways > 1 else "forward"
    sketch.node(kind, "x", *weights, hidden_size=hidden, direction=direction)
    return sketch
