"""``fjord cost features``: counts for people and programs, and one line for a fault."""

import json
from pathlib import Path

import pytest
from onnx import helper

from api.cli.app import run
from cost_models.features import FEATURES
from tests import onnx_models as onnx

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def net(tmp_path: Path) -> str:
    return str(onnx.save(onnx.conv_net(), tmp_path, "net"))


@pytest.fixture
def open_net(tmp_path: Path) -> str:
    return str(onnx.save(onnx.mlp(batch="N", width=8), tmp_path, "open"))


def test_a_table_shows_classes_totals_and_what_is_fused(net: str, capsys: Captured) -> None:
    assert run(["cost", "features", net]) == 0
    out = capsys.readouterr().out
    assert "Conv x2, Relu x2" in out
    assert "conv-relu" in out
    assert "critical path" in out


def test_json_holds_the_features_and_every_operator(net: str, capsys: Captured) -> None:
    assert run(["cost", "features", net, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert tuple(found["features"]) == FEATURES
    assert [op["op_type"] for op in found["operators"]][:2] == ["Conv", "Relu"]
    # 2 x (8 x 16 x 16) x (3 x 3 x 3)
    assert found["operators"][0]["flops"] == 110_592
    assert found["unknown"] == []


def test_a_given_shape_is_counted(open_net: str, capsys: Captured) -> None:
    assert run(["cost", "features", open_net, "--shape", "x=5,8", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["features"]["input_bytes"] == 5 * 8 * 4


def test_what_is_not_known_is_said(tmp_path: Path, capsys: Captured) -> None:
    fancy = helper.make_node("Fancy", ["x"], ["y"], domain="com.example")
    file = onnx.save(onnx.model([fancy], inputs={"x": [4]}), tmp_path)
    assert run(["cost", "features", str(file)]) == 0
    assert "not known, so their cost is a guess: com.example.Fancy" in capsys.readouterr().err


def test_open_sizes_are_said_with_an_example(tmp_path: Path, capsys: Captured) -> None:
    made = onnx.model([onnx.node("Relu", "x", "y")], inputs={"x": ["N", 3, "H", "W"]})
    assert run(["cost", "features", str(onnx.save(made, tmp_path, "open"))]) == 2
    err = capsys.readouterr().err
    assert "open.onnx leaves sizes open: add for example --shape x=1,3,64,64" in err


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ("x=5,9", "shapes.x must fit [N, 8] with {'N': 5}; got [5, 9]"),
        ("z=1", "shapes must be of the inputs x; got 'z'"),
        ("x=a", "--shape must be NAME=SIZE,SIZE"),
    ],
)
def test_a_shape_that_is_wrong_is_one_clear_line(
    shape: str, message: str, open_net: str, capsys: Captured
) -> None:
    assert run(["cost", "features", open_net, "--shape", shape]) == 2
    err = capsys.readouterr().err
    assert message in err
    assert err.count("\n") == 1


def test_a_file_that_is_missing_or_no_model_is_one_clear_line(capsys: Captured) -> None:
    for file, message in (
        ("/not/there.onnx", "/not/there.onnx: No such file or directory"),
        (__file__, "model must be a complete ONNX file"),
        (str(Path(__file__).parent), "Is a directory"),
    ):
        assert run(["cost", "features", file]) == 2
        err = capsys.readouterr().err
        assert message in err
        assert err.count("\n") == 1
