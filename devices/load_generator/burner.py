"""A process of the load generator: does rounds of work until its time is over."""

from __future__ import annotations

import random
import time
from collections.abc import Callable

import numpy as np

SLICE_S = 0.01
"""Work is done in slices: so long does it run or rest, at the least."""
_SIDE = 128  # three matrices of floats, 200 kB: in a core's own cache
_COPIED_BYTES = 64 * 1024 * 1024
_STEP_BYTES = 4 * 1024 * 1024  # copied at once, so that a slice is kept
_BURST_S = (0.05, 0.4)
_PAUSE_S = (0.05, 0.6)

Round = Callable[[], None]


def burn(kind: str, seconds: float, seed: int, duty: float) -> None:
    """Make load of a kind; `started` has been said when it begins."""
    end = time.monotonic() + seconds
    work = _round(kind)
    chance = random.Random(seed)
    print("started", flush=True)
    while (now := time.monotonic()) < end:
        if kind != "bursty":
            _spell(work, end, duty)
            continue
        _spell(work, min(end, now + chance.uniform(*_BURST_S)), duty)
        time.sleep(max(0.0, min(end - time.monotonic(), chance.uniform(*_PAUSE_S))))


def _spell(work: Round, until: float, duty: float) -> None:
    """Work in slices, and rest after each for as long as the duty asks."""
    while (now := time.monotonic()) < until:
        slice_end = min(until, now + SLICE_S)
        while time.monotonic() < slice_end:
            work()
        if duty < 1.0:
            time.sleep((time.monotonic() - now) * (1.0 / duty - 1.0))


def _round(kind: str) -> Round:
    if kind == "compute":
        return _products()
    if kind == "memory":
        return _copies()
    multiply, copy = _products(), _copies()

    def both() -> None:
        for _ in range(8):
            multiply()
        copy()

    return both


def _products() -> Round:
    left = np.full((_SIDE, _SIDE), 0.01, dtype=np.float32)
    out = np.empty_like(left)

    def multiply() -> None:
        np.matmul(left, left, out=out)

    return multiply


def _copies() -> Round:
    source = np.ones(_COPIED_BYTES, dtype=np.uint8)
    target = np.empty_like(source)
    at = 0

    def copy() -> None:
        nonlocal at
        np.copyto(target[at : at + _STEP_BYTES], source[at : at + _STEP_BYTES])
        at = (at + _STEP_BYTES) % _COPIED_BYTES

    return copy
