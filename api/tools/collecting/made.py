"""Graphs of drawn kinds and sizes, which fill the gaps between the packaged models.

They are small networks, not single operators, so that the runtime fuses them as it does real ones.
"""

from __future__ import annotations

import random
from collections.abc import Iterator

from onnx import ModelProto

from api.tools.collecting.sketch import Sketch


def graphs(count: int, seed: int) -> Iterator[tuple[str, ModelProto]]:
    """So many graphs, named ``<kind>-<number>``; the same for the same seed."""
    kinds = {
        "convolutions": _convolutions,
        "separable": _separable,
        "perceptron": _perceptron,
        "attention": _attention,
        "elementwise": _elementwise,
        "recurrent": _recurrent,
    }
    for index in range(count):
        name = list(kinds)[index % len(kinds)]
        chance = random.Random(f"{seed}/{name}/{index}")
        yield f"{name}-{index}", kinds[name](chance, seed + index).model()


def _convolutions(chance: random.Random, seed: int) -> Sketch:
    batch, channels = chance.choice((1, 1, 2, 4)), chance.choice((3, 8, 16, 32, 64))
    side = chance.choice((14, 20, 28, 40, 56, 80, 112))
    sketch = Sketch((batch, channels, side, side), seed)
    for _ in range(chance.randint(1, 6)):
        channels = _convolve(sketch, chance, channels)
    return sketch


