"""Functions of a user's package, written as the page on workloads says."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from devices.functions.registry import find
from scheduler.model.errors import InvalidTensor

PAGE = Path(__file__).parents[2] / "docs" / "workloads.md"


@pytest.fixture(scope="module")
def declared() -> str:
    """Name of the function that the page declares; it imports the public package alone."""
    (code,) = re.findall(r"```python\n(from fjord import Array.*?)```", PAGE.read_text(), re.DOTALL)
    exec(code, {"__name__": "my_package.colours"})
    name: str = re.findall(r'name="(\w+)"', code)[0]
    return name


def test_function_of_the_page_is_found_by_its_name(declared: str) -> None:
    image = np.full((4, 4, 3), 7, np.uint8)
    given = find(declared)({"image": image}, {"border": 1})
    assert given["colour"].tolist() == [7, 7, 7]  # type: ignore[union-attr]
    assert find(declared).summary.startswith("Mean colour")


def test_function_of_the_page_refuses_a_border_that_leaves_nothing(declared: str) -> None:
    with pytest.raises(InvalidTensor, match=r"border must leave pixels of \(4, 4, 3\); got 2"):
        find(declared)({"image": np.zeros((4, 4, 3), np.uint8)}, {"border": 2})
