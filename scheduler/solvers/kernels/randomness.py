"""Random numbers for kernels: an explicit state, so that a seed alone decides what is drawn."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean

State = NDArray[np.uint64]

_STEP = np.uint64(0x9E3779B97F4A7C15)
_MIX_1 = np.uint64(0xBF58476D1CE4E5B9)
_MIX_2 = np.uint64(0x94D049BB133111EB)
_30, _27, _31, _11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_UNIT = 1.0 / (1 << 53)


def seeded(seed: int, stream: int = 0) -> State:
    """Start a sequence; streams of one seed are independent of each other."""
    state = np.array([seed & (2**64 - 1)], np.uint64)
    for _ in range(stream + 1):
        state[0] = draw(state)
    return state


@lean
def draw(state: State) -> np.uint64:
    """Draw 64 random bits.

    References
    ----------
    Steele, Lea and Flood (2014), SplitMix, doi:10.1145/2660193.2660195.
    """
    state[0] += _STEP
    z: np.uint64 = state[0]
    z = (z ^ (z >> _30)) * _MIX_1
    z = (z ^ (z >> _27)) * _MIX_2
    z = z ^ (z >> _31)
    return z


@lean
def uniform(state: State) -> float:
    """Draw a number from ``[0, 1)``."""
    return float(draw(state) >> _11) * _UNIT


@lean
def below(state: State, limit: int) -> int:
    """Draw an integer from ``[0, limit)``; `limit` is at least 1 and below 2**31."""
    return int(uniform(state) * limit)


@lean
def shuffle(state: State, values: NDArray[np.int32]) -> None:
    """Bring the values into a random order, in place."""
    for i in range(len(values) - 1, 0, -1):
        j = below(state, i + 1)
        values[i], values[j] = values[j], values[i]
