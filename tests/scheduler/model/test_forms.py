"""Objects come back from plain data as they were, also under other names of their classes."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import msgspec
import pytest

from scheduler.model.errors import Defect, InvalidCheckpoint
from scheduler.model.forms import Form, Forms


class Colour(Enum):
    RED = "red"


@dataclass(slots=True)
class Node:
    name: str
    next: Node | None = None


@dataclass(frozen=True, slots=True)
class Renamed:
    title: str
    links: tuple[str, ...] = ()
    notes: list[str] = field(default_factory=list)
    worked_out: int = 7


FORMS = Forms([Form("node", Node), Form("colour", Colour)])
NEW = Forms([Form("node", Renamed, former={"name": "title", "next": "links"})])
SHAPES = Forms([Form("node", Renamed, left_out=("worked_out",))])


def there_and_back(value: Any, forms: Forms = FORMS) -> Any:
    data = msgspec.msgpack.encode(forms.write(value))
    return forms.read(msgspec.msgpack.decode(data))


@pytest.mark.parametrize(
    "value",
    [
        None,
        True,
        -(1 << 63),
        1 << 80,
        0.1 + 0.2,
        float("inf"),
        b"\0\xff",
        "a text that is long",
        [],
        (),
        [(1, (2.0, "x")), {"a": {}}],
        {(1, "b"): [None], 2: ()},
        frozenset({"one", "two"}),
        {1, 2},
        Colour.RED,
        {Colour.RED: Colour.RED},
    ],
)
def test_values_come_back_equal_and_of_the_same_type(value: object) -> None:
    found = there_and_back(value)
    assert found == value
    assert type(found) is type(value)


def test_order_of_a_dictionary_and_length_of_a_deque_are_kept() -> None:
    named, few = there_and_back(({"z": 1, "a": 2}, deque([1, 2], maxlen=2)))
    assert list(named) == ["z", "a"]
    assert few == deque([1, 2])
    assert few.maxlen == 2


def test_what_was_one_object_is_one_object_again_even_in_a_circle() -> None:
    node, shared = Node("first"), [1]
    node.next = node
    found, one, other, equal = there_and_back((node, shared, shared, [1]))
    assert found.next is found
    assert one is other
    assert one is not equal


def test_a_class_may_get_another_name_and_its_fields_too() -> None:
    document = FORMS.write(Node("first", None))
    assert NEW.read(document) == Renamed("first", None)  # type: ignore[arg-type]


def test_a_field_that_the_data_do_not_have_begins_at_its_default() -> None:
    one, other = SHAPES.read({"forms": [["node", ["title"]]], "root": [2, [16, "a"], [16, "b"]]})
    assert (one, other) == (Renamed("a"), Renamed("b"))
    assert one.notes is not other.notes


def test_what_is_left_out_begins_at_its_default() -> None:
    assert there_and_back(Renamed("a", worked_out=99), SHAPES).worked_out == 7


def test_a_constant_is_read_as_itself() -> None:
    constant = Node("constant")
    forms = Forms([Form("node", Node)], {"it": constant})
    found = there_and_back([constant, Node("constant")], forms)
    assert found[0] is constant
    assert found[1] is not constant


def test_the_order_of_a_set_does_not_show_in_the_data() -> None:
    names = [f"name-{i}" for i in range(20)]
    assert FORMS.write(frozenset(names)) == FORMS.write(frozenset(reversed(names)))


@pytest.mark.parametrize("odd", [object(), [1 + 2j], Renamed("a")])
def test_what_has_no_form_cannot_be_written(odd: object) -> None:
    with pytest.raises(Defect, match="no form says how a"):
        FORMS.write(odd)


@pytest.mark.parametrize(
    ("document", "law"),
    [
        ({"forms": [["other", []]], "root": [16]}, "other"),
        ({"forms": [["node", ["name", "odd"]]], "root": [16, "a", 1]}, "must not give odd"),
        ({"forms": [["node", ["next"]]], "root": [16, None]}, "must give name"),
        ({"forms": [["node", ["name"]]], "root": [16]}, "readable"),
        ({"forms": [["colour", []]], "root": [16, "blue"]}, "readable"),
        ({"forms": [], "root": [2, [0, 0]]}, "must not hold itself"),
        ({"forms": [], "root": [17]}, "readable"),
        ({}, "readable"),
    ],
)
def test_data_of_another_form_are_refused(document: dict[str, Any], law: str) -> None:
    with pytest.raises(InvalidCheckpoint, match=law):
        FORMS.read(document)
