"""Objects as plain data and back, by a table of forms: stored data hold no names of classes.

A form gives a kind of record, or an enumeration, its tag in stored data. The rest is generic.
Records are rows in the order of their fields, whose names stand in front of the data once. An
object used in several places is written once and referred to afterwards, so that it is one object
again when read. The plain form consists of lists, texts, numbers, bytes, truth values and ``None``,
ready for any encoder.
"""

from __future__ import annotations

import dataclasses
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from itertools import islice
from typing import Any

from scheduler.model.errors import Defect, InvalidCheckpoint

REFERENCE, LIST, TUPLE, DICT, DEQUE, FROZENSET, SET, LARGE, CONSTANT = range(9)
"""First item of a node: the kind of the rest."""
RECORDS = 16
"""From this value on, the first item is the number of a form, and the rest is a row of it."""
LEAST_TEXT = 6
"""Least length of texts that are written once and referred to."""
MOST_INTEGER = (1 << 63) - 1
"""Largest integer of encoders; larger ones, in parameters of users, are written as texts."""

Document = dict[str, Any]
"""The plain form: the ``forms`` in use, each with its tag and its fields, and the ``root``."""

_ATOMS = frozenset({type(None), bool, float, bytes})
_OPEN: Any = object()


@dataclass(frozen=True, slots=True, eq=False)
class Form:
    """A kind of record, or an enumeration, and the tag that stands for it in stored data.

    Parameters
    ----------
    fields
        Names of the fields in stored data, and of their attributes. A data class gives its own.
    former
        Names of fields in older data, and their present attributes.
    left_out
        Fields of a data class that are not stored: they begin at their defaults, or the reader
        sets them.
    """

    tag: str
    kind: type
    fields: Mapping[str, str] = field(default_factory=dict)
    former: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def stored(self) -> dict[str, str]:
        """Names in stored data and their attributes, in the order of a row."""
        if self.fields or not dataclasses.is_dataclass(self.kind):
            return dict(self.fields)
        names = [each.name for each in dataclasses.fields(self.kind)]
        return {name: name for name in names if name not in self.left_out}

    def missing(self, given: Iterable[str]) -> dict[str, Callable[[], Any]]:
        """Attributes missing in a row, each with a function that makes its value.

        Raises
        ------
        InvalidCheckpoint
            If a missing attribute is stored and has no default.
        """
        made, there = _defaults(self.kind), set(given)
        lacking = set(self.stored.values()) - there - made.keys()
        if lacking:
            raise InvalidCheckpoint(f"{self.tag} must give {', '.join(sorted(lacking))}")
        return {name: make for name, make in made.items() if name not in there}


class Forms:
    """A table of forms. Each tag, and each kind, occurs once.

    Parameters
    ----------
    constants
        Objects by name that are compared by identity: reading gives the very same ones.

    Examples
    --------
    >>> forms = Forms([Form("mean", Mean := dataclasses.make_dataclass("Mean", ["us", "seen"]))])
    >>> document = forms.write({"stop": Mean(2.5, 3)})
    >>> document
    {'forms': [['mean', ['us', 'seen']]], 'root': [3, 'stop', [16, 2.5, 3]]}
    >>> forms.read(document)
    {'stop': Mean(us=2.5, seen=3)}
    """

    def __init__(
        self, forms: Iterable[Form], constants: Mapping[str, object] | None = None
    ) -> None:
        self.by_tag: dict[str, Form] = {}
        self.by_kind: dict[type, Form] = {}
        for form in forms:
            if form.tag in self.by_tag or form.kind in self.by_kind:
                raise Defect(f"the form {form.tag!r} of {form.kind.__name__} is there twice")
            self.by_tag[form.tag] = self.by_kind[form.kind] = form
        self.constants = dict(constants or {})

    def write(self, root: object) -> Document:
        """Turn everything below `root` into the plain form.

        Raises
        ------
        Defect
            If something below it has no form.
        """
        writer = _Writer(self)
        node = writer.node(root)
        return {"forms": writer.used, "root": node}

    def read(self, document: Document) -> Any:
        """Make the objects again that were written.

        Raises
        ------
        InvalidCheckpoint
            If the data are malformed, or hold an unknown tag or field.
        """
        try:
            return _Reader(self, document["forms"]).node(document["root"])
        except (LookupError, TypeError, ValueError, AttributeError) as error:
            if isinstance(error, InvalidCheckpoint):
                raise
            raise InvalidCheckpoint(f"stored objects must be readable; got {error!r}") from error


