"""Figures of a whole graph: paths, width, memory, traffic, kind, layout."""

from cost_models.features import FEATURES, graph_cost, vector
from scheduler.model.measuring import Kind
from tests import onnx_models
from tests.cost_models.features.graphs import cost_of, float_bytes, zeros
from tests.onnx_models import node


def test_the_critical_path_is_the_heaviest_chain() -> None:
    # Two branches of 24 flops and 240 + 24 flops, joined by 24.
    nodes = [
        node("Relu", "x", "a"),
        node("Tanh", "x", "b"),
        node("Abs", "b", "c"),
        node("Sub", "a c", "y"),
    ]
    cost = cost_of(nodes, inputs={"x": (4, 6)})
    assert cost.flops == 24 + 240 + 24 + 24
    assert cost.critical_path_flops == 240 + 24 + 24
    assert cost.critical_path_groups == 3
    assert cost.width == 2


def test_the_peak_counts_what_is_alive_at_once() -> None:
    # While c is made from b, x is still needed: x, b and c.
    nodes = [node("Tanh", "x", "b"), node("Abs", "b", "c"), node("Sub", "x c", "y")]
    cost = cost_of(nodes, inputs={"x": (4, 6)})
    assert cost.peak_activation_bytes == 3 * float_bytes(4, 6)


def test_another_view_of_a_tensor_takes_no_memory() -> None:
    nodes = [node("Flatten", "x", "f"), node("Tanh", "f", "y")]
    cost = cost_of(nodes, inputs={"x": (4, 6)})
    assert cost.peak_activation_bytes == 2 * float_bytes(4, 6)


def test_weights_used_twice_are_held_once() -> None:
    nodes = [node("MatMul", "x w", "m"), node("MatMul", "m w", "y")]
    cost = cost_of(nodes, inputs={"x": (4, 6)}, constants={"w": zeros(6, 6)})
    assert cost.parameter_bytes == float_bytes(6, 6)


def test_traffic_is_split_by_what_can_hold_it() -> None:
    # 1 M floats: the result of the first node is 4 MiB, too much for a core's own cache.
    large = cost_of([node("Relu", "x", "a"), node("Abs", "a", "y")], inputs={"x": (1024, 1024)})
    small = cost_of([node("Relu", "x", "a"), node("Abs", "a", "y")], inputs={"x": (4, 6)})
    assert sum(group.near_bytes for group in large.groups) == 0
    assert sum(group.near_bytes for group in small.groups) == small.read_bytes + small.written_bytes
    for cost in (large, small):
        for group in cost.groups:
            parts = group.near_bytes + group.shared_bytes + group.memory_bytes
            assert parts == group.read_bytes + group.written_bytes


def test_weights_of_a_large_model_come_from_memory_in_every_run() -> None:
    # Two matrices of 36 MiB: neither is still in a cache when the next run begins.
    weights = {"w": zeros(3072, 3072), "v": zeros(3072, 3072)}
    nodes = [node("MatMul", "x w", "m"), node("MatMul", "m v", "y")]
    cost = cost_of(nodes, inputs={"x": (1, 3072)}, constants=weights)
    assert sum(group.memory_bytes for group in cost.groups) >= cost.parameter_bytes
    assert cost.kind is Kind.MEMORY


def test_a_kind_is_what_takes_the_time() -> None:
    wide = cost_of([node("MatMul", "a b", "y")], inputs={"a": (512, 512), "b": (512, 512)})
    assert wide.kind is Kind.COMPUTE
    thin = cost_of([node("Add", "a b", "y")], inputs={"a": (4096, 4096), "b": (4096, 4096)})
    assert thin.kind is Kind.MEMORY
    assert cost_of([node("Identity", "x", "y")], inputs={"x": (4,)}).kind is Kind.UNKNOWN


def test_layouts_change_where_a_convolution_meets_what_takes_only_plain_data() -> None:
    # Blocked after the first convolution, plain for the softmax, blocked again for the second.
    nodes = [
        node("Conv", "x w", "c", pads=[1] * 4),
        node("Softmax", "c", "s", axis=1),
        node("Conv", "s w", "y", pads=[1] * 4),
    ]
    constants = {"w": zeros(16, 16, 3, 3)}
    cost = cost_of(nodes, inputs={"x": (1, 16, 8, 8)}, constants=constants)
    # x, c, s, y; each read and written once.
    assert cost.reorders == 4
    assert cost.reorder_bytes == 4 * 2 * float_bytes(1, 16, 8, 8)


def test_layouts_stay_through_pooling_and_activations() -> None:
    nodes = [
        node("Conv", "x w", "c", pads=[1] * 4),
        node("MaxPool", "c", "p", kernel_shape=[2, 2]),
        node("Relu", "p", "r"),
        node("Conv", "r w", "y", pads=[1] * 4),
    ]
    constants = {"w": zeros(16, 16, 3, 3)}
    assert cost_of(nodes, inputs={"x": (1, 16, 8, 8)}, constants=constants).reorders == 2


def test_features_are_the_same_for_the_same_graph() -> None:
    first = vector(graph_cost(onnx_models.transformer(), {}))
    assert first == vector(graph_cost(onnx_models.transformer(), {}))
    assert tuple(first) == FEATURES


def test_more_work_never_lowers_a_total() -> None:
    small = vector(graph_cost(onnx_models.mlp(batch="N"), {"x": (2, 64)}))
    large = vector(graph_cost(onnx_models.mlp(batch="N"), {"x": (8, 64)}))
    for name in ("flops", "read_bytes", "written_bytes", "peak_activation_bytes", "intensity"):
        assert large[name] > small[name]