def _convolve(sketch: Sketch, chance: random.Random, channels: int) -> int:
    wider, kernel = chance.choice((16, 24, 32, 64, 96, 128)), chance.choice((1, 1, 3, 3, 5))
    before = sketch.last
    weights, bias = sketch.weight(wider, channels, kernel, kernel), sketch.weight(wider)
    stride = chance.choice((1, 1, 1, 2))
    sketch.node(
        *("Conv", before, weights, bias),
        pads=[kernel // 2] * 4,
        strides=[stride, stride],
    )
    end = chance.choice(("Relu", "Sigmoid", "HardSwish", "MaxPool", "skip", ""))
    if end == "MaxPool":
        sketch.node(end, kernel_shape=[2, 2], strides=[1, 1], pads=[0, 0, 1, 1])
    elif end == "skip" and wider == channels and stride == 1:
        sketch.node("Add", sketch.last, before)
    elif end and end != "skip":
        sketch.node(end)
    return wider


def _separable(chance: random.Random, seed: int) -> Sketch:
    channels, side = chance.choice((16, 32, 64, 96)), chance.choice((14, 28, 40, 56, 80))
    sketch = Sketch((chance.choice((1, 1, 2)), channels, side, side), seed)
    for _ in range(chance.randint(2, 6)):
        kernel = chance.choice((3, 5))
        deep = sketch.weight(channels, 1, kernel, kernel)
        sketch.node("Conv", sketch.last, deep, pads=[kernel // 2] * 4, group=channels)
        sketch.node("HardSwish")
        wider = chance.choice((channels, channels, 2 * channels if channels < 192 else channels))
        sketch.node("Conv", sketch.last, sketch.weight(wider, channels, 1, 1))
        channels = wider
        if chance.random() < 0.4:
            _squeeze(sketch, channels)
    return sketch


def _squeeze(sketch: Sketch, channels: int) -> None:
    """Squeeze and excitation: a gate per channel."""
    before = sketch.last
    sketch.node("GlobalAveragePool")
    sketch.node("Conv", sketch.last, sketch.weight(channels // 4, channels, 1, 1))
    sketch.node("Relu")
    sketch.node("Conv", sketch.last, sketch.weight(channels, channels // 4, 1, 1))
    sketch.node("HardSigmoid")
    sketch.node("Mul", before, sketch.last)


def _perceptron(chance: random.Random, seed: int) -> Sketch:
    width = chance.choice((64, 128, 256, 512, 1024))
    sketch = Sketch((chance.choice((1, 1, 4, 16, 64, 128)), width), seed)
    for _ in range(chance.randint(2, 6)):
        wider = chance.choice((128, 256, 512, 1024, 2048))
        sketch.node("Gemm", sketch.last, sketch.weight(wider, width), transB=1)
        sketch.node(chance.choice(("Relu", "Tanh", "Sigmoid")))
        width = wider
    return sketch


def _attention(chance: random.Random, seed: int) -> Sketch:
    """Blocks of an encoder: attention of several heads, then two layers, each normalised."""
    batch, steps = chance.choice((1, 1, 2)), chance.choice((16, 32, 64, 128, 256))
    heads, size = chance.choice((2, 4, 8)), chance.choice((16, 32, 64))
    sketch = Sketch((batch, steps, heads * size), seed)
    for _ in range(chance.randint(1, 3)):
        _attend(sketch, batch, steps, heads, size)
        _feed(sketch, heads * size)
    return sketch


def _attend(sketch: Sketch, batch: int, steps: int, heads: int, size: int) -> None:
    width, before = heads * size, sketch.last
    sides = []
    for order in ([0, 2, 1, 3], [0, 2, 3, 1], [0, 2, 1, 3]):
        sketch.node("MatMul", before, sketch.weight(width, width))
        sketch.node("Reshape", sketch.last, sketch.sizes(batch, steps, heads, size))
        sides.append(sketch.node("Transpose", perm=order))
    sketch.node("MatMul", sides[0], sides[1])
    sketch.node("Softmax", axis=-1)
    sketch.node("MatMul", sketch.last, sides[2])
    sketch.node("Transpose", perm=[0, 2, 1, 3])
    sketch.node("Reshape", sketch.last, sketch.sizes(batch, steps, width))
    sketch.node("MatMul", sketch.last, sketch.weight(width, width))
    sketch.node("Add", sketch.last, before)
    sketch.node("LayerNormalization", sketch.last, sketch.weight(width), axis=-1)


def _feed(sketch: Sketch, width: int) -> None:
    before = sketch.last
    sketch.node("MatMul", before, sketch.weight(width, 4 * width))
    inner = sketch.node("Add", sketch.last, sketch.weight(4 * width))
    sketch.node("Erf")
    sketch.node("Mul", sketch.last, inner)
    sketch.node("MatMul", sketch.last, sketch.weight(4 * width, width))
    sketch.node("Add", sketch.last, before)
    sketch.node("LayerNormalization", sketch.last, sketch.weight(width), axis=-1)


def _elementwise(chance: random.Random, seed: int) -> Sketch:
    channels, side = chance.choice((8, 32, 64, 128)), chance.choice((28, 56, 112, 160))
    sketch = Sketch((1, channels, side, side), seed)
    kinds = ("Relu", "Sigmoid", "Exp", "Tanh", "Abs", "scale", "sum", "Transpose", "Softmax")
    for _ in range(chance.randint(2, 8)):
        kind = chance.choice(kinds)
        if kind == "scale":
            sketch.node("Mul", sketch.last, sketch.weight(1, 1, 1, 1))
        elif kind == "sum":
            sketch.node("Add", sketch.last, "x")
        elif kind == "Transpose":
            sketch.node("Transpose", perm=[0, 1, 3, 2])
        else:
            sketch.node(kind)
    return sketch


def _recurrent(chance: random.Random, seed: int) -> Sketch:
    steps, size = chance.choice((8, 16, 32, 64)), chance.choice((32, 64, 128, 256))
    sketch = Sketch((steps, 1, size), seed)
    hidden = chance.choice((32, 64, 128, 256))
    kind, gates = chance.choice((("LSTM", 4), ("GRU", 3)))
    weights = sketch.weight(1, gates * hidden, size), sketch.weight(1, gates * hidden, hidden)
    sketch.node(kind, sketch.last, *weights, hidden_size=hidden)
    sketch.node("Relu")
    return sketch
