"""Parameters of functions: what they may be, and a clear word when they are something else."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from scheduler.model.errors import InvalidWorkload


class Kind(Enum):
    """What a parameter is. The value is how messages call it."""

    INTEGER = "an integer"
    NUMBER = "a finite number"
    FLAG = "true or false"
    TEXT = "a text"
    NUMBERS = "a list of finite numbers"
    TEXTS = "a list of texts"
    CHARACTERS = "a text, or a list of texts"


class _Required:
    """Marks a parameter without a default."""


REQUIRED: Final = _Required()


@dataclass(frozen=True, slots=True, kw_only=True)
class Param:
    """One parameter of a function.

    Parameters
    ----------
    minimum, maximum
        Bounds on a number, or on each number of a list; inclusive.
    choices
        The only texts allowed; empty allows all.
    length
        Exact length of a list; ``None`` for any.
    """

    kind: Kind
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None

    def checked(self, value: Any, field: str) -> Any:
        """The value, if it is allowed here.

        Raises
        ------
        InvalidWorkload
            With the field, the law and what came.
        """
        if self.kind is Kind.CHARACTERS and isinstance(value, str):
            return value  # each of its characters is one element
        is_list = self.kind in {Kind.NUMBERS, Kind.TEXTS, Kind.CHARACTERS}
        if is_list and not isinstance(value, list | tuple):
            raise _broken(field, f"must be {self.kind.value}", value)
        items = value if is_list else [value]
        if self.length is not None and len(items) != self.length:
            raise _broken(field, f"must have {self.length} elements", len(items))
        for item in items:
            self._check_item(item, field)
        return tuple(items) if is_list else value

    def _check_item(self, item: Any, field: str) -> None:
        if not _IS_KIND[self.kind](item):
            raise _broken(field, f"must be {self.kind.value}", item)
        if self.choices and item not in self.choices:
            raise _broken(field, f"must be one of {', '.join(self.choices)}", item)
        if self.minimum is not None and item < self.minimum:
            raise _broken(field, f"must be >= {self.minimum}", item)
        if self.maximum is not None and item > self.maximum:
            raise _broken(field, f"must be <= {self.maximum}", item)


def check_params(
    declared: Mapping[str, Param], given: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Every declared parameter, given or by default.

    Raises
    ------
    InvalidWorkload
        If one is unknown, missing or not what it must be; the message names it.
    """
    for name in given:
        if name not in declared:
            choices = ", ".join(sorted(declared)) or "none"
            raise InvalidWorkload(
                f"{where}.{name} is no parameter; there are: {choices}", field=f"{where}.{name}"
            )
    return {name: _value(param, given, name, f"{where}.{name}") for name, param in declared.items()}


def _value(param: Param, given: Mapping[str, Any], name: str, field: str) -> Any:
    if name in given:
        return param.checked(given[name], field)
    if param.default is REQUIRED:
        raise InvalidWorkload(f"{field} must be given: {param.kind.value}", field=field)
    return param.default


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


_IS_KIND = {
    Kind.INTEGER: _is_integer,
    Kind.NUMBER: _is_number,
    Kind.NUMBERS: _is_number,
    Kind.FLAG: lambda value: isinstance(value, bool),
    Kind.TEXT: _is_text,
    Kind.TEXTS: _is_text,
    Kind.CHARACTERS: _is_text,
}


def _broken(field: str, law: str, got: object) -> InvalidWorkload:
    shown = repr(got)
    return InvalidWorkload(f"{field} {law}; got {shown[:80]}", field=field)
