"""Everything that a state can hold has a form: whoever adds to it is told here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import is_dataclass
from enum import Enum
from types import UnionType
from typing import Any, Union, get_args, get_origin, get_type_hints

import pytest

from benchmarks.placement.ema import EmaOracle
from cost_models.knowledge import FORMS as OF_ORACLE
from cost_models.knowledge import Knowledge
from cost_models.oracle import Oracle
from scheduler.control.checkpoint.table import FORMS
from scheduler.control.state.state import State
from scheduler.model.forms import Form

PLAIN = {int, float, str, bytes, bool, type(None), object, Any}
HOLDERS = {tuple, dict, list, frozenset, set}


def parts(hint: Any) -> Iterator[type]:
    """Yield the classes that a type hint consists of."""
    if hint in PLAIN or hint is ...:
        return
    arguments = get_args(hint)
    if get_origin(hint) in {Union, UnionType} or arguments:
        for argument in arguments:
            yield from parts(argument)
    elif isinstance(hint, type) and hint not in HOLDERS:
        yield hint


def missing(kind: type, forms: dict[type, Form], seen: set[type]) -> Iterator[str]:
    """Yield what can be reached from the stored fields of a class and has no form."""
    if kind in seen:
        return
    seen.add(kind)
    form = forms.get(kind)
    if form is None:
        yield f"{kind.__module__}.{kind.__name__}"
    elif is_dataclass(kind) and not issubclass(kind, Enum):
        hints = get_type_hints(kind, vars(sys.modules[kind.__module__]))
        for name in form.stored.values():
            for part in parts(hints[name]):
                yield from missing(part, forms, seen)


@pytest.mark.parametrize("root", [State, Knowledge])
def test_all_that_can_be_reached_has_a_form(root: type) -> None:
    forms = {form.kind: form for form in (*FORMS, *OF_ORACLE)}
    assert list(missing(root, forms, set())) == []


@pytest.mark.parametrize("oracle", [Oracle(), EmaOracle()])
def test_no_tag_and_no_kind_is_there_twice(oracle: Oracle | EmaOracle) -> None:
    forms = (*FORMS, *oracle.forms)
    assert len({form.tag for form in forms}) == len({form.kind for form in forms}) == len(forms)


def test_what_the_attributes_of_a_register_and_of_load_times_are_is_all_stored() -> None:
    knowledge = Oracle().learned()
    for form in OF_ORACLE:
        if form.fields:
            (made,) = (
                part for part in (knowledge.register, knowledge.loads) if type(part) is form.kind
            )
            assert set(vars(made)) == set(form.fields.values())
