"""Times at which runs come: at even intervals, by chance, or in bursts. The seed decides them."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

SECOND_US = 1_000_000


def periodic(rate_hz: float, until_us: int, *, jitter_us: int, random: Random) -> tuple[int, ...]:
    """Times at even intervals, each moved by up to `jitter_us` to either side.

    Examples
    --------
    >>> periodic(10, 300_000, jitter_us=0, random=Random(1))
    (0, 100000, 200000)
    """
    period_us = SECOND_US / rate_hz
    count = int(until_us / period_us + 0.999999)
    found = (round(i * period_us + random.uniform(-jitter_us, jitter_us)) for i in range(count))
    return tuple(sorted(max(0, at_us) for at_us in found))


def poisson(rate_hz: float, until_us: int, *, random: Random) -> tuple[int, ...]:
    """Times of a Poisson process."""
    return tuple(_poisson(rate_hz, until_us, random))


def bursty(rate_hz: float, until_us: int, *, burst: int, random: Random) -> tuple[int, ...]:
    """Bursts of `burst` runs at once, which come by chance; `rate_hz` counts runs."""
    bursts = _poisson(rate_hz / burst, until_us, random)
    return tuple(at_us for at_us in bursts for _ in range(burst))


def _poisson(rate_hz: float, until_us: int, random: Random) -> Iterator[int]:
    at_us = 0.0
    while (at_us := at_us + random.expovariate(rate_hz) * SECOND_US) < until_us:
        yield round(at_us)
