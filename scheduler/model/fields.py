"""Laws of a single field: its type, its range. Each refusal names the field, the law and the value.

Paths are formatted only when a law is broken: fields are judged on the brain's hot path.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NoReturn

from scheduler.model.errors import InvalidProblem

MAX_INTEGER = 2**53 - 1
"""Largest time or size, which every reader of JSON keeps exactly; 285 years in microseconds."""


def refuse(law: str, got: object, path: str, *index: int) -> NoReturn:
    """Raise with the path filled in: each ``{}`` of `path` takes the next index."""
    field = path.format(*index)
    raise InvalidProblem(f"{field} {law}; got {got!r}", field=field)


def number(value: object, least: int, path: str, *index: int) -> None:
    """Refuse all but integers within ``[least, MAX_INTEGER]``; booleans, floats, NaN are none."""
    # The exact type, because True is an instance of int.
    if type(value) is not int:
        refuse("must be an integer", value, path, *index)
    if value < least:
        refuse(f"must be >= {least}", value, path, *index)
    if value > MAX_INTEGER:
        refuse(f"must be <= {MAX_INTEGER}", value, path, *index)


def optional(value: object, least: int, path: str, *index: int) -> None:
    """Refuse all but `None` and numbers."""
    if value is not None:
        number(value, least, path, *index)


def text(value: object, path: str, *index: int) -> None:
    """Refuse all but strings."""
    if type(value) is not str:
        refuse("must be a string", value, path, *index)


def flag(value: object, path: str, *index: int) -> None:
    """Refuse all but booleans."""
    if type(value) is not bool:
        refuse("must be true or false", value, path, *index)


def unique(ids: Iterable[object], path: str) -> None:
    """Refuse all but distinct, non-empty strings."""
    seen: set[object] = set()
    for i, name in enumerate(ids):
        if type(name) is not str or not name:
            refuse("must be a non-empty string", name, path, i)
        if name in seen:
            refuse("must be unique", name, path, i)
        seen.add(name)
