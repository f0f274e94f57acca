"""Checks of the parameters that a workload gives to a function."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from fjord.functions.params import REQUIRED, Param, ParamKind
from scheduler.model.errors import InvalidWorkload


def checked(param: Param, value: Any, field: str) -> Any:
    """The value, if the parameter allows it; lists come back as tuples.

    Raises
    ------
    InvalidWorkload
        With the field, the law and the offending value.
    """
    if param.kind is ParamKind.CHARACTERS and isinstance(value, str):
        return value  # each of its characters is one element
    is_list = param.kind in {ParamKind.NUMBERS, ParamKind.TEXTS, ParamKind.CHARACTERS}
    if is_list and not isinstance(value, list | tuple):
        raise _broken(field, f"must be {param.kind.value}", value)
    items = value if is_list else [value]
    if param.length is not None and len(items) != param.length:
        raise _broken(field, f"must have {param.length} elements", len(items))
    for item in items:
        _check_item(param, item, field)
    return tuple(items) if is_list else value


def _check_item(param: Param, item: Any, field: str) -> None:
    if not _IS_KIND[param.kind](item):
        raise _broken(field, f"must be {param.kind.value}", item)
    if param.choices and item not in param.choices:
        raise _broken(field, f"must be one of {', '.join(param.choices)}", item)
    if param.minimum is not None and item < param.minimum:
        raise _broken(field, f"must be >= {param.minimum}", item)
    if param.maximum is not None and item > param.maximum:
        raise _broken(field, f"must be <= {param.maximum}", item)


def check_params(
    declared: Mapping[str, Param], given: Mapping[str, Any], where: str
) -> dict[str, Any]:
    """Every declared parameter, given or by default.

    Raises
    ------
    InvalidWorkload
        If one is unknown, missing or not allowed; the message names it.
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
        return checked(param, given[name], field)
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
    ParamKind.INTEGER: _is_integer,
    ParamKind.NUMBER: _is_number,
    ParamKind.NUMBERS: _is_number,
    ParamKind.FLAG: lambda value: isinstance(value, bool),
    ParamKind.TEXT: _is_text,
    ParamKind.TEXTS: _is_text,
    ParamKind.CHARACTERS: _is_text,
}


def _broken(field: str, law: str, got: object) -> InvalidWorkload:
    shown = repr(got)
    return InvalidWorkload(f"{field} {law}; got {shown[:80]}", field=field)
