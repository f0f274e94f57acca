"""Elementwise operators, normalisations, pools and reductions."""

from __future__ import annotations

import random

from api.tools.collecting.kernels.sizes import ENOUGH_ELEMENTS, length, repeats, volume
from api.tools.collecting.sketch import Sketch


def elementwise(chance: random.Random, seed: int) -> Sketch:
    """One or two kinds in turn, with operands that are repeated or not."""
    kinds = (
        *("Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Sqrt", "HardSwish", "HardSigmoid", "Clip"),
        *("Abs", "Neg", "LeakyRelu", "Softplus", "sum", "product", "scale", "shift", "quotient"),
        *("power", "swish", "gate"),
    )
    sketch = Sketch(volume(chance), seed)
    one, two = chance.choice(kinds), chance.choice(kinds)
    for index in range(repeats(chance, sketch)):
        apply(sketch, (one, two)[index % 2])
    return sketch


def apply(sketch: Sketch, kind: str) -> None:
    """Add an elementwise operator, or one that counts as such here."""
    channels = sketch.shape[1]
    if kind in {"sum", "product", "quotient"}:
        sketch.node({"sum": "Add", "product": "Mul", "quotient": "Div"}[kind], sketch.last, "x")
    elif kind in {"scale", "shift"}:
        sketch.node(
            "Mul" if kind == "scale" else "Add", sketch.last, sketch.weight(1, channels, 1, 1)
        )
    elif kind == "power":
        sketch.node("Pow", sketch.last, sketch.number(2.0))
    elif kind == "Clip":
        sketch.node("Clip", sketch.last, sketch.number(0.0), sketch.number(6.0))
    elif kind == "swish":
        before = sketch.last
        sketch.node("Sigmoid")
        sketch.node("Mul", before, sketch.last)
    elif kind == "gate":
        sketch.node("Mul", sketch.last, sketch.weight(sketch.shape[0], channels, 1, 1))
    else:
        sketch.node(kind)


def activate(sketch: Sketch, chance: random.Random) -> None:
    """End a layer as networks do: often in nothing."""
    kind = chance.choice(("", "", "Relu", "Relu", "Sigmoid", "HardSwish", "swish", "Clip", "Tanh"))
    if kind in {"swish", "Clip"}:
        apply(sketch, kind)
    elif kind:
        sketch.node(kind)


def tiny(chance: random.Random, seed: int) -> Sketch:
    """Many launches with next to nothing to do."""
    sketch = Sketch((1, chance.choice((1, 8, 64))), seed)
    kinds = ("Relu", "Sigmoid", "sum", "Neg", "Abs", "Exp")
    for _ in range(chance.randint(8, 48)):
        kind = chance.choice(kinds)
        sketch.node(*(("Add", sketch.last, "x") if kind == "sum" else (kind,)))
    return sketch


def normalisation(chance: random.Random, seed: int) -> Sketch:
    """Along the last axis: in one operator, or in its parts."""
    rows, width = (
        chance.choice((16, 40, 64, 256, 1024)),
        chance.choice((64, 120, 192, 256, 384, 768)),
    )
    sketch = Sketch((chance.choice((1, 1, 4)), rows, width), seed)
    for _ in range(repeats(chance, sketch)):
        kind = chance.choice(("LayerNormalization", "Softmax", "parts", "ReduceMean"))
        if kind == "LayerNormalization":
            sketch.node(kind, sketch.last, sketch.weight(width), axis=-1)
        elif kind == "Softmax":
            sketch.node(kind, axis=-1)
        elif kind == "ReduceMean":
            sketch.node("Sub", sketch.last, sketch.node(kind, sketch.last, axes=[-1]))
        else:
            _normalise(sketch, width)
    return sketch


def _normalise(sketch: Sketch, width: int) -> None:
    """A layer normalisation in its parts."""
    entry = sketch.last
    centred = sketch.node("Sub", entry, sketch.node("ReduceMean", entry, axes=[-1]))
    square = sketch.node("Pow", centred, sketch.number(2.0))
    sketch.node("ReduceMean", square, axes=[-1])
    sketch.node("Add", sketch.last, sketch.number(1e-5))
    spread = sketch.node("Sqrt")
    sketch.node("Div", centred, spread)
    sketch.node("Mul", sketch.last, sketch.weight(width))
    sketch.node("Add", sketch.last, sketch.weight(width))


def batch_normalisation(chance: random.Random, seed: int) -> Sketch:
    """That no convolution takes into its weights."""
    sketch = Sketch(volume(chance), seed)
    channels = sketch.shape[1]
    for _ in range(repeats(chance, sketch)):
        parts = [sketch.weight(channels) for _ in range(3)]
        sketch.node("Relu")
        sketch.node("BatchNormalization", sketch.last, *parts, sketch.numbers(*[1.0] * channels))
    return sketch


def pooling(chance: random.Random, seed: int) -> Sketch:
    """Over small windows."""
    sketch = Sketch(volume(chance), seed)
    for index in range(repeats(chance, sketch)):
        kind = chance.choice(("MaxPool", "AveragePool"))
        size = chance.choice((2, 3, 3, 5))
        stride = chance.choice((1, 1, 2)) if index == 0 else 1
        sketch.node(kind, kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4)
    if chance.random() < 0.4:
        sketch.node("GlobalAveragePool")
    return sketch


def reduction(chance: random.Random, seed: int) -> Sketch:
    """Over one axis or two."""
    sketch = Sketch(volume(chance), seed)
    kind = chance.choice(
        ("ReduceMean", "ReduceMax", "GlobalAveragePool", "GlobalMaxPool", "ReduceL2")
    )
    axes = {} if kind.startswith("Global") else {"axes": chance.choice(([2, 3], [1], [3], [2]))}
    for _ in range(repeats(chance, sketch)):
        entry = sketch.last
        sketch.node("Mul", entry, sketch.node(kind, entry, **axes))
    return sketch


def neighbourhood(chance: random.Random, seed: int) -> Sketch:
    """Normalised by the channels beside it, or by all of its own channel."""
    sketch = Sketch(volume(chance), seed)
    kind, channels = chance.choice(("LRN", "LRN", "InstanceNormalization")), sketch.shape[1]
    for _ in range(max(1, repeats(chance, sketch) // 4)):
        if kind == "LRN":
            sketch.node(kind, size=chance.choice((3, 5, 5)), alpha=1e-4, beta=0.75)
        else:
            sketch.node(kind, sketch.last, sketch.weight(channels), sketch.weight(channels))
    return sketch


def comparison(chance: random.Random, seed: int) -> Sketch:
    """Numbers to places in a row: each compared with all, and back to numbers."""
    rows, width = chance.choice((64, 256, 1024, 2048)), chance.choice((16, 64, 128, 257))
    sketch = Sketch((chance.choice((1, 1, 2)), rows, 1), seed)
    for _ in range(length(chance, rows * width, ENOUGH_ELEMENTS)):
        sketch.node("Equal", sketch.last, sketch.numbers(*range(width)))
        sketch.node("Cast", to=1)
        sketch.node("ReduceMax" if chance.random() < 0.5 else "ReduceMean", axes=[2], keepdims=1)
    return sketch
