"""Nodes that a runtime runs as one kernel are counted as one."""

from collections.abc import Sequence

import numpy as np
import pytest
from onnx import NodeProto

from cost_models.features import GraphCost, OperatorClass
from tests.cost_models.features.graphs import Sizes, cost_of, float_bytes, zeros
from tests.onnx_models import Array, node

X: dict[str, Sizes] = {"x": (1, 8, 10, 10)}
CHANNELS = {name: zeros(8) for name in ("s", "b", "m", "v")}
WEIGHTS = {"w": zeros(8, 8, 3, 3), **CHANNELS}
SAME = [1] * 4
NORM = "s b m v"


def patterns(cost: GraphCost) -> list[str]:
    return [group.pattern for group in cost.groups]


def conv_then(*nodes: NodeProto, constants: dict[str, Array] | None = None) -> GraphCost:
    """A convolution from ``x`` to ``c``, and these nodes."""
    return cost_of(
        [node("Conv", "x w", "c", pads=SAME), *nodes],
        inputs=X,
        constants=WEIGHTS | (constants or {}),
    )


def test_a_convolution_takes_in_normalisation_and_activation() -> None:
    cost = conv_then(node("BatchNormalization", f"c {NORM}", "n"), node("Relu", "n", "y"))
    assert patterns(cost) == ["conv-batchnorm-relu"]
    # Of the normalisation nothing is left; the activation is one flop for each of 800.
    assert cost.flops == 2 * 800 * 72 + 800
    assert cost.written_bytes == float_bytes(1, 8, 10, 10)
    assert cost.read_bytes == float_bytes(1, 8, 10, 10) + float_bytes(8, 8, 3, 3)


def test_a_convolution_takes_in_a_scale_and_shift_of_its_channels() -> None:
    per_channel = {"k": zeros(8, 1, 1), "l": zeros(1, 8, 1, 1)}
    cost = conv_then(node("Mul", "c k", "n"), node("Add", "n l", "y"), constants=per_channel)
    assert patterns(cost) == ["conv-scale-scale"]
    assert cost.flops == 2 * 800 * 72


def test_a_convolution_leaves_a_shift_by_one_number_alone() -> None:
    three = {"three": np.array(3.0, dtype=np.float32)}
    cost = conv_then(node("Add", "c three", "y"), constants=three)
    assert patterns(cost) == ["", ""]


def test_a_convolution_takes_in_a_residual_once_both_branches_are_there() -> None:
    cost = conv_then(
        node("Conv", "c w", "d", pads=SAME), node("Add", "d x", "e"), node("Relu", "e", "y")
    )
    assert patterns(cost) == ["", "conv-add-relu"]


def test_of_two_branches_the_later_one_takes_in_the_sum() -> None:
    cost = conv_then(node("Conv", "x w", "d", pads=SAME), node("Add", "c d", "y"))
    assert patterns(cost) == ["", "conv-add"]


def test_what_others_read_as_well_is_not_fused_away() -> None:
    cost = conv_then(node("Relu", "c", "r"), node("Add", "r c", "y"))
    assert "" in patterns(cost)
    assert "conv-relu" not in patterns(cost)


def test_an_output_of_the_graph_is_not_fused_away() -> None:
    cost = cost_of(
        [node("Conv", "x w", "c", pads=SAME), node("Relu", "c", "y")],
        inputs=X,
        constants=WEIGHTS,
        outputs=("y", "c"),
    )
    assert patterns(cost) == ["", ""]


def test_an_activation_whose_limits_depend_on_data_stays_apart() -> None:
    nodes = [node("Conv", "x w", "c", pads=SAME), node("Clip", "c low", "y")]
    cost = cost_of(nodes, inputs=X | {"low": ()}, constants=WEIGHTS)
    assert patterns(cost) == ["", ""]


def test_a_product_takes_in_its_bias() -> None:
    cost = cost_of(
        [node("MatMul", "x w", "m"), node("Add", "m b", "y")],
        inputs={"x": (3, 5)},
        constants={"w": zeros(5, 8), "b": zeros(8)},
    )
    assert patterns(cost) == ["matmul-add"]
    assert cost.flops == 2 * 3 * 5 * 8 + 3 * 8


def test_a_gemm_takes_in_its_activation() -> None:
    cost = cost_of(
        [node("Gemm", "x w b", "g"), node("Relu", "g", "y")],
        inputs={"x": (3, 5)},
        constants={"w": zeros(5, 8), "b": zeros(8)},
    )
    assert patterns(cost) == ["gemm-relu"]


def number(value: float) -> Array:
    return np.array(value, dtype=np.float32)


