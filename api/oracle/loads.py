"""Loads as people write them: ``compute:1:60`` as for ``fjord load``, and kinds of neighbours."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from devices.load_generator.generator import KINDS
from scheduler.control.forecast.costs import ForeignLoad
from scheduler.model.errors import InvalidInput
from scheduler.model.measuring import Kind, Neighbour

T = TypeVar("T")
MOST_CORES = 1_024


def foreign_load(text: str) -> ForeignLoad:
    """Read ``KIND:CORES:PERCENT``, or a part of it: one core, all of the time.

    What the other programs do makes no difference to predictions yet; how much they do does.

    Raises
    ------
    InvalidInput
        If it is no such load; it says what one looks like.

    Examples
    --------
    >>> foreign_load("compute:1:60")
    ForeignLoad(cores=1, share=0.6)
    """
    kind, _, rest = text.partition(":")
    cores, _, percent = rest.partition(":")
    numbers = [cores or "1", percent or "100"]
    is_known = kind in KINDS and all(number.isdecimal() for number in numbers)
    if not is_known or not 1 <= int(numbers[0]) <= MOST_CORES or not 1 <= int(numbers[1]) <= 100:
        law = f"load must be KIND:CORES:PERCENT such as compute:1:60, with {', '.join(KINDS)}"
        raise InvalidInput(f"{law}; got {text!r}", field="load")
    return ForeignLoad(cores=int(numbers[0]), share=int(numbers[1]) / 100)


def neighbour(text: str) -> Neighbour:
    """Read ``KIND`` or ``KIND:PROVIDER``: work of the service on another machine of the box.

    Raises
    ------
    InvalidInput
        If there is no such kind.
    """
    kind, _, provider = text.partition(":")
    if kind not in set(Kind):
        law = f"neighbour must be KIND or KIND:PROVIDER, with {', '.join(Kind)}"
        raise InvalidInput(f"{law}; got {text!r}", field="neighbour")
    return Neighbour(kind=Kind(kind), provider=provider)


def listed(text: str, read: Callable[[str], T]) -> tuple[T, ...]:
    """Read several, with commas between them."""
    return tuple(read(part) for part in _parts(text.split(",")))


def _parts(texts: Iterable[str]) -> list[str]:
    return [text.strip() for text in texts if text.strip()]
