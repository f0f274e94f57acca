"""Small ONNX models with seeded weights, and a way to build odd ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from onnx import FunctionProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

Shape = Sequence[int | str | None] | None
Array = np.ndarray[Any, Any]

OPSET = 17
IR_VERSION = 8
FLOAT = TensorProto.FLOAT


def model(
    nodes: Sequence[NodeProto],
    *,
    inputs: Mapping[str, Shape] | None = None,
    outputs: Sequence[str] = ("y",),
    constants: Mapping[str, Array] | None = None,
    functions: Sequence[FunctionProto] = (),
    dtype: int = FLOAT,
) -> ModelProto:
    """A model of these nodes; by default from ``x[N, 4]`` to ``y``."""
    given: Mapping[str, Shape] = {"x": ["N", 4]} if inputs is None else inputs
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info(name, dtype, shape) for name, shape in given.items()],
        [helper.make_tensor_value_info(name, FLOAT, None) for name in outputs],
        [numpy_helper.from_array(value, name) for name, value in (constants or {}).items()],
    )
    domains = {"", *(node.domain for node in nodes)}
    opsets = [helper.make_opsetid(name, OPSET if name == "" else 1) for name in sorted(domains)]
    return helper.make_model(
        graph, functions=functions, opset_imports=opsets, ir_version=IR_VERSION
    )


def save(value: ModelProto, folder: Path, name: str = "model") -> Path:
    """Write a model as one file."""
    path = folder / f"{name}.onnx"
    path.write_bytes(value.SerializeToString())
    return path


def node(kind: str, inputs: str, output: str, **attributes: Any) -> NodeProto:
    """A node; `inputs` are separated by blanks."""
    return helper.make_node(kind, inputs.split(), [output], name=f"{kind} {output}", **attributes)


def weights(seed: int, *shape: int, scale: float | None = None) -> Array:
    """Seeded weights that keep the size of the values that pass through them."""
    size = 1.0 / np.sqrt(np.prod(shape[1:])) if scale is None else scale
    return np.random.default_rng(seed).normal(0.0, size, shape).astype(np.float32)


def relu() -> ModelProto:
    """One node."""
    return model([node("Relu", "x", "y")])


def convolution(channels: int) -> ModelProto:
    """One 3x3 convolution from that many channels to 8."""
    return model(
        [node("Conv", "x w", "y", pads=[1, 1, 1, 1])],
        inputs={"x": [1, channels, 8, 8]},
        constants={"w": weights(1, 8, channels, 3, 3)},
    )


def conv_net() -> ModelProto:
    """Two convolutions, pooling and a classifier."""
    nodes = [
        node("Conv", "x w0", "c0", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c0", "r0"),
        node("Conv", "r0 w1", "c1", pads=[1, 1, 1, 1]),
        node("Relu", "c1", "r1"),
        node("GlobalAveragePool", "r1", "g"),
        node("Flatten", "g", "f"),
        node("MatMul", "f w2", "y"),
    ]
    constants = {
        "w0": weights(1, 8, 3, 3, 3),
        "w1": weights(2, 16, 8, 3, 3),
        "w2": weights(3, 16, 10, scale=0.5),
    }
    return model(nodes, inputs={"x": [1, 3, 32, 32]}, constants=constants)


def mlp(layers: int = 3, width: int = 64, batch: int | str = 4) -> ModelProto:
    """Matrix products with ReLUs between them."""
    nodes, last = [], "x"
    for layer in range(layers):
        nodes += [
            node("MatMul", f"{last} w{layer}", f"m{layer}"),
            node("Relu", f"m{layer}", "y" if layer == layers - 1 else f"r{layer}"),
        ]
        last = f"r{layer}"
    constants = {f"w{layer}": weights(layer, width, width, scale=0.2) for layer in range(layers)}
    return model(nodes, inputs={"x": [batch, width]}, constants=constants)


def transformer(length: int = 8, width: int = 16) -> ModelProto:
    """One layer of self-attention with a normalisation and a residual."""
    nodes = [
        node("LayerNormalization", "x gain bias", "n"),
        node("MatMul", "n wq", "q"),
        node("MatMul", "n wk", "k"),
        node("MatMul", "n wv", "v"),
        node("Transpose", "k", "kt", perm=[0, 2, 1]),
        node("MatMul", "q kt", "scores"),
        node("Mul", "scores scale", "scaled"),
        node("Softmax", "scaled", "p", axis=-1),
        node("MatMul", "p v", "a"),
        node("MatMul", "a wo", "o"),
        node("Add", "x o", "y"),
    ]
    constants = {name: weights(i, width, width) for i, name in enumerate(("wq", "wk", "wv", "wo"))}
    constants["gain"] = np.ones(width, dtype=np.float32)
    constants["bias"] = np.zeros(width, dtype=np.float32)
    constants["scale"] = np.array(width**-0.5, dtype=np.float32)
    return model(nodes, inputs={"x": [1, length, width]}, constants=constants)


def scaler(after: str = "") -> ModelProto:
    """A node that only the CPU has, alone or after one of the given kind."""
    scale = helper.make_node(
        "Scaler", ["r" if after else "x"], ["y"], domain="ai.onnx.ml", offset=[0.5], scale=[2.0]
    )
    return model([node(after, "x", "r"), scale] if after else [scale], inputs={"x": [1, 4]})


def nested(depth: int) -> ModelProto:
    """An `If` inside an `If`, that deep."""
    body = [node("Relu", "x", "y")]
    for level in range(depth):
        graph = helper.make_graph(
            body, f"level{level}", [], [helper.make_tensor_value_info("y", FLOAT, None)]
        )
        body = [node("If", "condition", "y", then_branch=graph, else_branch=graph)]
    return model(body, constants={"condition": np.array(True)})


def with_external(tensor: TensorProto) -> TensorProto:
    """The same constant, said to be in another file."""
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../../etc/passwd"
    return tensor