GELU = {"root": number(2**0.5), "one": number(1.0), "half": number(0.5)}
GELUS: dict[str, Sequence[NodeProto]] = {
    "half last": (
        node("Div", "x root", "d"),
        node("Erf", "d", "e"),
        node("Add", "e one", "a"),
        node("Mul", "x a", "p"),
        node("Mul", "p half", "y"),
    ),
    "half first": (
        node("Mul", "x half", "h"),
        node("Div", "x root", "d"),
        node("Erf", "d", "e"),
        node("Add", "e one", "a"),
        node("Mul", "h a", "y"),
    ),
}


@pytest.mark.parametrize("nodes", GELUS.values(), ids=GELUS.keys())
def test_gelu_is_found_in_its_parts(nodes: Sequence[NodeProto]) -> None:
    cost = cost_of(nodes, inputs={"x": (4, 6)}, constants=GELU)
    assert patterns(cost) == ["gelu"]
    assert (cost.read_bytes, cost.written_bytes) == (float_bytes(4, 6) + 12, float_bytes(4, 6))


def test_an_erf_that_is_no_gelu_stays_as_it_is() -> None:
    nodes = list(GELUS["half last"])
    nodes[2] = node("Add", "e half", "a")
    assert "gelu" not in patterns(cost_of(nodes, inputs={"x": (4, 6)}, constants=GELU))


def test_layer_normalisation_is_found_in_its_parts() -> None:
    nodes = [
        node("ReduceMean", "x", "m", axes=[-1]),
        node("Sub", "x m", "d"),
        node("Pow", "d two", "q"),
        node("ReduceMean", "q", "v", axes=[-1]),
        node("Add", "v epsilon", "w"),
        node("Sqrt", "w", "r"),
        node("Div", "d r", "n"),
        node("Mul", "n gain", "g"),
        node("Add", "g bias", "y"),
    ]
    constants = {"two": number(2.0), "epsilon": number(1e-5), "gain": zeros(6), "bias": zeros(6)}
    cost = cost_of(nodes, inputs={"x": (4, 6)}, constants=constants)
    assert patterns(cost) == ["layernorm"]
    assert cost.groups[0].op_class is OperatorClass.NORMALISATION


def test_attention_is_found_in_its_parts() -> None:
    nodes = [
        node("MatMul", "q k", "s"),
        node("Mul", "s scale", "t"),
        node("Softmax", "t", "p"),
        node("MatMul", "p v", "y"),
    ]
    inputs: dict[str, Sizes] = {"q": (2, 6, 4), "k": (2, 4, 7), "v": (2, 7, 5)}
    cost = cost_of(nodes, inputs=inputs, constants={"scale": number(0.5)})
    assert patterns(cost) == ["attention"]
    # 84 scores: 2 x 4 for q k, 1 for the scale, 14 for softmax, 2 x 5 for v.
    assert cost.flops == 84 * (8 + 1 + 14 + 10)


def test_a_self_gated_unit_is_one_kernel() -> None:
    cost = conv_then(node("Sigmoid", "c", "s"), node("Mul", "c s", "y"))
    assert patterns(cost) == ["", "quickgelu"]


def test_between_unpacking_and_packing_the_arithmetic_is_in_eight_bits() -> None:
    scale, zero = number(0.1), np.array(0, dtype=np.uint8)
    nodes = [
        node("DequantizeLinear", "x s z", "f"),
        node("DequantizeLinear", "w s z", "g"),
        node("MatMul", "f g", "m"),
        node("QuantizeLinear", "m s z", "y"),
    ]
    cost = cost_of(
        nodes,
        inputs={"x": (3, 5)},
        constants={"w": np.zeros((5, 8), dtype=np.uint8), "s": scale, "z": zero},
        types={"x": "uint8"},
    )
    assert patterns(cost) == ["qdq-matmul"]
    assert (cost.groups[0].dtype, cost.flops) == ("int8", 2 * 3 * 5 * 8)
    # One byte each of x, w and y, and scale and zero point.
    assert cost.read_bytes == 15 + 40 + 4 + 1
    assert cost.written_bytes == 24


def test_what_depends_on_constants_only_costs_nothing() -> None:
    nodes = [node("Transpose", "w", "t"), node("MatMul", "x t", "y")]
    cost = cost_of(nodes, inputs={"x": (3, 5)}, constants={"w": zeros(8, 5)})
    assert [operator.op_type for operator in cost.operators] == ["MatMul"]
    assert cost.folded == 1
    assert cost.parameter_bytes == float_bytes(5, 8)


def test_random_numbers_are_drawn_in_every_run() -> None:
    cost = cost_of([node("RandomUniformLike", "w", "y")], inputs=X, constants={"w": zeros(9)})
    assert [operator.op_type for operator in cost.operators] == ["RandomUniformLike"]
