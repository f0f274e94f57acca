"""The light networks that the `onnx` package ships, with weights that are drawn here.

Their files hold no weights: all are 0.02, which is enough for timing but tells no two apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import GraphProto, ModelProto, numpy_helper

_IR_VERSION = 8
_DRAWN = 4099  # weights repeat these, a prime: drawing hundreds of megabytes takes seconds
_SIDE = 224


@dataclass(frozen=True, slots=True, kw_only=True)
class Net:
    """A network and the shapes at which it is measured."""

    name: str
    input: str = "data_0"
    shapes: tuple[tuple[int, ...], ...] = ((1, 3, _SIDE, _SIDE),)


def _batches(*sizes: int) -> tuple[tuple[int, ...], ...]:
    return tuple((size, 3, _SIDE, _SIDE) for size in sizes)


def _sides(*sizes: int) -> tuple[tuple[int, ...], ...]:
    return tuple((1, 3, size, size) for size in sizes)


# Without VGG: 575 MB of weights are in nobody's interest here.
NETS = (
    Net(name="squeezenet", shapes=(*_batches(1, 4), *_sides(128, 160, 320))),
    Net(name="shufflenet", input="gpu_0/data_0", shapes=_batches(1, 2, 4)),
    Net(name="inception_v1", shapes=_batches(1, 2)),
    Net(name="inception_v2", shapes=_batches(1, 2)),
    Net(name="densenet121", shapes=_sides(96, 160, 224)),
    Net(name="resnet50", input="gpu_0/data_0", shapes=_batches(1)),
    Net(name="bvlc_alexnet", shapes=_batches(1, 2)),
    Net(name="zfnet512", input="gpu_0/data_0", shapes=_batches(1)),
)


def write(net: Net, path: Path, seed: int) -> None:
    """Write the network with drawn weights and open sizes of its input."""
    source = Path(onnx.__file__).parent / f"backend/test/data/light/light_{net.name}.onnx"
    model = onnx.load(source)
    _draw(model.graph, seed)
    _open_sizes(model, net.input)
    model.ir_version = _IR_VERSION
    onnx.save(model, path)


def _draw(graph: GraphProto, seed: int) -> None:
    random = np.random.default_rng(seed)
    drawn = random.normal(0.0, 1.0, _DRAWN).astype(np.float32)
    shapes = {t.name: numpy_helper.to_array(t) for t in graph.initializer}
    steady = _statistics(graph)
    kept = []
    for node in graph.node:
        if node.op_type != "ConstantOfShape":
            kept.append(node)
            continue
        name, shape = node.output[0], tuple(int(size) for size in shapes[node.input[0]])
        graph.initializer.append(
            numpy_helper.from_array(_values(shape, drawn, steady.get(name)), name)
        )
    del graph.node[:]
    graph.node.extend(kept)
    used = {name for node in kept for name in node.input}
    left = [tensor for tensor in graph.initializer if tensor.name in used]
    del graph.initializer[:]
    graph.initializer.extend(left)


def _statistics(graph: GraphProto) -> dict[str, float]:
    """Scales and variances of normalisations, which must not be drawn: a variance is positive."""
    nodes = [node for node in graph.node if node.op_type == "BatchNormalization"]
    parts = zip((1, 2, 3, 4), (1.0, 0.0, 0.0, 1.0), strict=True)
    return {node.input[i]: value for i, value in parts for node in nodes}


def _values(
    shape: tuple[int, ...], drawn: np.ndarray[Any, Any], steady: float | None
) -> np.ndarray[Any, Any]:
    if steady is not None or len(shape) < 2:
        return np.full(shape, steady if steady is not None else 0.01, dtype=np.float32)
    # He et al. (2015): what passes through keeps its size.
    spread = np.float32(np.sqrt(2.0 / max(1, int(np.prod(shape[1:])))))
    return np.resize(drawn * spread, shape)


def _open_sizes(model: ModelProto, name: str) -> None:
    graph = model.graph
    constants = {tensor.name for tensor in graph.initializer}
    inputs = [value for value in graph.input if value.name == name]
    kept = [onnx.ValueInfoProto.FromString(value.SerializeToString()) for value in inputs]
    del graph.input[:]
    graph.input.extend(kept)
    for axis, symbol in ((0, "N"), (2, "H"), (3, "W")):
        graph.input[0].type.tensor_type.shape.dim[axis].dim_param = symbol
    for output in graph.output:
        output.type.tensor_type.ClearField("shape")
    del graph.value_info[:]
    _follow_batch(graph, constants)


def _follow_batch(graph: GraphProto, constants: set[str]) -> None:
    """Let reshapes keep the batch (0) where the file says 1."""
    names = {
        n.input[1] for n in graph.node if n.op_type == "Reshape" and n.input[0] not in constants
    }
    for tensor in graph.initializer:
        if tensor.name in names:
            sizes = numpy_helper.to_array(tensor).copy()
            if sizes[0] == 1:
                sizes[0] = 0
                tensor.CopyFrom(numpy_helper.from_array(sizes, tensor.name))
