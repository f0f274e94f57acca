"""Measures a link that tensors take: a few small ones, then larger ones while there is time."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from statistics import median

SMALL_BYTES = 8_192
"""Just too large to travel inside a message."""
SMALL_COUNT = 5
LARGE_BYTES = (256 * 1024, 1024 * 1024, 4 * 1024 * 1024)
BUDGET_US = 50_000
"""Per link. No larger tensor is begun that would not be through by then; the first ones are sent in
any case, so a slow link takes longer, and `LIMIT_S` ends it."""
LIMIT_S = 2.0

Move = Callable[[int], Awaitable[None]]
"""Brings so many bytes over the whole link."""


def _clock_us() -> int:
    return time.monotonic_ns() // 1_000


async def measure(move: Move, clock_us: Callable[[], int] = _clock_us) -> tuple[int, int]:
    """Latency in microseconds and bytes per second of a link."""
    began_us = clock_us()
    await _time_us(move, SMALL_BYTES, clock_us)  # opens the connection, which then stays open
    small_us = [await _time_us(move, SMALL_BYTES, clock_us) for _ in range(SMALL_COUNT)]
    latency_us = max(1, round(median(small_us)))
    rate = 0
    for size in LARGE_BYTES:
        left_us = BUDGET_US - (clock_us() - began_us)
        if rate and latency_us + size * 1_000_000 // rate > left_us:
            break
        took_us = await _time_us(move, size, clock_us)
        # A latency that was bad luck must not make the rest look like nothing.
        flow_us = max(took_us - latency_us, took_us // 2, 1)
        rate = max(rate, size * 1_000_000 // flow_us)
    return latency_us, rate


async def _time_us(move: Move, size: int, clock_us: Callable[[], int]) -> int:
    before_us = clock_us()
    await move(size)
    return max(1, clock_us() - before_us)