class _Writer:
    def __init__(self, forms: Forms) -> None:
        self._forms = forms
        self._constants = {id(value): name for name, value in forms.constants.items()}
        self._seen: dict[int | str, int] = {}
        self._rows: dict[type, tuple[int, tuple[str, ...]]] = {}
        self.used: list[list[Any]] = []
        self._writers: dict[type, Callable[[Any], list[Any]]] = {
            list: lambda value: [LIST, *map(self.node, value)],
            tuple: lambda value: [TUPLE, *map(self.node, value)],
            dict: self._dict,
            deque: lambda value: [DEQUE, value.maxlen, *map(self.node, value)],
            # Sorted, because the order of a set changes with the seed of hashes.
            frozenset: lambda value: [FROZENSET, *map(self.node, sorted(value, key=repr))],
            set: lambda value: [SET, *map(self.node, sorted(value, key=repr))],
        }

    def node(self, value: Any) -> Any:
        kind = type(value)
        if kind in _ATOMS:
            return value
        if kind is int:
            return value if -MOST_INTEGER <= value <= MOST_INTEGER else [LARGE, str(value)]
        if kind is str and len(value) < LEAST_TEXT:
            return value
        # Texts are compared by value, because identifiers are made anew in many places.
        key = value if kind is str else id(value)
        at = self._seen.get(key)
        if at is not None:
            return [REFERENCE, at]
        self._seen[key] = len(self._seen)
        if kind is str:
            return value
        return self._writers.get(kind, self._record)(value)

    def _dict(self, value: dict[Any, Any]) -> list[Any]:
        found: list[Any] = [DICT]
        for key, item in value.items():
            found.append(self.node(key))
            found.append(self.node(item))
        return found

    def _record(self, value: Any) -> list[Any]:
        name = self._constants.get(id(value))
        if name is not None:
            return [CONSTANT, name]
        code, attributes = self._rows.get(type(value)) or self._row(type(value))
        if isinstance(value, Enum):
            return [code, value.value]
        return [code, *[self.node(getattr(value, attribute)) for attribute in attributes]]

    def _row(self, kind: type) -> tuple[int, tuple[str, ...]]:
        form = self._forms.by_kind.get(kind)
        if form is None:
            raise Defect(f"no form says how a {kind.__name__} is stored")
        row = (RECORDS + len(self.used), tuple(form.stored.values()))
        self.used.append([form.tag, list(form.stored)])
        self._rows[kind] = row
        return row


class _Reader:
    def __init__(self, forms: Forms, used: list[list[Any]]) -> None:
        self._forms = forms
        self._seen: list[Any] = []
        self._readers: dict[int, Callable[[list[Any]], Any]] = {
            REFERENCE: self._reference,
            LIST: self._list,
            TUPLE: lambda data: self._closed(tuple, data),
            DICT: self._dict,
            DEQUE: self._deque,
            FROZENSET: lambda data: self._closed(frozenset, data),
            SET: lambda data: self._closed(set, data),
            LARGE: lambda data: int(data[1]),
            CONSTANT: lambda data: self._kept(forms.constants[data[1]]),
        }
        for code, (tag, names) in enumerate(used, RECORDS):
            self._readers[code] = self._record_reader(forms.by_tag[tag], names)

    def node(self, data: Any) -> Any:
        if type(data) is list:
            return self._readers[data[0]](data)
        if type(data) is str and len(data) >= LEAST_TEXT:
            self._seen.append(data)
        return data

    def _reference(self, data: list[Any]) -> Any:
        found = self._seen[data[1]]
        if found is _OPEN:
            raise InvalidCheckpoint("a value that cannot change must not hold itself")
        return found

    def _kept(self, value: Any) -> Any:
        self._seen.append(value)
        return value

    def _closed(self, kind: Callable[[Iterable[Any]], Any], data: list[Any]) -> Any:
        """Read a container that can only be made after all of its items."""
        place = len(self._seen)
        self._seen.append(_OPEN)
        self._seen[place] = found = kind(map(self.node, islice(data, 1, None)))
        return found

    def _list(self, data: list[Any]) -> list[Any]:
        found: list[Any] = self._kept([])
        found.extend(map(self.node, islice(data, 1, None)))
        return found

    def _deque(self, data: list[Any]) -> deque[Any]:
        found: deque[Any] = self._kept(deque(maxlen=data[1]))
        found.extend(map(self.node, islice(data, 2, None)))
        return found

    def _dict(self, data: list[Any]) -> dict[Any, Any]:
        found: dict[Any, Any] = self._kept({})
        for i in range(1, len(data), 2):
            # The key comes first, as it was written.
            key = self.node(data[i])
            found[key] = self.node(data[i + 1])
        return found

    def _record_reader(self, form: Form, names: list[str]) -> Callable[[list[Any]], Any]:
        kind: Any = form.kind
        if issubclass(kind, Enum):
            return lambda data: self._kept(kind(data[1]))
        known = {**form.former, **form.stored}
        odd = [name for name in names if name not in known]
        if odd:
            raise InvalidCheckpoint(f"{form.tag} must not give {', '.join(odd)}: not known here")
        attributes = [known[name] for name in names]
        missing = form.missing(attributes)
        # Sets attributes directly, because frozen classes allow no other way, and values were
        # checked when the object was first made.
        put = object.__setattr__

        def read(data: list[Any]) -> Any:
            found = self._kept(object.__new__(kind))
            for attribute, item in zip(attributes, islice(data, 1, None), strict=True):
                put(found, attribute, self.node(item))
            for attribute, make in missing.items():
                put(found, attribute, make())
            return found

        return read


def _defaults(kind: type) -> dict[str, Callable[[], Any]]:
    if not dataclasses.is_dataclass(kind):
        return {}
    found: dict[str, Callable[[], Any]] = {}
    for each in dataclasses.fields(kind):
        if each.default_factory is not dataclasses.MISSING:
            found[each.name] = each.default_factory
        elif each.default is not dataclasses.MISSING:
            found[each.name] = _constantly(each.default)
    return found


def _constantly(value: Any) -> Callable[[], Any]:
    return lambda: value
