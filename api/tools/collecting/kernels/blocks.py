"""Layers as they follow one another in networks: a runtime makes more of them than their sum.

Compiling providers take what stands between convolutions into them, and change layouts where a
chain begins and ends. A kernel over and over shows none of that.
"""

from __future__ import annotations

import random
from math import prod

from api.tools.collecting.kernels.elements import activate, apply
from api.tools.collecting.kernels.sizes import (
    CHANNELS,
    ENOUGH_FLOPS,
    MOST_ELEMENTS,
    MOST_WEIGHTS,
    SIDES,
    length,
)
from api.tools.collecting.sketch import Sketch

_ENDS = ("Relu", "HardSwish", "Sigmoid", "swish", "swish in parts", "Clip", "")


def bottleneck(chance: random.Random, seed: int) -> Sketch:
    """To other channels, a window over each or over all, and back; with a gate or a residual."""
    while True:
        batch, side = chance.choice((1, 1, 2)), chance.choice(SIDES)
        outer, inner = chance.choice(CHANNELS), chance.choice(CHANNELS)
        kernel, is_deep = chance.choice((3, 3, 5, 7)), chance.random() < 0.6
        weights = inner * (2 * outer + kernel**2 * (1 if is_deep else inner))
        flops = 2 * batch * side * side * weights
        elements = batch * side * side * max(outer, inner)
        if 1e5 < flops < 2 * ENOUGH_FLOPS and weights < MOST_WEIGHTS and elements < MOST_ELEMENTS:
            break
    sketch = Sketch((batch, outer, side, side), seed)
    end, is_gated, is_residual = chance.choice(_ENDS), chance.random() < 0.3, chance.random() < 0.5
    for _ in range(min(6, length(chance, flops, ENOUGH_FLOPS))):
        entry = sketch.last
        _convolve(sketch, outer, inner, 1)
        _end(sketch, end)
        _convolve(sketch, inner, inner, kernel, groups=inner if is_deep else 1)
        _end(sketch, end)
        if is_gated:
            _gate(sketch, inner)
        _convolve(sketch, inner, outer, 1)
        if is_residual:
            sketch.node("Add", sketch.last, entry)
    return sketch


def _convolve(sketch: Sketch, before: int, after: int, kernel: int, groups: int = 1) -> None:
    weights = sketch.weight(after, before // groups, kernel, kernel), sketch.weight(after)
    sketch.node("Conv", sketch.last, *weights, pads=[kernel // 2] * 4, group=groups)


def _end(sketch: Sketch, kind: str) -> None:
    if kind == "swish in parts":
        before = sketch.last
        sketch.node("Add", before, sketch.number(3.0))
        sketch.node("Clip", sketch.last, sketch.number(0.0), sketch.number(6.0))
        sketch.node("Mul", before, sketch.last)
        sketch.node("Div", sketch.last, sketch.number(6.0))
    elif kind:
        apply(sketch, kind)


def _gate(sketch: Sketch, channels: int) -> None:
    """A factor per channel, from the mean of all."""
    before = sketch.last
    sketch.node("GlobalAveragePool")
    fewer = max(1, channels // 4)
    _convolve(sketch, channels, fewer, 1)
    sketch.node("Relu")
    _convolve(sketch, fewer, channels, 1)
    sketch.node("HardSigmoid")
    sketch.node("Mul", before, sketch.last)


def series_convolution(chance: random.Random, seed: int) -> Sketch:
    """Windows over series: few positions and many items, or many positions of one."""
    while True:
        items, steps = (
            chance.choice((1, 1, 1, 8, 32, 64)),
            chance.choice((2, 4, 8, 16, 64, 256, 1024)),
        )
        first, second = chance.choice(CHANNELS), chance.choice(CHANNELS)
        kernel = chance.choice((1, 3, 3, 5, 9))
        flops = 2 * items * steps * first * second * kernel
        if 1e5 < flops < 2 * ENOUGH_FLOPS and first * second * kernel < MOST_WEIGHTS:
            break
    sketch = Sketch((items, first, steps), seed)
    for index in range(length(chance, flops, ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        weights = sketch.weight(after, before, kernel), sketch.weight(after)
        sketch.node("Conv", sketch.last, *weights, pads=[kernel // 2] * 2)
        activate(sketch, chance)
    return sketch


def framed_series(chance: random.Random, seed: int) -> Sketch:
    """A long window with a large stride over one channel, as a spectrum is taken of a sound."""
    size = chance.choice((64, 128, 256, 400, 512))
    stride, items = size // chance.choice((1, 2, 4)), chance.choice((1, 4, 16, 64))
    samples = size + stride * chance.choice((2, 4, 16, 64))
    while prod((items, samples)) > MOST_ELEMENTS // 4:
        items = max(1, items // 4)
    sketch = Sketch((items, 1, samples), seed)
    sketch.node("Conv", sketch.last, sketch.weight(size + 2, 1, size), strides=[stride])
    activate(sketch, chance)
    return sketch
