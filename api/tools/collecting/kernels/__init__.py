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

from onnx import ModelProto

from api.tools.collecting.kernels import blocks, elements, movement, products
from api.tools.collecting.sketch import Sketch

_KINDS: tuple[Callable[[random.Random, int], Sketch], ...] = (
    products.convolution,
    products.product,
    elements.elementwise,
    products.depthwise,
    products.recurrent,
    products.convolution,
    movement.movement,
    elements.normalisation,
    elements.tiny,
    products.batched_product,
    products.long_convolution,
    elements.pooling,
    products.first_convolution,
    elements.reduction,
    products.quantised_product,
    products.grouped_convolution,
    movement.resize,
    movement.lookup,
    elements.batch_normalisation,
    products.transposed_convolution,
    blocks.bottleneck,
    elements.neighbourhood,
    blocks.series_convolution,
    blocks.bottleneck,
    elements.comparison,
    blocks.framed_series,
)
"""In turn. Kinds on which networks spend most of their time come twice."""


def kernel(number: int, seed: int) -> tuple[str, ModelProto]:
    """The graph of a number, and its name; the same for the same seed."""
    draw = _KINDS[number % len(_KINDS)]
    chance = random.Random(f"{seed}/kernel/{number}")
    return f"{draw.__name__}-{number}", draw(chance, seed + number).model()
