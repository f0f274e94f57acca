"""Made-up inputs: the same for the same seed, and of a kind that models accept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from devices.runtime.engines.engine import SessionTensor

# Integers are mostly token ids, class numbers and lengths: small ones are valid nearly everywhere.
_INTEGERS_BELOW = 8
_WORDS = np.array(["fjord", "scheduler", "inference", "device"], dtype=object)


def seeded_inputs(
    types: Sequence[SessionTensor], shapes: Mapping[str, tuple[int, ...]], seed: int
) -> dict[str, np.ndarray[Any, Any]]:
    """One value per input: floats in [-1, 1), small integers, coin tosses, words."""
    random = np.random.default_rng(seed)
    return {tensor.name: _value(tensor.dtype, shapes[tensor.name], random) for tensor in types}


def _value(dtype: str, shape: tuple[int, ...], random: np.random.Generator) -> np.ndarray[Any, Any]:
    if dtype == "string":
        return np.asarray(random.choice(_WORDS, shape), dtype=object)
    if dtype == "bool":
        return np.asarray(random.integers(0, 2, shape), dtype=bool)
    if dtype.startswith(("int", "uint")):
        return np.asarray(random.integers(0, _INTEGERS_BELOW, shape), dtype=dtype)
    return np.asarray(random.uniform(-1.0, 1.0, shape), dtype=dtype)
