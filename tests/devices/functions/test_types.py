from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from devices.functions.types import check_value, compatible, stated_type, type_of
from fjord import InvalidDeclaration, TensorType
from fjord.functions.types import ANY
from scheduler.model.errors import InvalidTensor, InvalidWorkload

IMAGE = TensorType("uint8", ("h", "w", 3))


@pytest.mark.parametrize(
    ("producer", "consumer", "reason"),
    [
        (IMAGE, IMAGE, None),
        (TensorType("uint8"), IMAGE, None),
        (TensorType("uint8", (-1, None, "c")), IMAGE, None),
        (IMAGE, TensorType(ANY), None),
        (TensorType("float32", (1, 1, 3)), IMAGE, "dtype must be uint8; got float32"),
        (TensorType("uint8", (1, 3)), IMAGE, "must have 3 dimensions; got 2"),
        (TensorType("uint8", (1, 1, 4)), IMAGE, "dimension 2 must be 3; got 4"),
        (IMAGE.list_of, IMAGE, "must be one tensor; got a list"),
        (IMAGE, IMAGE.list_of, "must be a list; got one tensor"),
        (IMAGE.list_of.item, IMAGE, None),
    ],
)
def test_types_fit_unless_something_known_differs(
    producer: TensorType, consumer: TensorType, reason: str | None
) -> None:
    assert compatible(producer, consumer) == reason


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (np.zeros((2, 2, 3), np.float32), "x dtype must be uint8; got float32"),
        (np.zeros((2, 2, 4), np.uint8), "x dimension 2 must be 3; got 4"),
        ([np.zeros((2, 2, 3), np.uint8)], "x must be one tensor"),
    ],
)
def test_a_value_of_another_type_is_refused(value: Any, message: str) -> None:
    check_value(IMAGE, np.zeros((0, 2, 3), np.uint8), "x")
    with pytest.raises(InvalidTensor, match=message):
        check_value(IMAGE, value, "x")


def test_a_wrong_item_of_a_list_is_named() -> None:
    items = [np.zeros((1, 1, 3), np.uint8), np.zeros((1, 1), np.uint8)]
    with pytest.raises(InvalidTensor, match=r"x\[1\] must have 3 dimensions; got 2"):
        check_value(IMAGE.list_of, items, "x")


def test_the_type_of_a_value_is_exact() -> None:
    assert type_of(np.array(["a"])) == TensorType("string", (1,))
    assert type_of([np.zeros(2), np.zeros(3)]) == TensorType("float64", None, is_list=True)


@pytest.mark.parametrize(
    ("dtype", "shape"), [("object", None), ("uint8", (-2,)), ("uint8", (True,))]
)
def test_a_type_that_cannot_be_is_refused(dtype: str, shape: tuple[int, ...] | None) -> None:
    with pytest.raises(InvalidDeclaration):
        TensorType(dtype, shape)
    with pytest.raises(InvalidWorkload):
        stated_type(dtype, shape)
