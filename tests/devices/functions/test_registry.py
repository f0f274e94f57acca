from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from devices.functions import registry
from devices.functions.params import check_params
from devices.functions.registry import find, functions
from fjord import InvalidDeclaration, InvalidValue, Param, ParamKind, TensorType, function
from scheduler.model.errors import InvalidTensor, InvalidWorkload, UnknownName


def test_the_built_in_functions_are_found_by_entry_point() -> None:
    found = functions()
    assert {"decode_image", "threshold_boxes", "ctc_decode", "top_k"} <= found.keys()
    for name, each in found.items():
        assert each.name == name
        assert each.expected_us >= 1
        assert each.summary


def test_an_unknown_function_is_refused_with_the_choices() -> None:
    with pytest.raises(UnknownName, match=r"stages\[0\].function must be one of arg_max, .*'nope'"):
        find("nope", "stages[0].function")


def test_two_functions_cannot_have_one_name() -> None:
    with pytest.raises(InvalidDeclaration, match="'arg_max' is already declared in devices"):

        @function(name="arg_max", inputs={}, outputs={})
        def other() -> dict[str, Any]:
            return {}


def test_a_plug_in_that_breaks_takes_no_other_function_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    package = tmp_path / "broken-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Name: broken\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text("[fjord.functions]\nbroken = broken_plug_in\n")
    (tmp_path / "broken_plug_in.py").write_text("raise RuntimeError('not here')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    registry._load.cache_clear()
    assert "arg_max" in functions()
    assert "broken_plug_in cannot be loaded" in caplog.text
    registry._load.cache_clear()


def test_a_function_checks_what_it_takes_and_what_it_gives() -> None:
    wrong = registry.Function(
        name="wrong",
        inputs={"x": TensorType("float32", (2,))},
        outputs={"y": TensorType("int64")},
        params={},
        expected_us=1,
        body=lambda x: {"y": x},
    )
    with pytest.raises(InvalidTensor, match=r"wrong.x dimension 0 must be 2; got 3"):
        wrong({"x": np.zeros(3, np.float32)}, {})
    with pytest.raises(InvalidTensor, match=r"wrong.y dtype must be int64; got float32"):
        wrong({"x": np.zeros(2, np.float32)}, {})
    with pytest.raises(InvalidTensor, match=r"wrong takes x; got z"):
        wrong({"z": np.zeros(2, np.float32)}, {})


def test_a_value_that_a_function_refuses_is_the_callers_fault() -> None:
    def body(x: Any) -> dict[str, Any]:
        raise InvalidValue(f"x must not be empty; got {x.shape}", field="x")

    refusing = registry.Function(
        name="refusing",
        inputs={"x": TensorType("float32")},
        outputs={},
        params={},
        expected_us=1,
        body=body,
    )
    with pytest.raises(InvalidTensor, match=r"x must not be empty; got \(0,\)") as error:
        refusing({"x": np.zeros(0, np.float32)}, {})
    assert error.value.field == "x"


PARAMS = {
    "whole": Param(kind=ParamKind.INTEGER, default=1, minimum=0, maximum=9),
    "number": Param(kind=ParamKind.NUMBER, default=0.5),
    "flag": Param(kind=ParamKind.FLAG, default=False),
    "way": Param(kind=ParamKind.TEXT, default="a", choices=("a", "b")),
    "means": Param(kind=ParamKind.NUMBERS, default=(0.0,), length=1),
    "letters": Param(kind=ParamKind.CHARACTERS, default=""),
}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"whole": -1}, "p.whole must be >= 0; got -1"),
        ({"whole": 10}, "p.whole must be <= 9; got 10"),
        ({"whole": True}, "p.whole must be an integer; got True"),
        ({"whole": 1.0}, r"p.whole must be an integer; got 1\.0"),
        ({"number": math.nan}, "p.number must be a finite number; got nan"),
        ({"number": "1"}, "p.number must be a finite number; got '1'"),
        ({"flag": 1}, "p.flag must be true or false; got 1"),
        ({"way": "c"}, "p.way must be one of a, b; got 'c'"),
        ({"means": 0.5}, "p.means must be a list of finite numbers"),
        ({"means": [1, 2]}, "p.means must have 1 elements; got 2"),
        ({"means": [math.inf]}, "p.means must be a list of finite numbers; got inf"),
        ({"letters": [1]}, "p.letters must be a text, or a list of texts; got 1"),
        ({"other": 1}, "p.other is no parameter; there are: flag, letters"),
    ],
)
def test_a_wrong_parameter_is_named(given: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidWorkload, match=message) as error:
        check_params(PARAMS, given, "p")
    assert error.value.field == f"p.{next(iter(given))}"


def test_a_parameter_without_a_default_must_be_given() -> None:
    with pytest.raises(InvalidWorkload, match=r"p.x must be given: an integer"):
        check_params({"x": Param(kind=ParamKind.INTEGER)}, {}, "p")


def test_defaults_fill_what_is_not_given() -> None:
    found = check_params(PARAMS, {"whole": 9, "means": [2]}, "p")
    assert found == {
        "whole": 9,
        "number": 0.5,
        "flag": False,
        "way": "a",
        "means": (2,),
        "letters": "",
    }
