"""A model is first loaded in a child that may lose its life over it."""

from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from devices.models import ModelLimits, check_in_child
from scheduler.model.errors import InvalidModel, TooLarge
from tests import onnx_models as onnx

MIB = 1024 * 1024


def _computes_while_loading() -> ModelProto:
    """Products of constants, which a runtime computes when it loads them: minutes of work."""
    count = 200
    nodes = [onnx.node("ConstantOfShape", "shape", "m0")]
    nodes += [onnx.node("MatMul", f"m{i} m0", f"m{i + 1}") for i in range(count)]
    nodes.append(onnx.node("Add", f"m{count} x", "y"))
    return onnx.model(nodes, inputs={"x": [1]}, constants={"shape": np.array([4000, 4000])})


def test_a_good_model_comes_back_described(tmp_path: Path) -> None:
    info = check_in_child(onnx.save(onnx.conv_net(), tmp_path))
    assert info.inputs[0].shape == (1, 3, 32, 32)


def test_a_file_of_a_newer_exporter_is_described_by_a_child_that_writes_nothing(
    tmp_path: Path,
) -> None:
    model = onnx.relu()
    model.ir_version = 99
    assert check_in_child(onnx.save(model, tmp_path)).inputs[0].name == "x"


def test_a_refusal_of_the_child_is_raised_here(tmp_path: Path) -> None:
    path = onnx.save(onnx.relu(), tmp_path)
    with pytest.raises(TooLarge, match="at most 10 bytes"):
        check_in_child(path, ModelLimits(max_bytes=10))


def test_a_graph_that_no_runtime_loads_is_refused(tmp_path: Path) -> None:
    model = onnx.model([onnx.node("Relu", "nothing", "y")])
    with pytest.raises(InvalidModel, match=r"must load on the CPU: .*nothing"):
        check_in_child(onnx.save(model, tmp_path))


def test_a_model_that_uses_up_its_processor_time_is_refused(tmp_path: Path) -> None:
    path = onnx.save(_computes_while_loading(), tmp_path)
    with pytest.raises(InvalidModel, match="used up its processor time"):
        check_in_child(path, ModelLimits(cpu_s=1))


def test_a_child_that_does_not_end_is_ended(tmp_path: Path) -> None:
    path = onnx.save(_computes_while_loading(), tmp_path)
    with pytest.raises(InvalidModel, match=r"must load within 0\.05 s"):
        check_in_child(path, ModelLimits(wall_s=0.05))


@pytest.mark.parametrize("weights_mib", [100, 200])
def test_a_model_that_needs_more_memory_than_a_check_may_have_is_refused_by_name(
    tmp_path: Path, weights_mib: int
) -> None:
    weights = np.zeros((weights_mib * MIB // 4, 1), np.float32)
    model = onnx.model([onnx.node("Add", "x w", "y")], inputs={"x": [1]}, constants={"w": weights})
    path = onnx.save(model, tmp_path)
    with pytest.raises(InvalidModel, match=f"{280 * MIB} bytes of memory"):
        check_in_child(path, ModelLimits(memory_bytes=280 * MIB))


def test_a_child_without_memory_is_a_refusal(tmp_path: Path) -> None:
    path = onnx.save(onnx.relu(), tmp_path)
    with pytest.raises(InvalidModel, match="must load"):
        check_in_child(path, ModelLimits(memory_bytes=48 * MIB))


def test_the_child_knows_no_secrets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # A stand-in for a token in the environment: Python does not start with this one.
    monkeypatch.setenv("PYTHONHOME", str(tmp_path / "nowhere"))
    assert check_in_child(onnx.save(onnx.relu(), tmp_path)).nodes == 1
