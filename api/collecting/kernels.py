"""Small graphs that are one kind of kernel over and over: how fast each kind is at each size.

A network never seen consists of kernels that were. What a kernel reaches of the machine's peaks
depends on its sizes by factors, so these are drawn over the sizes that networks have.

References
----------
Zhang and others (2021), "nn-Meter", doi:10.1145/3458864.3467882, measures kernels one by one and
adds them up. Ours are learned from the times of whole graphs, so providers that hide what runs
inside are measured alike.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from math import prod

from onnx import ModelProto

from api.collecting.sketch import Sketch

FAMILY = "kernels"
_CHANNELS = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)
_SIDES = (4, 5, 7, 8, 10, 14, 16, 20, 28, 32, 40, 48, 56, 64, 80, 96, 112, 160, 224)
_WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
_MOST_FLOPS = 400e6
_ENOUGH_FLOPS = 100e6
_ENOUGH_ELEMENTS = 1 << 20
_MOST_ELEMENTS = 1 << 21
_MOST_WEIGHTS = 6 << 20

_Draw = Callable[[random.Random, int], Sketch]


def kernel(number: int, seed: int) -> tuple[str, ModelProto]:
    """The graph of a number, and its name; the same for the same seed."""
    kinds = list(_KINDS)
    name = kinds[number % len(kinds)]
    chance = random.Random(f"{seed}/kernel/{number}")
    return f"{name}-{number}", _KINDS[name](chance, seed + number).model()


def _convolution(chance: random.Random, seed: int) -> Sketch:
    kernel = chance.choice((1, 1, 1, 3, 3, 3, 5, 7))
    return _convolve(chance, seed, (kernel, kernel), stride=chance.choice((1, 1, 1, 2)))


def _long_convolution(chance: random.Random, seed: int) -> Sketch:
    kernel = chance.choice(((1, 3), (3, 1), (1, 5), (5, 1), (1, 7), (7, 1)))
    return _convolve(chance, seed, kernel, stride=1)


def _first_convolution(chance: random.Random, seed: int) -> Sketch:
    """Of pictures: three channels, or one."""
    side, kernel = chance.choice((64, 96, 128, 160, 224, 320)), chance.choice((3, 3, 5, 7, 11))
    channels, wider = chance.choice((1, 3, 3, 3)), chance.choice((8, 16, 24, 32, 64, 96))
    sketch = Sketch((chance.choice((1, 1, 2)), channels, side, side), seed)
    stride = chance.choice((1, 2, 2, 4)) if side < 224 else chance.choice((2, 4))
    weights = sketch.weight(wider, channels, kernel, kernel), sketch.weight(wider)
    pads = [kernel // 2] * 4
    sketch.node("Conv", sketch.last, *weights, pads=pads, strides=[stride, stride])
    _activate(sketch, chance)
    return sketch


def _convolve(
    chance: random.Random, seed: int, kernel: tuple[int, int], *, stride: int, groups: int = 1
) -> Sketch:
    while True:
        batch, side = chance.choice((1, 1, 1, 2, 4)), chance.choice(_SIDES)
        first, second = chance.choice(_CHANNELS), chance.choice(_CHANNELS)
        weights = first * second * prod(kernel) // groups
        flops = 2 * batch * side * side * weights
        if 1e5 < flops < _MOST_FLOPS and weights < _MOST_WEIGHTS and not _crowded(first, second, groups):
            break
    sketch = Sketch((batch, first, side, side), seed)
    length = _length(chance, flops, _ENOUGH_FLOPS)
    for index in range(length):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        entry = sketch.last
        strides = [stride if index == 0 else 1] * 2
        weight = sketch.weight(after, before // groups, *kernel), sketch.weight(after)
        pads = [kernel[0] // 2, kernel[1] // 2] * 2
        sketch.node("Conv", entry, *weight, pads=pads, strides=strides, group=groups)
        if before == after and strides == [1, 1] and chance.random() < 0.5:
            sketch.node("Add", sketch.last, entry)
        _activate(sketch, chance)
    return sketch


def _crowded(first: int, second: int, groups: int) -> bool:
    return bool(first % groups or second % groups)


def _grouped_convolution(chance: random.Random, seed: int) -> Sketch:
    return _convolve(chance, seed, (1, 1) if chance.random() < 0.4 else (3, 3), stride=1, groups=chance.choice((2, 4, 8)))


def _depthwise(chance: random.Random, seed: int) -> Sketch:
    kernel, stride = chance.choice((3, 3, 5, 7)), chance.choice((1, 1, 1, 2))
    while True:
        channels, side = chance.choice(_CHANNELS), chance.choice(_SIDES)
        if channels * side * side < _MOST_ELEMENTS:
            break
    sketch = Sketch((chance.choice((1, 1, 2)), channels, side, side), seed)
    for index in range(_repeats(chance, sketch)):
        strides = [stride if index == 0 else 1] * 2
        weight = sketch.weight(channels, 1, kernel, kernel), sketch.weight(channels)
        pads = [kernel // 2] * 4
        sketch.node("Conv", sketch.last, *weight, pads=pads, strides=strides, group=channels)
        _activate(sketch, chance)
    return sketch


def _transposed_convolution(chance: random.Random, seed: int) -> Sketch:
    first, second = chance.choice((16, 24, 32, 64)), chance.choice((1, 16, 24, 64))
    side = chance.choice((14, 20, 28, 40, 56, 80))
    sketch = Sketch((1, first, side, side), seed)
    sketch.node("ConvTranspose", sketch.last, sketch.weight(first, second, 2, 2), strides=[2, 2])
    _activate(sketch, chance)
    return sketch


def _product(chance: random.Random, seed: int) -> Sketch:
    while True:
        rows = chance.choice((1, 1, 1, 2, 4, 8, 16, 25, 40, 64, 80, 128, 160, 256, 512))
        first, second = chance.choice(_WIDTHS), chance.choice(_WIDTHS)
        flops = 2 * rows * first * second
        if flops < _MOST_FLOPS and first * second < 2 * _MOST_WEIGHTS:
            break
    deep = chance.random() < 0.5
    sketch = Sketch((1, rows, first) if deep else (rows, first), seed)
    for index in range(_length(chance, flops, _ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        if deep:
            sketch.node("MatMul", sketch.last, sketch.weight(before, after))
            sketch.node("Add", sketch.last, sketch.weight(after))
        else:
            weights = sketch.weight(after, before), sketch.weight(after)
            sketch.node("Gemm", sketch.last, *weights, transB=1)
        _activate(sketch, chance)
    return sketch


def _batched_product(chance: random.Random, seed: int) -> Sketch:
    """As attention has it: scores of all heads, softmax, and their product with the values."""
    heads, size = chance.choice((1, 2, 4, 8, 12)), chance.choice((8, 15, 16, 32, 64))
    steps = chance.choice((16, 25, 40, 64, 80, 128, 160, 256))
    sketch = Sketch((chance.choice((1, 1, 2, 4)), heads, steps, size), seed)
    turned, has_softmax = sketch.node("Transpose", "x", perm=[0, 1, 3, 2]), chance.random() < 0.6
    for _ in range(_length(chance, 4 * prod(sketch.shape) * steps, _ENOUGH_FLOPS)):
        sketch.node("MatMul", sketch.last if _ else "x", turned)
        if has_softmax:
            sketch.node("Softmax", axis=-1)
        sketch.node("MatMul", sketch.last, "x")
    return sketch


def _quantised_product(chance: random.Random, seed: int) -> Sketch:
    while True:
        rows = chance.choice((1, 4, 16, 40, 64, 128, 256))
        first, second = chance.choice(_WIDTHS), chance.choice(_WIDTHS)
        if 2 * rows * first * second < _MOST_FLOPS and first * second < _MOST_WEIGHTS:
            break
    sketch = Sketch((rows, first), seed)
    for index in range(_length(chance, 2 * rows * first * second, _ENOUGH_FLOPS)):
        before, after = (first, second) if index % 2 == 0 else (second, first)
        packed, scale, zero = sketch.nodes("DynamicQuantizeLinear", [sketch.last], 3)
        sketch.node("MatMulInteger", packed, sketch.packed(before, after), zero)
        sketch.node("Cast", to=1)
        sketch.node("Mul", sketch.last, scale)
    return sketch


def _elementwise(chance: random.Random, seed: int) -> Sketch:
    kinds = (
        *("Relu", "Sigmoid", "Tanh", "Exp", "Erf", "Sqrt", "HardSwish", "HardSigmoid", "Clip"),
        *("Abs", "Neg", "LeakyRelu", "Softplus", "sum", "product", "scale", "shift", "quotient"),
        *("power", "swish", "gate"),
    )
    sketch = Sketch(_volume(chance), seed)
    one, two = chance.choice(kinds), chance.choice(kinds)
    for index in range(_repeats(chance, sketch)):
        _apply(sketch, (one, two)[index % 2])
    return sketch


def _apply(sketch: Sketch, kind: str) -> None:
    channels = sketch.shape[1]
    if kind in {"sum", "product", "quotient"}:
        sketch.node({"sum": "Add", "product": "Mul", "quotient": "Div"}[kind], sketch.last, "x")
    elif kind in {"scale", "shift"}:
        sketch.node("Mul" if kind == "scale" else "Add", sketch.last, sketch.weight(1, channels, 1, 1))
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


def _tiny(chance: random.Random, seed: int) -> Sketch:
    """Many launches with next to nothing to do."""
    sketch = Sketch((1, chance.choice((1, 8, 64))), seed)
    kinds = ("Relu", "Sigmoid", "sum", "Neg", "Abs", "Exp")
    for _ in range(chance.randint(8, 48)):
        kind = chance.choice(kinds)
        sketch.node(*(("Add", sketch.last, "x") if kind == "sum" else (kind,)))
    return sketch


def _normalisation(chance: random.Random, seed: int) -> Sketch:
    rows, width = chance.choice((16, 40, 64, 256, 1024)), chance.choice((64, 120, 192, 256, 384, 768))
    sketch = Sketch((chance.choice((1, 1, 4)), rows, width), seed)
    for _ in range(_repeats(chance, sketch)):
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


def _batch_normalisation(chance: random.Random, seed: int) -> Sketch:
    sketch = Sketch(_volume(chance), seed)
    channels = sketch.shape[1]
    for _ in range(_repeats(chance, sketch)):
        parts = [sketch.weight(channels) for _ in range(3)]
        sketch.node("Relu")
        sketch.node("BatchNormalization", sketch.last, *parts, sketch.numbers(*[1.0] * channels))
    return sketch


def _pooling(chance: random.Random, seed: int) -> Sketch:
    sketch = Sketch(_volume(chance), seed)
    for index in range(_repeats(chance, sketch)):
        kind = chance.choice(("MaxPool", "AveragePool"))
        size = chance.choice((2, 3, 3, 5))
        stride = chance.choice((1, 1, 2)) if index == 0 else 1
        sketch.node(kind, kernel_shape=[size] * 2, strides=[stride] * 2, pads=[size // 2] * 4)
    if chance.random() < 0.4:
        sketch.node("GlobalAveragePool")
    return sketch


def _reduction(chance: random.Random, seed: int) -> Sketch:
    sketch = Sketch(_volume(chance), seed)
    kind = chance.choice(("ReduceMean", "ReduceMax", "GlobalAveragePool", "ReduceL2"))
    axes = {} if kind == "GlobalAveragePool" else {"axes": chance.choice(([2, 3], [1], [3], [2]))}
    for _ in range(_repeats(chance, sketch)):
        entry = sketch.last
        sketch.node("Mul", entry, sketch.node(kind, entry, **axes))
    return sketch


def _movement(chance: random.Random, seed: int) -> Sketch:
    sketch = Sketch(_volume(chance), seed)
    kinds = ("Transpose", "Transpose", "Concat", "Slice", "Split", "Pad", "shuffle", "Expand")
    for _ in range(_repeats(chance, sketch)):
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
        ends = [sketch.sizes(0), sketch.sizes(max(1, height // 2)), sketch.sizes(2)]
        part = sketch.node("Slice", sketch.last, *ends)
        sketch.node("Concat", part, part, axis=2)
        sketch.node("Slice", sketch.last, sketch.sizes(0), sketch.sizes(height), sketch.sizes(2))
        _pad_back(sketch, height, 2 * max(1, height // 2))
    elif kind == "Split" and channels % 2 == 0:
        left, right = sketch.nodes("Split", [sketch.last], 2, axis=1)
        sketch.node("Concat", right, left, axis=1)
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


def _resize(chance: random.Random, seed: int) -> Sketch:
    sketch = Sketch((1, chance.choice((8, 16, 24, 64, 96)), *[chance.choice((10, 20, 28, 40, 56))] * 2), seed)
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


def _lookup(chance: random.Random, seed: int) -> Sketch:
    width = chance.choice((32, 64, 128, 256, 512))
    sketch = Sketch((chance.choice((256, 1024, 8192)), width), seed)
    count = chance.choice((8, 64, 256, 2048))
    places = sketch.sizes(*(chance.randrange(256) for _ in range(count)))
    for _ in range(chance.randint(4, 16)):
        sketch.node("Gather", "x", places, axis=0)
    sketch.node("Sum", *sketch.outputs)
    return sketch


def _recurrent(chance: random.Random, seed: int) -> Sketch:
    steps, batch = chance.choice((1, 4, 8, 20, 40, 64, 128)), chance.choice((1, 1, 1, 2, 4))
    size = chance.choice((16, 32, 48, 64, 96, 128, 192, 256, 512))
    hidden = chance.choice((16, 32, 48, 64, 96, 128, 192, 256, 512))
    ways, (kind, gates) = chance.choice((1, 1, 2)), chance.choice((("LSTM", 4), ("LSTM", 4), ("GRU", 3)))
    sketch = Sketch((steps, batch, size), seed)
    weights = sketch.weight(ways, gates * hidden, size), sketch.weight(ways, gates * hidden, hidden)
    direction = "bidirectional" if ways > 1 else "forward"
    sketch.node(kind, "x", *weights, hidden_size=hidden, direction=direction)
    return sketch


def _volume(chance: random.Random) -> tuple[int, int, int, int]:
    """Shape of a tensor as networks for pictures have it."""
    while True:
        shape = (chance.choice((1, 1, 2)), chance.choice(_CHANNELS), *[chance.choice(_SIDES)] * 2)
        if 1 << 12 < prod(shape) < _MOST_ELEMENTS:
            return shape[0], shape[1], shape[2], shape[3]


def _length(chance: random.Random, work: float, most: float) -> int:
    """How many of a kernel follow each other: one that is large, up to 24 that are small.

    A graph that is over at once is measured badly: what surrounds a run weighs as much as itself.
    """
    return int(max(1, min(chance.randint(12, 24), most // work)))


def _repeats(chance: random.Random, sketch: Sketch) -> int:
    return _length(chance, prod(sketch.shape), _ENOUGH_ELEMENTS)


def _activate(sketch: Sketch, chance: random.Random) -> None:
    kind = chance.choice(("", "", "Relu", "Relu", "Sigmoid", "HardSwish", "swish", "Clip", "Tanh"))
    if kind in {"swish", "Clip"}:
        _apply(sketch, kind)
    elif kind:
        sketch.node(kind)


_KINDS: dict[str, _Draw] = {
    "convolution": _convolution,
    "product": _product,
    "elementwise": _elementwise,
    "depthwise": _depthwise,
    "recurrent": _recurrent,
    "convolution_again": _convolution,
    "movement": _movement,
    "normalisation": _normalisation,
    "tiny": _tiny,
    "batched_product": _batched_product,
    "long_convolution": _long_convolution,
    "pooling": _pooling,
    "first_convolution": _first_convolution,
    "reduction": _reduction,
    "quantised_product": _quantised_product,
    "grouped_convolution": _grouped_convolution,
    "resize": _resize,
    "lookup": _lookup,
    "batch_normalisation": _batch_normalisation,
    "transposed_convolution": _transposed_convolution,
}
