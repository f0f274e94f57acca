from __future__ import annotations

import pytest
from onnx import parser

from cost_models.features import Kernel, graph_cost, kernels
from cost_models.features.kernels import REORDER

HEAD = '<ir_version: 8, opset_import: ["": 17]>'


def of(body: str) -> dict[str, Kernel]:
    found = kernels(graph_cost(parser.parse_model(HEAD + body), {}))
    return {kernel.op_type: kernel for kernel in found}


def test_kernels_that_are_alike_are_one_with_a_count() -> None:
    found = kernels(
        graph_cost(
            parser.parse_model(
                HEAD + "g (float[64,64] x) => (float[64,64] y){ a = Exp(x) b = Exp(a) y = Exp(b) }"
            ),
            {},
        )
    )

    assert sum(kernel.alike for kernel in found) == 3
    assert {kernel.op_type for kernel in found} == {"Exp"}
    assert {kernel.flops for kernel in found} == {64 * 64 * 10}


def test_kernels_add_up_to_the_graph() -> None:
    model = parser.parse_model(
        HEAD + "g (float[1,32,20,20] x, float[32,32,3,3] w) => (float[1,32,20,20] y)"
        "{ a = Conv<pads=[1,1,1,1]>(x, w) b = Relu(a) c = Conv<pads=[1,1,1,1]>(b, w) y = Exp(c) }"
    )
    cost = graph_cost(model, {})

    found = kernels(cost)

    assert sum(kernel.alike * kernel.flops for kernel in found) == cost.flops
    reordered = [kernel for kernel in found if kernel.op_class == REORDER]
    assert sum(kernel.alike for kernel in reordered) == cost.reorders
    assert {(k.kernel_height, k.channels_in, k.rows) for k in found if k.op_type == "Conv"} == {
        (3, 32, 400)
    }


@pytest.mark.parametrize(
    ("body", "op_type", "stretch"),
    [
        ("g (float[4,8,32] x) => (y) { y = Transpose<perm=[1,0,2]>(x) }", "Transpose", 32),
        ("g (float[4,8,32] x) => (y) { y = Transpose<perm=[0,2,1]>(x) }", "Transpose", 1),
        ("g (float[4,8,32] x) => (y) { y = Softmax<axis=-1>(x) }", "Softmax", 32),
        ("g (float[4,8,32] x) => (y) { y = ReduceMean<axes=[1]>(x) }", "ReduceMean", 256),
        ("g (float[4,8,32] x, float[8,1] s) => (y) { y = Mul(x, s) }", "Mul", 32),
        ("g (float[4,8,32] x, float[4,8,32] s) => (y) { y = Mul(x, s) }", "Mul", 1024),
        ("g (float[4,8,32] x, float[32] s) => (y) { y = Mul(x, s) }", "Mul", 1),
        ("g (float[9,64] x, int64[5] i) => (y) { y = Gather<axis=0>(x, i) }", "Gather", 64),
    ],
)
def test_stretch_is_what_an_operator_treats_alike(body: str, op_type: str, stretch: int) -> None:
    assert of(body.replace("=> (y)", "=> (float[] y)"))[op_type].stretch == stretch


def test_steps_of_a_recurrent_operator_are_told() -> None:
    found = of(
        "g (float[12,2,16] x, float[1,128,16] w, float[1,128,32] r) => (float[] y)"
        "{ y = LSTM<hidden_size=32>(x, w, r) }"
    )["LSTM"]

    assert (found.steps, found.rows, found.channels_in, found.channels_out) == (12, 2, 16, 32)


CONVOLVED = "g (float[1,32,20,20] x, float[32,32,3,3] w) => (float[] y) { a = Conv(x, w) "


@pytest.mark.parametrize(
    ("body", "op_type", "origin"),
    [
        ("g (float[64,64] x) => (float[] y) { y = Exp(x) }", "Exp", ("input", 0)),
        (CONVOLVED + "y = HardSwish(a) }", "HardSwish", ("conv", 0)),
        (CONVOLVED + "b = HardSwish(a) y = Exp(b) }", "Exp", ("conv", 1)),
        (CONVOLVED + "b = Flatten(a) y = Exp(b) }", "Exp", ("conv", 0)),
        (
            CONVOLVED + "b = Exp(a) c = MaxPool<kernel_shape=[2,2]>(b) y = Erf(c) }",
            "Erf",
            ("pooling", 0),
        ),
        (CONVOLVED + "b = GlobalAveragePool(a) y = Mul(b, a) }", "Mul", ("conv", 0)),
    ],
)
def test_origin_is_what_made_the_largest_operand(
    body: str, op_type: str, origin: tuple[str, int]
) -> None:
    found = of(body)[op_type]
    assert (found.origin, found.chained) == origin


@pytest.mark.parametrize(
    ("x", "w", "is_blocked", "items"),
    [
        ("2,32,20,20", "32,32,3,3", 1, 2),
        ("2,30,20,20", "32,30,3,3", 0, 2),
        ("8,32,20", "32,32,3", 0, 8),
    ],
)
def test_convolutions_tell_their_items_and_whether_a_cpu_blocks_their_channels(
    x: str, w: str, is_blocked: int, items: int
) -> None:
    found = of(f"g (float[{x}] x, float[{w}] w) => (float[] y) {{ y = Conv(x, w) }}")["Conv"]
    assert (found.is_blocked, found.items) == (is_blocked, items)
