"""Parameters of functions, as they are declared."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any, Final


class ParamKind(Enum):
    """The kinds of parameters. The value is the name that messages use."""

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
    default
        Value where none is given; without one the parameter must be given.
    minimum, maximum
        Bounds on a number, or on each number of a list; inclusive.
    choices
        The only texts allowed; empty allows all.
    length
        Exact length of a list; ``None`` for any.
    """

    kind: ParamKind
    default: Any = REQUIRED
    minimum: float | None = None
    maximum: float | None = None
    choices: tuple[str, ...] = ()
    length: int | None = None
