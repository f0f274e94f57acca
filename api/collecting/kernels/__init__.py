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

from api.collecting.kernels import elements, movement, products
from api.collecting.sketch import Sketch

_KINDS: dict[str, Callable[[random.Random, int], Sketch]] = {
    "convolution": products.convolution,
    "product": products.product,
    "elementwise": elements.elementwise,
    "depthwise": products.depthwise,
    "recurrent": products.recurrent,
    "convolution_again": products.convolution,
    "movement": movement.movement,
    "normalisation": elements.normalisation,
    "tiny": elements.tiny,
    "batched_product": products.batched_product,
    "long_convolution": products.long_convolution,
    "pooling": elements.pooling,
    "first_convolution": products.first_convolution,
    "reduction": elements.reduction,
    "quantised_product": products.quantised_product,
    "grouped_convolution": products.grouped_convolution,
    "resize": movement.resize,
    "lookup": movement.lookup,
    "batch_normalisation": elements.batch_normalisation,
    "transposed_convolution": products.transposed_convolution,
}


def kernel(number: int, seed: int) -> tuple[str, ModelProto]:
    """The graph of a number, and its name; the same for the same seed."""
    kinds = list(_KINDS)
    name = kinds[number % len(kinds)]
    chance = random.Random(f"{seed}/kernel/{number}")
    return f"{name}-{number}", _KINDS[name](chance, seed + number).model()
