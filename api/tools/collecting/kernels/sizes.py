"""Sizes that networks have, and how often a kernel comes in a graph."""

from __future__ import annotations

import random
from math import prod

from api.tools.collecting.sketch import Sketch

CHANNELS = (8, 12, 16, 24, 32, 40, 48, 64, 80, 96, 128, 160, 192, 256, 320, 384, 512, 768, 1024)
SIDES = (4, 5, 7, 8, 10, 14, 16, 20, 28, 32, 40, 48, 56, 64, 80, 96, 112, 160, 224)
WIDTHS = (16, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024, 2048, 4096)
MOST_FLOPS = 400e6
ENOUGH_FLOPS = 100e6
ENOUGH_ELEMENTS = 1 << 20
MOST_ELEMENTS = 1 << 21
MOST_WEIGHTS = 6 << 20


def volume(chance: random.Random) -> tuple[int, int, int, int]:
    """Shape of a tensor as networks for pictures have it."""
    while True:
        shape = (chance.choice((1, 1, 2)), chance.choice(CHANNELS), *[chance.choice(SIDES)] * 2)
        if 1 << 12 < prod(shape) < MOST_ELEMENTS:
            return shape[0], shape[1], shape[2], shape[3]


def length(chance: random.Random, work: float, most: float) -> int:
    """Copies of a kernel in a row: one that is large, up to 24 that are small.

    A graph that is over at once is measured badly: what surrounds a run weighs as much as itself.
    """
    return int(max(1, min(chance.randint(12, 24), most // work)))


def repeats(chance: random.Random, sketch: Sketch) -> int:
    """Copies of a kernel in a row that touch the tensor of the sketch once each."""
    return length(chance, prod(sketch.shape), ENOUGH_ELEMENTS)
