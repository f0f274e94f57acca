"""Ids of runs: they carry the time of their making, so that an id says how old its run is."""

from __future__ import annotations

import re
import secrets

DIGITS = "0123456789abcdefghijklmnopqrstuv"
_TIME_DIGITS = _CHANCE_DIGITS = 9
"""45 bits each: milliseconds until the year 3084, and chance enough for a million in one of them.

Two of a thousand runs a second get the same id once in two thousand years."""
_BITS = 5
_MADE_HERE = re.compile(rf"r-([0-9a-v]{{{_TIME_DIGITS}}})[0-9a-v]{{{_CHANCE_DIGITS}}}")


def new_run_id(at_us: int) -> str:
    """Make an id that no other run has; later ones come later in the alphabet.

    Examples
    --------
    >>> new_run_id(1_700_000_000_000_000)[:11]
    'r-1hf7uaq00'
    """
    chance = secrets.randbits(_BITS * _CHANCE_DIGITS)
    return f"r-{_written(at_us // 1000, _TIME_DIGITS)}{_written(chance, _CHANCE_DIGITS)}"


def made_us(run: str) -> int | None:
    """Time at which an id was made, to the millisecond before; ``None`` if it carries none.

    Examples
    --------
    >>> made_us(new_run_id(1_700_000_000_000_999)), made_us("r-other")
    (1700000000000000, None)
    """
    found = _MADE_HERE.fullmatch(run)
    return int(found[1], 32) * 1000 if found else None


def _written(number: int, digits: int) -> str:
    return "".join(DIGITS[number >> _BITS * place & 31] for place in reversed(range(digits)))
