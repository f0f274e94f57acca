"""Sizes that a model leaves open are bound by rules, and pinned for providers that need it."""

from pathlib import Path

import numpy as np
import pytest
from onnx import helper

from devices.models import (
    AssumedSize,
    ModelInfo,
    assumed_sizes,
    bind_shapes,
    infer_shapes,
    pin_shapes,
    read_model,
)
from scheduler.model.errors import InvalidModel
from tests import onnx_models as onnx


@pytest.fixture
def info(tmp_path: Path) -> ModelInfo:
    """Inputs ``a[N, 3, T]`` and ``b[N, T, ?]``."""
    model = onnx.model(
        [onnx.node("Relu", "a", "y"), onnx.node("Relu", "b", "z")],
        inputs={"a": ["N", 3, "T"], "b": ["N", "T", None]},
        outputs=("y", "z"),
    )
    return read_model(onnx.save(model, tmp_path))


def test_open_batches_are_one_and_other_open_sizes_are_assumed(info: ModelInfo) -> None:
    assert bind_shapes(info, {}) == {"a": (1, 3, 64), "b": (1, 64, 64)}
    assert assumed_sizes(info, {}) == (
        AssumedSize(input="a", axis=0, size=1, symbol="N", is_batch=True),
        AssumedSize(input="a", axis=2, size=64, symbol="T"),
        AssumedSize(input="b", axis=0, size=1, symbol="N", is_batch=True),
        AssumedSize(input="b", axis=1, size=64, symbol="T"),
        AssumedSize(input="b", axis=2, size=64),
    )


def test_the_symbol_of_a_batch_is_one_size_on_every_axis(tmp_path: Path) -> None:
    # As in silero-vad: the state has the batch on its second axis.
    model = onnx.model(
        [onnx.node("Relu", "x", "y"), onnx.node("Relu", "state", "z")],
        inputs={"x": ["batch", "length"], "state": [2, "batch", 8]},
        outputs=("y", "z"),
    )
    info = read_model(onnx.save(model, tmp_path))
    assert bind_shapes(info, {}) == {"x": (1, 64), "state": (2, 1, 8)}
    assert bind_shapes(info, {"state": (2, 3, 8)})["x"] == (3, 64)


def test_a_symbol_has_one_size_everywhere(info: ModelInfo) -> None:
    assert bind_shapes(info, {"a": (2, 3, 7)}) == {"a": (2, 3, 7), "b": (2, 7, 64)}
    assert [(each.input, each.axis) for each in assumed_sizes(info, {"a": (2, 3, 7)})] == [("b", 2)]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"a": (1, 4, 7)}, r"shapes\.a must fit \[N, 3, T\].*; got \[1, 4, 7\]"),
        ({"a": (1, 3)}, r"shapes\.a must fit \[N, 3, T\].*; got \[1, 3\]"),
        ({"a": (1, 3, 0)}, r"shapes\.a must fit .*; got \[1, 3, 0\]"),
        ({"a": (1, 3, 7), "b": (1, 8, 1)}, r"shapes\.b must fit \[N, T, \?\] with .*'T': 7"),
        ({"c": (1,)}, r"shapes must be of the inputs a, b; got 'c'"),
    ],
)
def test_a_shape_that_does_not_fit_is_refused(
    info: ModelInfo, given: dict[str, tuple[int, ...]], message: str
) -> None:
    with pytest.raises(InvalidModel, match=message):
        bind_shapes(info, given)


def test_a_scalar_stays_a_scalar(tmp_path: Path) -> None:
    model = onnx.model([onnx.node("Add", "x s", "y")], inputs={"x": [4], "s": []})
    assert bind_shapes(read_model(onnx.save(model, tmp_path)), {"s": ()}) == {"x": (4,), "s": ()}


def test_pinning_makes_every_size_known(tmp_path: Path) -> None:
    path = onnx.save(onnx.mlp(batch="N"), tmp_path)
    pin_shapes(path, {"x": (5, 64)}, tmp_path / "pinned.onnx")
    infer_shapes(tmp_path / "pinned.onnx")
    pinned = read_model(tmp_path / "pinned.onnx")
    assert pinned.inputs[0].shape == (5, 64)
    assert pinned.outputs[0].shape == (5, 64)


def test_pinning_drops_weights_from_the_inputs(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Add", "x w", "y")],
        inputs={"x": ["N"], "w": [1]},
        constants={"w": np.ones(1, dtype=np.float32)},
    )
    model.ir_version = 3  # such files had to list their weights
    pin_shapes(onnx.save(model, tmp_path), {"x": (2,)}, tmp_path / "pinned.onnx")
    pinned = read_model(tmp_path / "pinned.onnx")
    assert [tensor.name for tensor in pinned.inputs] == ["x"]


def test_a_wrong_note_of_a_shape_is_not_carried_on(tmp_path: Path) -> None:
    model = onnx.model(
        [onnx.node("Relu", "x", "a"), onnx.node("Relu", "a", "y")], inputs={"x": [1, 4]}
    )
    model.graph.value_info.append(helper.make_tensor_value_info("a", onnx.FLOAT, [1, 8]))
    path = onnx.save(model, tmp_path)
    infer_shapes(path)
    assert read_model(path).outputs[0].shape == (1, 4)


def test_shapes_that_contradict_each_other_are_found(tmp_path: Path) -> None:
    model = onnx.model([onnx.node("MatMul", "x w", "y")], inputs={"x": [1, 4], "w": [3, 2]})
    with pytest.raises(InvalidModel, match="the shapes of a model must fit each other"):
        infer_shapes(onnx.save(model, tmp_path))
