"""Numbers and texts as inputs, by the type that the workload declares."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import numpy as np
import pytest

from fjord import InvalidValue
from fjord.client.calls.declared import DeclaredInputs, array_of
from fjord.client.wire import Input, Steps

DECLARED = [
    {"name": "n", "dtype": "uint64", "shape": []},
    {"name": "batch", "dtype": "float32", "shape": ["b", 1]},
    {"name": "words", "dtype": "string", "shape": [-1], "is_list": True},
    {"name": "x", "dtype": "float32", "shape": None},
]


def arrays(inputs: Mapping[str, Input], questions: int = 1) -> dict[str, Any]:
    """Give the inputs as arrays, and hold the number of questions to the service."""
    steps: Steps[Any] = DeclaredInputs("w").arrays(inputs)
    try:
        next(steps)
        assert questions == 1
        steps.send(httpx.Response(200, json={"inputs": DECLARED}))
    except StopIteration as stop:
        found: dict[str, Any] = stop.value
        return found
    raise AssertionError("types must be asked for once")


def test_numbers_take_the_declared_type_and_one_value_fits_a_shape_of_one_element() -> None:
    found = arrays({"n": 2**64 - 1, "batch": np.int8(3), "x": [[1, 2.5]]})
    assert (found["n"].dtype, found["n"].shape, int(found["n"])) == (np.uint64, (), 2**64 - 1)
    assert (found["batch"].dtype, found["batch"].tolist()) == (np.float32, [[3.0]])
    assert (found["x"].dtype, found["x"].shape) == (np.float32, (1, 2))


def test_a_list_is_one_array_of_each_item_where_a_list_is_declared() -> None:
    found = arrays({"words": [["a", "b"], "c"]})
    assert [each.tolist() for each in found["words"]] == [["a", "b"], ["c"]]


def test_objects_in_an_array_are_taken_one_by_one() -> None:
    texts = np.array([["a", "bc"]], dtype=object)
    found = arrays({"words": [texts], "n": np.array(7, dtype=object)})
    assert ([each.tolist() for each in found["words"]], int(found["n"])) == ([[["a", "bc"]]], 7)


def test_arrays_files_and_lists_of_arrays_are_sent_without_a_question() -> None:
    given: dict[str, Input] = {"x": np.ones(2), "raw": b"raw", "many": [np.ones(1)]}
    assert arrays(given, questions=0) == given


def test_a_name_that_the_workload_does_not_have_is_refused_with_those_it_has() -> None:
    with pytest.raises(InvalidValue, match=r"inputs.y must be an input.*batch, n, words, x"):
        arrays({"y": 1})


@pytest.mark.parametrize(
    ("value", "dtype", "law"),
    [
        (1.5, "int64", "must hold int64 values; got 1.5"),
        (True, "int64", "must hold int64 values; got True"),
        (1, "bool", "must hold bool values; got 1"),
        (256, "uint8", "must hold values from 0 to 255; got 256"),
        (-1, "uint64", "must hold values from 0 to 18446744073709551615; got -1"),
        (1e6, "float16", "must hold values within float16; got 1000000.0"),
        ("page.png", "uint8", "must hold uint8 values; got 'page.png'"),
        (1, "string", "must hold texts; got 1"),
        ([[1], [1, 2]], "float32", "must be a regular array"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_by_field_law_and_value(
    value: Any, dtype: str, law: str
) -> None:
    with pytest.raises(InvalidValue, match=f"^inputs.x {law}") as raised:
        array_of(value, dtype, None, "inputs.x")
    assert raised.value.field == "inputs.x"


def test_flags_infinities_and_integers_at_the_edges_come_through_as_they_are() -> None:
    assert array_of(np.bool_(True), "bool", None, "x").tolist() is True
    assert array_of(float("inf"), "float32", None, "x") == np.inf
    assert array_of([2**63, 0], "uint64", None, "x").tolist() == [2**63, 0]
    assert array_of([], "int32", None, "x").dtype == np.int32
