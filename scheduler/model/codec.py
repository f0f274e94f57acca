"""JSON form of problems, schedules and results, with a version and a JSON Schema.

The data classes are the definition: reader, writer and schema all follow their annotations. A
field at its default is left out; bands and other names are written in lower case.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Hashable, Mapping
from enum import Enum, IntEnum
from functools import cache
from types import UnionType
from typing import Any, NoReturn, TypeVar, cast, get_args, get_origin, get_type_hints

from scheduler.model.errors import InvalidProblem
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.problem import Problem
from scheduler.model.schedule import Result, Schedule

SCHEMA_VERSION = 1
"""Rises if a reader of the previous version would misread; not for a new optional field."""

T = TypeVar("T")


def to_json(value: Problem | Schedule | Result) -> dict[str, Any]:
    """Turn a value into its JSON form, ready for any encoder."""
    return {"version": SCHEMA_VERSION, **_write(value)}


def from_json(data: object) -> Problem:
    """Read a problem.

    Raises
    ------
    InvalidProblem
        If the form or a law of the model is broken; the path of the field is named.
    """
    return _read_versioned(Problem, data)


def schedule_from_json(data: object) -> Schedule:
    """Read a schedule.

    Raises
    ------
    InvalidProblem
        If the form is broken; the path of the field is named.
    """
    return _read_versioned(Schedule, data)


def result_from_json(data: object) -> Result:
    """Read a result.

    Raises
    ------
    InvalidProblem
        If the form is broken; the path of the field is named.
    """
    return _read_versioned(Result, data)


def json_schema(cls: type[Problem | Schedule | Result]) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the form. The laws of the model are stricter."""
    definitions: dict[str, Any] = {}
    schema = _object_schema(cls, definitions)
    schema["properties"]["version"] = {"const": SCHEMA_VERSION}
    schema["required"] = ["version", *schema["required"]]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": cls.__name__,
        **schema,
        "$defs": definitions,
    }


@cache
def _fields(cls: Hashable) -> dict[str, tuple[dataclasses.Field[Any], Any]]:
    """Fields of a data class by name, each with its resolved annotation."""
    hints = get_type_hints(cls)
    fields = dataclasses.fields(cast(Any, cls))
    return {field.name: (field, hints[field.name]) for field in fields}


def _default(field: dataclasses.Field[Any]) -> Any:
    """Default of a field, or `MISSING`."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _write(value: Any) -> Any:
    if isinstance(value, IntEnum):
        return value.name.lower()
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, tuple):
        return [_write(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _write(item) for key, item in value.items()}
    if not dataclasses.is_dataclass(value):
        return value
    cls: Any = type(value)
    items = ((name, getattr(value, name), field) for name, (field, _) in _fields(cls).items())
    return {name: _write(item) for name, item, field in items if item != _default(field)}


def _read_versioned(cls: type[T], data: object) -> T:
    if not isinstance(data, Mapping):
        _refuse("", "must be an object", data)
    version = data.get("version")
    if type(version) is not int or version != SCHEMA_VERSION:
        _refuse("version", f"must be {SCHEMA_VERSION}", version)
    body = {key: item for key, item in data.items() if key != "version"}
    return cast(T, _read_object(cls, body, ""))


def _refuse(path: str, law: str, got: object) -> NoReturn:
    raise InvalidProblem(f"{path or 'the document'} {law}; got {got!r}", field=path)


def _read_object(cls: Any, data: object, path: str) -> Any:
    if not isinstance(data, Mapping):
        _refuse(path, "must be an object", data)
    known = _fields(cls)
    prefix = f"{path}." if path else ""
    for name in data:
        if name not in known:
            _refuse(f"{prefix}{name}", f"must be one of {', '.join(known)}", name)
    for name, (field, _) in known.items():
        if name not in data and _default(field) is dataclasses.MISSING:
            _refuse(f"{prefix}{name}", "is required", None)
    return cls(
        **{name: _read(known[name][1], item, f"{prefix}{name}") for name, item in data.items()}
    )


def _read(hint: Any, data: Any, path: str) -> Any:
    if isinstance(hint, UnionType):
        inner = get_args(hint)[0]
        return None if data is None else _read(inner, data, path)
    if get_origin(hint) is tuple:
        if not isinstance(data, list):
            _refuse(path, "must be an array", data)
        inner = get_args(hint)[0]
        return tuple(_read(inner, item, f"{path}[{i}]") for i, item in enumerate(data))
    if get_origin(hint) in {dict, Mapping}:
        if not isinstance(data, Mapping):
            _refuse(path, "must be an object", data)
        inner = get_args(hint)[1]
        return {key: _read(inner, item, f"{path}.{key}") for key, item in data.items()}
    if dataclasses.is_dataclass(hint):
        return _read_object(hint, data, path)
    return _read_plain(hint, data, path)


def _read_plain(hint: Any, data: Any, path: str) -> Any:
    if hint is Any:
        return data
    if issubclass(hint, Enum):
        choices = _choices(hint)
        if type(data) is not str or data not in choices:
            _refuse(path, f"must be one of {', '.join(choices)}", data)
        return choices[data]
    law, holds = _PLAIN[hint]
    if not holds(data):
        _refuse(path, law, data)
    return data


_PLAIN: dict[type, tuple[str, Callable[[Any], bool]]] = {
    # The exact types, because True is an instance of int.
    int: ("must be an integer", lambda data: type(data) is int),
    str: ("must be a string", lambda data: type(data) is str),
    float: ("must be a number", lambda data: type(data) in {int, float}),
    bool: ("must be true or false", lambda data: type(data) is bool),
}


def _choices(enum: type[Enum]) -> dict[str, Enum]:
    """Members of an enum by their names in JSON."""
    return {_write(member): member for member in enum}


def _object_schema(cls: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    fields = _fields(cls)
    return {
        "type": "object",
        "properties": {n: _field_schema(f, hint, definitions) for n, (f, hint) in fields.items()},
        "required": [n for n, (f, _) in fields.items() if _default(f) is dataclasses.MISSING],
        "additionalProperties": False,
    }


def _field_schema(
    field: dataclasses.Field[Any], hint: Any, definitions: dict[str, Any]
) -> dict[str, Any]:
    if not field.metadata.get("signed"):
        return _schema(hint, definitions)
    # Values can be sums of weight times time, which no law limits.
    return {"type": ["integer", "null"] if isinstance(hint, UnionType) else "integer"}


def _schema(hint: Any, definitions: dict[str, Any]) -> dict[str, Any]:
    if isinstance(hint, UnionType):
        return {"anyOf": [_schema(get_args(hint)[0], definitions), {"type": "null"}]}
    if get_origin(hint) is tuple:
        return {"type": "array", "items": _schema(get_args(hint)[0], definitions)}
    if get_origin(hint) in {dict, Mapping}:
        return {
            "type": "object",
            "additionalProperties": _schema(get_args(hint)[1], definitions),
        }
    if dataclasses.is_dataclass(hint):
        name = getattr(hint, "__name__", "")
        if name not in definitions:
            definitions[name] = {}
            definitions[name] = _object_schema(hint, definitions)
        return {"$ref": f"#/$defs/{name}"}
    return _plain_schema(hint)


def _plain_schema(hint: Any) -> dict[str, Any]:
    if hint is Any:
        return {}
    if issubclass(hint, Enum):
        return {"enum": list(_choices(hint))}
    if hint is int:
        return {"type": "integer", "minimum": 0, "maximum": MAX_INTEGER}
    return {"type": {str: "string", float: "number", bool: "boolean"}[hint]}
