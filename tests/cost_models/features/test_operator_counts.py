"""Arithmetic and traffic of each class of operators, against values derived by hand."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from onnx import helper

from cost_models.features import OperatorClass, vector
from tests.cost_models.features.graphs import Sizes, cost_of, float_bytes, one, zeros
from tests.onnx_models import Array, node


@dataclass(frozen=True)
class Case:
    """One node, and its arithmetic as derived in the comment beside it."""

    kind: str
    flops: int
    inputs: Mapping[str, Sizes]
    op_class: OperatorClass
    constants: Mapping[str, Array] = field(default_factory=dict)
    attributes: Mapping[str, Any] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)
    opset: int = 17
    order: str = ""


X = {"x": (1, 8, 10, 10)}
CASES = {
    # Output [1, 16, 10, 10] = 1600; each from 8 channels x 3 x 3: 2 x 1600 x 72.
    "conv": Case(
        "Conv", 230_400, X, OperatorClass.CONV, {"w": zeros(16, 8, 3, 3)}, {"pads": [1] * 4}
    ),
    # As before, and 1600 additions of a bias.
    "conv with bias": Case(
        "Conv",
        232_000,
        X,
        OperatorClass.CONV,
        {"w": zeros(16, 8, 3, 3), "b": zeros(16)},
        {"pads": [1] * 4},
    ),
    # Output 5 x 5 = 400 elements of 16 channels: 2 x 400 x 72.
    "strided conv": Case(
        "Conv",
        57_600,
        X,
        OperatorClass.CONV,
        {"w": zeros(16, 8, 3, 3)},
        {"pads": [1] * 4, "strides": [2, 2]},
    ),
    # Each of 800 outputs from one channel: 2 x 800 x 9.
    "depthwise conv": Case(
        "Conv",
        14_400,
        X,
        OperatorClass.CONV,
        {"w": zeros(8, 1, 3, 3)},
        {"pads": [1] * 4, "group": 8},
    ),
    # Dilation spreads the kernel (5 x 5 reach, so 6 x 6 outputs) but adds none: 2 x 576 x 72.
    "dilated conv": Case(
        "Conv",
        82_944,
        X,
        OperatorClass.CONV,
        {"w": zeros(16, 8, 3, 3)},
        {"dilations": [2, 2]},
    ),
    # 1-d: output [1, 4, 18] = 72 from 2 x 3: 2 x 72 x 6.
    "1-d conv": Case("Conv", 864, {"x": (1, 2, 20)}, OperatorClass.CONV, {"w": zeros(4, 2, 3)}),
    # Each of 800 inputs is spread over 4 channels x 2 x 2: 2 x 800 x 16.
    "transposed conv": Case(
        "ConvTranspose",
        25_600,
        X,
        OperatorClass.CONV,
        {"w": zeros(8, 4, 2, 2)},
        {"strides": [2, 2]},
    ),
    # As Conv, on 8-bit numbers: 2 x (16 x 8 x 8) x 72.
    "integer conv": Case(
        "ConvInteger",
        147_456,
        X,
        OperatorClass.CONV,
        {"w": np.zeros((16, 8, 3, 3), dtype=np.uint8)},
        types={"x": "uint8"},
    ),
    # 3 batches of 4 x 6 outputs, inner size 5: 2 x 72 x 5.
    "matmul": Case("MatMul", 720, {"a": (3, 4, 5), "b": (3, 5, 6)}, OperatorClass.MATMUL),
    # The right side is shared by the batches.
    "broadcast matmul": Case("MatMul", 720, {"a": (3, 4, 5), "b": (5, 6)}, OperatorClass.MATMUL),
    # 4 x 6 outputs, inner size 5 (the first axis, as a is transposed), and 24 for the bias.
    "gemm": Case(
        "Gemm",
        264,
        {"a": (5, 4)},
        OperatorClass.MATMUL,
        {"b": zeros(5, 6), "c": zeros(6)},
        {"transA": 1},
    ),
    "integer matmul": Case(
        "MatMulInteger",
        240,
        {"a": (4, 5)},
        OperatorClass.MATMUL,
        {"b": np.zeros((5, 6), dtype=np.uint8)},
        types={"a": "uint8"},
    ),
    # b, i, j, k = 2, 3, 4, 5: one product and one sum for each of 120.
    "einsum": Case(
        "Einsum",
        240,
        {"a": (2, 3, 5), "b": (2, 5, 4)},
        OperatorClass.MATMUL,
        attributes={"equation": "bik,bkj->bij"},
    ),
    # 7 steps x 2 rows x 3 units x (4 gates x (2 (5 + 3) + 1 sum) + 60 for the joining of them:
    # 3 sigmoids of 12, 2 tanh of 10, 4 products and sums).
    "lstm": Case(
        "LSTM",
        7 * 2 * 3 * (4 * 17 + 60),
        {"x": (7, 2, 5)},
        OperatorClass.RECURRENT,
        {"w": zeros(1, 12, 5), "r": zeros(1, 12, 3)},
        {"hidden_size": 3},
    ),
    # 3 gates; 2 sigmoids of 12, tanh of 10, 1 and 4 products and sums = 39; both directions.
    "two-way gru": Case(
        "GRU",
        2 * 7 * 2 * 3 * (3 * 17 + 39),
        {"x": (7, 2, 5)},
        OperatorClass.RECURRENT,
        {"w": zeros(2, 9, 5), "r": zeros(2, 9, 3)},
        {"hidden_size": 3, "direction": "bidirectional"},
    ),
    # One gate with two biases and a tanh: 2 (5 + 3) + 2 + 1 + 10.
    "rnn with bias": Case(
        "RNN",
        7 * 2 * 3 * 29,
        {"x": (7, 2, 5)},
        OperatorClass.RECURRENT,
        {"w": zeros(1, 3, 5), "r": zeros(1, 3, 3), "b": zeros(1, 6)},
        {"hidden_size": 3},
    ),
    # 2 heads x 6 rows x 7 columns = 84 scores; each 2 x 4 for q k, 14 for softmax, 2 x 5 for v.
    "attention": Case(
        "Attention",
        84 * (8 + 14 + 10),
        {"q": (1, 2, 6, 4), "k": (1, 2, 7, 4), "v": (1, 2, 7, 5)},
        OperatorClass.ATTENTION,
        opset=23,
    ),
    # One per element of the output, which is larger than either input: 3 x 4.
    "add": Case("Add", 12, {"a": (3, 1), "b": (1, 4)}, OperatorClass.ELEMENTWISE),
    # 800 elements; an exponential of 10, a sum and a quotient.
    "sigmoid": Case("Sigmoid", 9_600, X, OperatorClass.ELEMENTWISE),
    "erf": Case("Erf", 8_000, X, OperatorClass.ELEMENTWISE),
    "relu": Case("Relu", 800, X, OperatorClass.ELEMENTWISE),
    # scale, shift, and two limits.
    "hard sigmoid": Case("HardSigmoid", 3_200, X, OperatorClass.ELEMENTWISE),
    "square": Case(
        "Pow", 800, X, OperatorClass.ELEMENTWISE, {"p": np.array(2.0, dtype=np.float32)}
    ),
    "power": Case(
        "Pow", 8_000, X, OperatorClass.ELEMENTWISE, {"p": np.array(2.5, dtype=np.float32)}
    ),
    # Three operands: two sums.
    "sum": Case("Sum", 24, {"a": (12,), "b": (12,), "c": (12,)}, OperatorClass.ELEMENTWISE),
    "cast": Case("Cast", 800, X, OperatorClass.ELEMENTWISE, attributes={"to": 10}),
    "gelu": Case("Gelu", 11_200, X, OperatorClass.ELEMENTWISE, opset=20),
    # Per element: maximum, difference, exponential of 10, sum, quotient.
    "softmax": Case("Softmax", 11_200, X, OperatorClass.NORMALISATION),
    # Per element: mean, difference, square, variance, quotient, scale, shift.
    "layer norm": Case(
        "LayerNormalization", 5_600, X, OperatorClass.NORMALISATION, {"s": zeros(10)}
    ),
    "batch norm": Case(
        "BatchNormalization",
        1_600,
        X,
        OperatorClass.NORMALISATION,
        {"s": zeros(8), "b": zeros(8), "m": zeros(8), "v": zeros(8)},
    ),
    # 800 x (5 neighbours + 4 + a power of 10).
    "lrn": Case("LRN", 15_200, X, OperatorClass.NORMALISATION, attributes={"size": 5}),
    # Output 5 x 5 x 8 = 200, each from 2 x 2.
    "max pool": Case(
        "MaxPool",
        800,
        X,
        OperatorClass.POOLING,
        attributes={"kernel_shape": [2, 2], "strides": [2, 2]},
    ),
    "global pool": Case("GlobalAveragePool", 800, X, OperatorClass.POOLING),
    "mean": Case("ReduceMean", 800, X, OperatorClass.REDUCTION, attributes={"axes": [1]}),
    "argmax": Case("ArgMax", 1_600, X, OperatorClass.REDUCTION),
    # Output [1, 8, 20, 20] = 3200, 2 scaled axes: 4 points at 2 flops.
    "linear resize": Case(
        "Resize",
        25_600,
        X,
        OperatorClass.RESIZE,
        {"roi": zeros(0), "s": np.array([1, 1, 2, 2], dtype=np.float32)},
        {"mode": "linear"},
    ),
    "nearest resize": Case(
        "Resize",
        0,
        X,
        OperatorClass.RESIZE,
        {"roi": zeros(0), "s": np.array([1, 1, 2, 2], dtype=np.float32)},
        {"mode": "nearest"},
    ),
    "quantise": Case(
        "QuantizeLinear",
        2_400,
        X,
        OperatorClass.QUANTISE,
        {"s": np.array(0.1, dtype=np.float32), "z": np.array(3, dtype=np.uint8)},
    ),
    "concat": Case(
        "Concat", 0, {"a": (2, 3), "b": (2, 4)}, OperatorClass.MOVEMENT, attributes={"axis": 1}
    ),
    "transpose": Case("Transpose", 0, X, OperatorClass.MOVEMENT),
    # 100 numbers, a heap of 8: log2 8 = 3 comparisons each.
    "top k": Case(
        "TopK",
        300,
        {"x": (100,)},
        OperatorClass.SELECTION,
        {"k": np.array([8], dtype=np.int64)},
    ),
    "reshape": Case("Reshape", 0, X, OperatorClass.FREE, {"s": np.array([8, 100], dtype=np.int64)}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_arithmetic_is_as_derived_by_hand(case: Case) -> None:
    names = " ".join([*case.inputs, *case.constants])
    # The second result of a selection, and of no other operator here.
    results = ["y", "i"] if case.kind == "TopK" else ["y"]
    cost = cost_of(
        [helper.make_node(case.kind, names.split(), results, **case.attributes)],
        inputs=case.inputs,
        constants=case.constants,
        types=case.types,
        opset=case.opset,
    )
    found = one(cost, case.kind)
    assert (found.flops, found.op_class, found.known) == (case.flops, case.op_class, True)
    assert cost.unknown == ()


def test_traffic_is_each_tensor_once() -> None:
    cost = cost_of([node("Conv", "x w", "y")], inputs=X, constants={"w": zeros(16, 8, 3, 3)})
    found = one(cost, "Conv")
    weights = float_bytes(16, 8, 3, 3)
    assert found.read_bytes == float_bytes(1, 8, 10, 10) + weights
    assert found.written_bytes == float_bytes(1, 16, 8, 8)
    assert found.parameter_bytes == weights == cost.parameter_bytes


def test_a_tensor_given_twice_is_read_once() -> None:
    found = one(cost_of([node("Mul", "x x", "y")], inputs={"x": (5,)}), "Mul")
    assert found.read_bytes == float_bytes(5)


def test_a_lookup_reads_only_the_rows_it_gives() -> None:
    cost = cost_of(
        [node("Gather", "table x", "y")],
        inputs={"x": (3,)},
        constants={"table": zeros(1000, 16)},
        types={"x": "int64"},
    )
    # Three rows of 16 floats, and three indices of 8 bytes.
    assert one(cost, "Gather").read_bytes == float_bytes(3, 16) + 24


def test_a_change_of_view_moves_nothing_but_is_launched() -> None:
    cost = cost_of([node("Flatten", "x", "y")], inputs=X)
    assert (cost.flops, cost.read_bytes, cost.written_bytes) == (0, 0, 0)
    assert vector(cost)["launches"] == 1


def test_packed_types_take_their_own_bytes() -> None:
    cost = cost_of([node("Relu", "x", "y")], inputs={"x": (10,)}, types={"x": "float16"})
    assert one(cost, "Relu").read_bytes == 20
    assert one(cost, "Relu").dtype == "float16"


def test_what_decides_the_kernel_of_a_convolution_is_kept() -> None:
    attributes = {"group": 8, "strides": [2, 2], "pads": [1] * 4}
    cost = cost_of(
        [node("Conv", "x w", "y", **attributes)], inputs=X, constants={"w": zeros(8, 1, 3, 3)}
    )
    window = one(cost, "Conv").window
    assert window is not None
    assert (window.kernel, window.strides, window.groups) == ((3, 3), (2, 2), 8)
    assert (window.channels_in, window.channels_out, window.rows) == (8, 8, 25)
    assert window.is_depthwise
    assert not window.is_aligned(16)
    assert window.is_aligned(8)
    assert vector(cost)["conv_depthwise_flops_share"] == 1.0
    assert vector(cost)["conv_strided_flops_share"] == 1.0


def test_a_product_with_one_row_is_told_apart() -> None:
    cost = cost_of([node("MatMul", "x w", "y")], inputs={"x": (1, 5)}, constants={"w": zeros(5, 6)})
    assert vector(cost)["matmul_one_row_flops_share"] == 1.0
