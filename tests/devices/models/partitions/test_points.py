"""Cutting a model into pieces."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import ModelProto, shape_inference

from devices.catalogue import provider
from devices.models.partitions.points import cut, cut_points
from devices.runtime.session import open_session
from tests.onnx_models import model, node, save, weights

X = np.linspace(-1, 1, 1 * 4 * 8 * 8, dtype=np.float32).reshape(1, 4, 8, 8)


def two_ways() -> ModelProto:
    """A layer, two branches that meet again, a layer."""
    nodes = [
        node("Conv", "x w0", "a", pads=[1, 1, 1, 1]),
        node("Relu", "a", "b"),
        node("Sigmoid", "b", "left"),
        node("Tanh", "b", "right"),
        node("Add", "left right", "c"),
        node("Conv", "c w0", "y", pads=[1, 1, 1, 1]),
    ]
    whole = model(nodes, inputs={"x": [1, 4, 8, 8]}, constants={"w0": weights(1, 4, 4, 3, 3)})
    return shape_inference.infer_shapes(whole)


def run(part: ModelProto, value: object, folder: Path) -> np.ndarray[Any, Any]:
    session = open_session(save(part, folder), provider("cpu"))
    (result,) = session.run({session.inputs[0].name: np.asarray(value)}).values()
    return np.asarray(result)


def test_a_model_is_cut_where_one_tensor_carries_all() -> None:
    assert cut_points(two_ways()) == ["a", "b", "c"]


@pytest.mark.parametrize("points", [["a"], ["b", "c"], ["a", "b", "c"], []])
def test_the_pieces_in_a_row_compute_what_the_whole_does(tmp_path: Path, points: list[str]) -> None:
    whole = two_ways()
    value = X
    for part in cut(whole, points):
        value = run(part, value, tmp_path)
    assert np.allclose(value, run(whole, X, tmp_path), atol=1e-6)


def test_a_tensor_of_unknown_size_is_no_place_to_cut() -> None:
    open_model = model([node("Relu", "x", "a"), node("Relu", "a", "y")])
    assert cut_points(shape_inference.infer_shapes(open_model)) == []


def test_what_follows_from_constants_alone_does_not_stand_in_the_way() -> None:
    nodes = [node("Relu", "k", "k2"), node("Relu", "x", "a"), node("Add", "a k2", "y")]
    whole = model(nodes, inputs={"x": [2, 4]}, constants={"k": weights(1, 2, 4)})
    assert cut_points(shape_inference.infer_shapes(whole)) == ["a"]
