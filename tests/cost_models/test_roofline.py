"""The prior: physics, fallbacks where a peak was not measured, and never nothing."""

import math

import pytest

from cost_models.features import GraphCost, GroupCost, OperatorClass, graph_cost
from cost_models.roofline import operator_sum_us, peak_flops_per_s, roofline_us
from scheduler.model.measuring import Peaks
from tests import onnx_models
from tests.cost_models.features.graphs import cost_of
from tests.onnx_models import node

PEAKS = Peaks(
    provider="cpu",
    flops_per_s={"float32": 1e11, "float64": 3e10, "bfloat16": 8e11, "uint8": 4e11},
    bytes_per_s=1e10,
    launch_ns=10_000,
    node_ns=2_000,
)


def cost(*groups: GroupCost) -> GraphCost:
    return GraphCost(
        operators=(),
        groups=groups,
        unknown=(),
        assumed=(),
        folded=0,
        input_bytes=0,
        output_bytes=0,
        parameter_bytes=0,
        peak_activation_bytes=0,
        critical_path_flops=0,
        critical_path_groups=len(groups),
        width=1,
        is_dynamic=False,
    )


def group(
    flops: int = 0, near: int = 0, shared: int = 0, memory: int = 0, dtype: str = "float32"
) -> GroupCost:
    return GroupCost(
        pattern="",
        operators=(),
        op_class=OperatorClass.MATMUL,
        dtype=dtype,
        flops=flops,
        read_bytes=near + shared + memory,
        written_bytes=0,
        near_bytes=near,
        shared_bytes=shared,
        memory_bytes=memory,
    )


LAUNCH_US, NODE_US = 10, 2
FIXED_US = LAUNCH_US + NODE_US


@pytest.mark.parametrize(
    ("kernel", "least_us"),
    [
        # 1e7 flops at 1e11 a second: 100 us; 1e5 bytes at 1e10: 10 us. The longer one.
        (group(flops=10_000_000, memory=100_000), 100),
        # 1e6 flops: 10 us; 4e6 bytes: 400 us.
        (group(flops=1_000_000, memory=4_000_000), 400),
        # The same from a core's own cache takes an eighth, from the shared one a third.
        (group(near=4_000_000), 50),
        (group(shared=3_000_000), 100),
        (group(), 0),
    ],
)
def test_a_kernel_takes_the_longer_of_arithmetic_and_traffic_and_a_launch(
    kernel: GroupCost, least_us: int
) -> None:
    assert roofline_us(cost(kernel), PEAKS) == pytest.approx(least_us + FIXED_US)


def test_kernels_run_one_after_the_other() -> None:
    kernels = group(flops=10_000_000), group(memory=4_000_000)
    assert roofline_us(cost(*kernels), PEAKS) == pytest.approx(100 + 400 + LAUNCH_US + 2 * NODE_US)


@pytest.mark.parametrize(
    ("dtype", "peak"),
    [
        ("float32", 1e11),
        ("float64", 3e10),
        ("bfloat16", 8e11),
        ("float16", 8e11),
        ("int8", 4e11),
        ("int64", 1e11),
    ],
)
def test_a_missing_peak_is_that_of_the_nearest_type(dtype: str, peak: float) -> None:
    assert peak_flops_per_s(PEAKS, dtype) == peak


def test_double_precision_that_was_not_measured_is_half_as_fast() -> None:
    assert peak_flops_per_s(Peaks(provider="cpu", flops_per_s={"float32": 1e11}), "float64") == 5e10


def test_without_single_precision_any_type_that_was_measured_counts() -> None:
    assert peak_flops_per_s(Peaks(provider="npu", flops_per_s={"int8": 4e11}), "int64") == 4e11


@pytest.mark.parametrize("broken", [Peaks(provider="cpu"), Peaks(provider="cpu", bytes_per_s=-1.0)])
def test_a_machine_that_was_not_measured_still_gets_an_answer(broken: Peaks) -> None:
    found = roofline_us(graph_cost(onnx_models.mlp(), {}), broken)
    assert math.isfinite(found)
    assert found > 0


def test_an_empty_graph_takes_a_launch_and_never_nothing() -> None:
    fast = Peaks(provider="cpu", flops_per_s={"float32": 1e30}, launch_ns=1, node_ns=1)
    assert roofline_us(cost(), PEAKS) == LAUNCH_US
    assert roofline_us(cost(), fast) == operator_sum_us(cost(), fast) == 0.1


def test_the_sum_over_operators_knows_neither_fusion_nor_caches() -> None:
    found = graph_cost(onnx_models.conv_net(), {})
    assert operator_sum_us(found, PEAKS) > roofline_us(found, PEAKS)


def test_an_unknown_operator_takes_time() -> None:
    nodes = [node("Det", "x", "y")]
    large, small = (cost_of(nodes, inputs={"x": (size, size)}) for size in (1024, 4))
    assert roofline_us(large, PEAKS) > roofline_us(small, PEAKS) > LAUNCH_US


def test_a_machine_twice_as_fast_takes_half_the_time() -> None:
    found = graph_cost(onnx_models.transformer(64, 128), {})
    twice = Peaks(
        provider="cpu",
        flops_per_s={name: 2 * value for name, value in PEAKS.flops_per_s.items()},
        bytes_per_s=2 * PEAKS.bytes_per_s,
        launch_ns=PEAKS.launch_ns // 2,
        node_ns=PEAKS.node_ns // 2,
    )
    assert roofline_us(found, twice) == pytest.approx(roofline_us(found, PEAKS) / 2)
