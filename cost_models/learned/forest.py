"""Trees as plain arrays, and as ONNX models.

References
----------
``TreeEnsembleRegressor`` of the operator set ai.onnx.ml 3: one node holds the trees of all three
outputs. Two more nodes keep the quantiles apart, so that they never cross.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, helper

OUTPUTS = 3
"""Outputs of the trees: distance of p10 below p50; p50; distance of p95 above p50."""
_LEAF = "LEAF"
_BRANCH = "BRANCH_LEQ"


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree in arrays: left of `threshold` (or at it) goes to `left`; a leaf has no children.

    Parameters
    ----------
    feature
        Column that a node looks at; -1 for a leaf.
    value
        Value of a leaf; 0 for other nodes.
    """

    feature: tuple[int, ...]
    threshold: tuple[float, ...]
    left: tuple[int, ...]
    right: tuple[int, ...]
    value: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Forest:
    """Sums of trees for each output, from a base value each."""

    trees: tuple[tuple[Tree, ...], ...]
    bases: tuple[float, ...]

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs of the ONNX model where no engine is at hand: log-ratios p10, p50 and p95."""
        low, middle, high = (
            base + _total(trees, rows) for base, trees in zip(self.bases, self.trees, strict=True)
        )
        low, high = np.maximum(low, 0.0), np.maximum(high, 0.0)
        return np.stack([middle - low, middle, middle + high], axis=1).astype(np.float32)

    @property
    def size(self) -> int:
        """Trees of all outputs."""
        return sum(len(trees) for trees in self.trees)


@dataclass(frozen=True, slots=True)
class Factors:
    """A sum of trees with one output: the logarithm of a factor."""

    trees: tuple[Tree, ...]
    level: float

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float32]:
        """Outputs of the ONNX model where no engine is at hand: ``(n, 1)``."""
        return (self.level + _total(self.trees, rows)).astype(np.float32)[:, None]


def _total(trees: Sequence[Tree], rows: NDArray[np.float32]) -> NDArray[np.float64]:
    return sum((_walk(tree, rows) for tree in trees), np.zeros(len(rows)))


def _walk(tree: Tree, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    feature, threshold = np.array(tree.feature), np.array(tree.threshold, dtype=np.float32)
    left, right = np.array(tree.left), np.array(tree.right)
    node = np.zeros(len(rows), dtype=np.int64)
    every = np.arange(len(rows))
    while (feature[node] >= 0).any():
        goes_left = rows[every, feature[node]] <= threshold[node]
        following = np.where(goes_left, left[node], right[node])
        node = np.where(feature[node] >= 0, following, node)
    return np.array(tree.value)[node]


def to_onnx(forest: Forest, columns: int) -> bytes:
    """One model: a matrix of rows in, log-ratios p10, p50 and p95 of each out."""
    # The outer parts are distances from the median, none below zero, so quantiles keep order.
    floor = np.array([[0.0, np.finfo(np.float32).min, 0.0]], dtype=np.float32)
    mix = np.array([[-1, 0, 0], [1, 1, 1], [0, 0, 1]], dtype=np.float32)
    bases = np.array([forest.bases], dtype=np.float32)
    nodes = [
        _ensemble(forest.trees, "sums"),
        helper.make_node("Add", ["sums", "bases"], ["parts"]),
        helper.make_node("Max", ["parts", "floor"], ["apart"]),
        helper.make_node("MatMul", ["apart", "mix"], ["quantiles"]),
    ]
    return _model(nodes, {"bases": bases, "floor": floor, "mix": mix}, columns, OUTPUTS)


def factors_to_onnx(factors: Factors, columns: int) -> bytes:
    """One model: a matrix of kernels in, the logarithm of the factor of each out."""
    level = np.array([[factors.level]], dtype=np.float32)
    nodes = [
        _ensemble((factors.trees,), "sums"),
        helper.make_node("Add", ["sums", "level"], ["factors"]),
    ]
    return _model(nodes, {"level": level}, columns, 1)


def _ensemble(trees: Sequence[Sequence[Tree]], output: str) -> NodeProto:
    return helper.make_node(
        "TreeEnsembleRegressor",
        ["rows"],
        [output],
        domain="ai.onnx.ml",
        n_targets=len(trees),
        aggregate_function="SUM",
        post_transform="NONE",
        **_attributes(trees),
    )


def _model(
    nodes: Sequence[NodeProto],
    constants: Mapping[str, NDArray[np.float32]],
    columns: int,
    outputs: int,
) -> bytes:
    name = nodes[-1].output[0]
    graph = helper.make_graph(
        nodes,
        name,
        [helper.make_tensor_value_info("rows", TensorProto.FLOAT, ["n", columns])],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n", outputs])],
        [onnx.numpy_helper.from_array(value, each) for each, value in constants.items()],
    )
    opsets = [helper.make_opsetid("", 18), helper.make_opsetid("ai.onnx.ml", 3)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8, producer_name="fjord")
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def _attributes(outputs: Sequence[Sequence[Tree]]) -> dict[str, Any]:
    names = ("treeids", "nodeids", "featureids", "values", "modes", "truenodeids", "falsenodeids")
    nodes: dict[str, list[Any]] = {f"nodes_{name}": [] for name in names}
    leaves: dict[str, list[Any]] = {
        f"target_{name}": [] for name in ("treeids", "nodeids", "ids", "weights")
    }
    numbered = [(output, tree) for output, trees in enumerate(outputs) for tree in trees]
    for number, (output, tree) in enumerate(numbered):
        for node, feature in enumerate(tree.feature):
            is_leaf = feature < 0
            _extend(nodes, (number, node, max(0, feature), tree.threshold[node]))
            nodes["nodes_modes"].append(_LEAF if is_leaf else _BRANCH)
            nodes["nodes_truenodeids"].append(tree.left[node])
            nodes["nodes_falsenodeids"].append(tree.right[node])
            if is_leaf:
                _extend(leaves, (number, node, output, tree.value[node]))
    return nodes | leaves


def _extend(lists: dict[str, list[Any]], values: Sequence[Any]) -> None:
    for each, value in zip(lists.values(), values, strict=False):
        each.append(value)


def below(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """The greatest 32-bit floats that are not above: rows of such floats branch the same way."""
    near = thresholds.astype(np.float32)
    lower = np.nextafter(near, np.float32(-np.inf))
    return np.where(near.astype(np.float64) > thresholds, lower, near)
