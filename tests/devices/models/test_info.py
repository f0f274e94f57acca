"""Reading the inputs and outputs of a model."""

from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from devices.models import TensorInfo, read_model
from scheduler.model.errors import InvalidModel
from tests import onnx_models as onnx


def test_inputs_tell_sizes_symbols_and_what_is_unknown(tmp_path: Path) -> None:
    path = onnx.save(
        onnx.model([onnx.node("Relu", "x", "y")], inputs={"x": ["N", 3, None]}), tmp_path
    )
    info = read_model(path)
    assert info.inputs == (TensorInfo(name="x", dtype="float32", shape=("N", 3, None)),)
    assert info.inputs[0].is_dynamic
    assert info.outputs[0].shape is None
    assert (info.opset, info.domains, info.nodes) == (onnx.OPSET, ("ai.onnx",), 1)
    assert info.size_bytes == path.stat().st_size


@pytest.mark.parametrize("name", ["?", "None", "none", "NULL", "*", "-1", "unknown", "dynamic"])
def test_placeholders_are_open_sizes_and_no_common_symbol(tmp_path: Path, name: str) -> None:
    model = onnx.model([onnx.node("Relu", "x", "y")], inputs={"x": [name, name]})
    assert read_model(onnx.save(model, tmp_path)).inputs[0].shape == (None, None)


def test_weights_listed_among_the_inputs_are_not_for_the_caller(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Add", "x w", "y")],
        inputs={"x": [4], "w": [4]},
        constants={"w": np.ones(4, dtype=np.float32)},
    )
    assert [tensor.name for tensor in read_model(onnx.save(model, tmp_path)).inputs] == ["x"]


@pytest.mark.parametrize(
    ("dtype", "name"),
    [
        (TensorProto.STRING, "string"),
        (TensorProto.UINT8, "uint8"),
        (TensorProto.BOOL, "bool"),
        (TensorProto.FLOAT16, "float16"),
        (TensorProto.BFLOAT16, "bfloat16"),
    ],
)
def test_element_types_have_numpy_names(tmp_path: Path, dtype: int, name: str) -> None:
    model = onnx.model([onnx.node("Identity", "x", "y")], dtype=dtype)
    assert read_model(onnx.save(model, tmp_path)).inputs[0].dtype == name


def test_nodes_of_subgraphs_count(tmp_path: Path) -> None:
    # Two branches per level: 1 + 2 at depth one, 1 + 2 * 3 at depth two.
    assert read_model(onnx.save(onnx.nested(2), tmp_path)).nodes == 7


def test_an_output_that_is_no_tensor_is_refused(tmp_path: Path) -> None:
    model = onnx.relu()
    sequence = helper.make_sequence_type_proto(helper.make_tensor_type_proto(onnx.FLOAT, None))
    model.graph.output[0].type.CopyFrom(sequence)
    with pytest.raises(InvalidModel, match="'y' must be a tensor; got sequence_type"):
        read_model(onnx.save(model, tmp_path))


@pytest.mark.parametrize("content", [b"", b"<html>no model</html>", b"\x00" * 64])
def test_a_file_that_is_no_model_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.onnx"
    path.write_bytes(content)
    with pytest.raises(InvalidModel, match="must be a"):
        read_model(path)


def test_no_cut_of_a_model_passes_for_a_whole_one(tmp_path: Path) -> None:
    whole = onnx.mlp(layers=1, width=4).SerializeToString()
    path = tmp_path / "model.onnx"
    for length in range(0, len(whole) - 8):
        path.write_bytes(whole[:length])
        with pytest.raises(InvalidModel):
            read_model(path)
