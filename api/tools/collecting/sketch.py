"""Graphs under construction: nodes one after another, with weights as they are needed."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

_OPSET = 17
_IR_VERSION = 8
_DRAWN = 4099


class Sketch:
    """A chain of nodes under construction, with weights as they are needed."""

    def __init__(self, shape: tuple[int, ...], seed: int) -> None:
        self.shape = shape
        self._input = shape
        self._nodes: list[NodeProto] = []
        self._weights: list[TensorProto] = []
        self._drawn = np.random.default_rng(seed).normal(0.0, 1.0, _DRAWN).astype(np.float32)
        self.last = "x"

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add a node on the last tensor, or on those that are named."""
        output = f"t{len(self._nodes)}"
        names = list(inputs) or [self.last]
        self._nodes.append(helper.make_node(kind, names, [output], name=output, **attributes))
        self.last = output
        return output

    def nodes(self, kind: str, inputs: list[str], count: int, **attributes: Any) -> list[str]:
        """Add a node of several outputs; the first one is the last tensor."""
        names = [f"t{len(self._nodes)}_{place}" for place in range(count)]
        self._nodes.append(helper.make_node(kind, inputs, names, name=names[0], **attributes))
        self.last = names[0]
        return names

    @property
    def outputs(self) -> list[str]:
        """Those of all nodes so far."""
        return [name for node in self._nodes for name in node.output]

    def weight(self, *shape: int) -> str:
        """Add drawn weights that keep the size of values that pass through."""
        spread = np.float32(1.0 / np.sqrt(max(1, int(np.prod(shape[1:])))))
        return self._constant(np.resize(self._drawn * spread, shape))

    def sizes(self, *values: int) -> str:
        """Add a constant row of integers."""
        return self._constant(np.array(values, dtype=np.int64))

    def numbers(self, *values: float) -> str:
        """Add a constant row of numbers."""
        return self._constant(np.array(values, dtype=np.float32))

    def number(self, value: float) -> str:
        """Add a constant number."""
        return self._constant(np.array(value, dtype=np.float32))

    def packed(self, *shape: int) -> str:
        """Add weights of 8 bits."""
        return self._constant(np.resize(np.arange(-64, 64, dtype=np.int8), shape))

    def _constant(self, values: NDArray[Any]) -> str:
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(values, name))
        return name

    def model(self) -> ModelProto:
        """The whole."""
        graph = helper.make_graph(
            self._nodes,
            "made",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, list(self._input))],
            [helper.make_tensor_value_info(self.last, TensorProto.FLOAT, None)],
            self._weights,
        )
        opsets = [helper.make_opsetid("", _OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=_IR_VERSION)
