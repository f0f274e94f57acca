"""``fjord cost predict`` on a file: a distribution, where it comes from, and why."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli.app import run
from tests.api.http.routes.conftest import doubling_model


def test_file_is_predicted_without_a_service(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "double.onnx"
    file.write_bytes(doubling_model())
    asked = ["cost", "predict", str(file), "--machine", "a/cpu0", "--data", str(tmp_path)]
    assert run([*asked, "--shape", "x=64,3", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["predictions"]
    assert 1 <= found["p10_us"] <= found["p50_us"] <= found["p95_us"]
    assert (found["machine"], found["provenance"]) == ("a/cpu0", "assumed")
    assert "peaks of an ordinary core" in [part["cause"] for part in found["slowdowns"]]
    assert run(asked) == 0
    assert "assumed" in capsys.readouterr().out


def test_file_is_predicted_beside_a_load(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "double.onnx"
    file.write_bytes(doubling_model())
    asked = ["cost", "predict", str(file), "--data", str(tmp_path), "--json"]
    found = []
    for load in ([], ["--load", "compute:1000:60", "--neighbour", "memory:cpu"]):
        assert run([*asked, *load]) == 0
        found += json.loads(capsys.readouterr().out)["predictions"]
    idle, beside = found
    assert beside["p50_us"] >= idle["p50_us"]
    assert beside["p95_us"] > idle["p95_us"]
    assert run([*asked, "--load", "heavy:1:60"]) == 2
    assert "load must be KIND:CORES:PERCENT" in capsys.readouterr().err


def test_file_that_is_no_model_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "x.onnx").write_bytes(b"nothing")
    assert run(["cost", "predict", str(tmp_path / "x.onnx"), "--data", str(tmp_path)]) == 2
    assert "model must be a complete ONNX file" in capsys.readouterr().err
