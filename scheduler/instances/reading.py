"""Shared parts of the readers: lines of numbers, documents, units of time, refusals."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NoReturn

from scheduler.model.errors import InvalidInstance
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.problem import Machine

MAX_MACHINES = 100_000
"""Most machines, more than any known file has: a broken header must not cost all memory."""
_WHOLE_UNITS = (1, 10, 100, 1000, 10_000, 100_000, 1_000_000)
SHOWN_CHARACTERS = 40
"""Most characters of a refused value that a message repeats."""

Line = tuple[int, str]
"""Number of a line, from 1, and its text."""


def refuse(where: str, law: str, got: object = None) -> NoReturn:
    """Raise `InvalidInstance` with the place, the law and the value."""
    came = "" if got is None else f"; got {_shown(got)}"
    raise InvalidInstance(f"{where}: {law}{came}", field=where)


def refuse_line(number: int, law: str, got: object = None) -> NoReturn:
    """Refuse a line by its number."""
    refuse(f"line {number}", law, got)


def _shown(got: object) -> str:
    text = got if isinstance(got, str) and " " in got else repr(got)
    return text if len(text) <= SHOWN_CHARACTERS else text[:SHOWN_CHARACTERS] + "..."


def lines(text: str) -> list[Line]:
    """Lines without their comments, with their numbers; blank ones are left out.

    So are headings, as collections have them: rulers of plus signs, and lines without any number
    before the first line with one.
    """
    numbered = (
        (i, line.partition("#")[0].strip()) for i, line in enumerate(text.splitlines(), start=1)
    )
    found = [(i, line) for i, line in numbered if line.strip("+")]
    first = next((at for at, (_, line) in enumerate(found) if _has_number(line)), 0)
    return found[first:]


def _has_number(line: str) -> bool:
    return any(word.replace(".", "", 1).isdecimal() for word in line.split())


def integers(line: Line) -> list[int]:
    """Whole numbers, zero or more, of a line that holds nothing else."""
    number, text = line
    try:
        found = list(map(int, text.split()))
    except ValueError:
        wrong = next(word for word in text.split() if not _is_integer(word))
        refuse_line(number, "wants whole numbers", wrong)
    if found and min(found) < 0:
        refuse_line(number, "wants numbers that are not negative", min(found))
    if found and max(found) > MAX_INTEGER:
        refuse_line(number, f"wants numbers up to {MAX_INTEGER}", max(found))
    return found


def _is_integer(word: str) -> bool:
    try:
        int(word)
    except ValueError:
        return False
    return True


def row(line: Line, length: int, what: str) -> list[int]:
    """Whole numbers of a line that has `length` of them."""
    found = integers(line)
    if len(found) != length:
        refuse_line(line[0], f"wants {length} numbers ({what})", f"{len(found)} numbers")
    return found


def machine_count(count: int, where: str) -> int:
    """Refuse a number of machines below 1 or above `MAX_MACHINES`."""
    if not 1 <= count <= MAX_MACHINES:
        refuse(where, f"wants between 1 and {MAX_MACHINES} machines", count)
    return count


def numbered_machines(count: int) -> tuple[Machine, ...]:
    """Machines ``m0, m1, ...``, each a device of its own."""
    return tuple(Machine(id=f"m{m}") for m in range(count))


def whole_unit(durations: Iterable[int]) -> int:
    """Microseconds for a unit of a file with whole times.

    One, unless an operation has no duration. The model gives it a microsecond, and the unit is then
    so long that no sum of those matters.
    """
    return 1 if all(durations) else 1_000_000


def real_unit(times: Sequence[float], *, roundings: int, shortest: float, where: str) -> int:
    """Microseconds for a unit of a file with real times: a power of ten.

    The least power that makes every time a whole number, if one up to a million does. Otherwise the
    least for which `roundings`, each of up to a microsecond, stay below a millionth of `shortest`,
    a lower bound on every schedule.
    """
    total = sum(times)
    if total > MAX_INTEGER:
        refuse(where, f"wants times of at most {MAX_INTEGER} in sum", f"{total:g}")
    unit = next((unit for unit in _WHOLE_UNITS if _all_whole(times, unit)), 0)
    if not unit:
        least = 1e6 * roundings / shortest if shortest > 0 else 1e6
        unit = 10 ** min(math.ceil(math.log10(min(max(least, 1.0), 1e99))), 99)
    if unit * total > MAX_INTEGER:
        refuse(where, "wants times within 15 digits of each other", f"{total:g} in sum")
    return unit


def _all_whole(times: Sequence[float], unit: int) -> bool:
    return all(time > 0 and _is_whole(time * unit) for time in times)


def _is_whole(value: float) -> bool:
    return abs(value - round(value)) <= 1e-9 * max(abs(value), 1.0)


def duration_us(time: float, us_per_unit: int) -> int:
    """Microseconds of a time in the file, at least one."""
    return max(1, round(time * us_per_unit))


def document(text: str) -> Any:
    """Parse JSON; numbers are finite."""
    try:
        return json.loads(text, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        refuse_line(error.lineno, f"is no JSON: {error.msg} in column {error.colno}")
    except (ValueError, RecursionError) as error:
        refuse("the document", f"is no JSON: {error}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number")


class Node:
    """A value in a document, with its path; each method reads it as one type."""

    __slots__ = ("path", "value")

    def __init__(self, value: Any, path: str = "") -> None:
        self.value = value
        self.path = path

    def refuse(self, law: str, got: object = None) -> NoReturn:
        """Raise `InvalidInstance` with the path."""
        refuse(self.path or "the document", law, got)

    def __contains__(self, key: str) -> bool:
        return isinstance(self.value, Mapping) and self.value.get(key) is not None

    def __getitem__(self, key: str) -> Node:
        if not isinstance(self.value, Mapping):
            self.refuse("must be an object", self.value)
        path = f"{self.path}.{key}" if self.path else key
        if key not in self.value:
            refuse(path, "is required")
        return Node(self.value[key], path)

    def get(self, key: str) -> Node | None:
        """Value of an optional key; null counts as absent."""
        if key in self:
            return self[key]
        return None

    def __iter__(self) -> Iterator[Node]:
        if not isinstance(self.value, list):
            self.refuse("must be an array", self.value)
        for i, item in enumerate(self.value):
            yield Node(item, f"{self.path}[{i}]")

    def string(self) -> str:
        """Read a string that is not empty."""
        if type(self.value) is not str or not self.value:
            self.refuse("must be a non-empty string", self.value)
        return self.value

    def integer(self, least: int = 0, most: int = MAX_INTEGER) -> int:
        """Read a whole number within limits; 3.0 is one."""
        value = self.value
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or not least <= value <= most:
            self.refuse(f"must be a whole number from {least} to {most}", self.value)
        return value

    def real(self) -> float:
        """Read a finite number that is not negative."""
        value = self.value
        if type(value) not in {int, float} or not 0 <= value <= MAX_INTEGER:
            self.refuse(f"must be a number from 0 to {MAX_INTEGER}", value)
        return float(value)

    def positive(self) -> float:
        """Read a finite number above zero."""
        value = self.real()
        if value <= 0:
            self.refuse("must be above 0", self.value)
        return value
