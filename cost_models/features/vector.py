"""The feature vector of a graph: stable names, finite values, no machine in it.

Names are kept with measurements for good: a feature may be added, none renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from cost_models.features.costs import GraphCost, OperatorClass, OperatorCost, OperatorWindow

SMALL_FLOPS = 100_000
"""Below it, starting a kernel costs about as much as running it."""
WIDE_KERNEL = 5
_DTYPES = {
    "float32": ("float32",),
    "half": ("float16", "bfloat16"),
    "int8": ("int8", "uint8"),
}


def vector(cost: GraphCost) -> dict[str, float]:
    """All features of a graph, in the order of `FEATURES`."""
    return {name: float(value) for name, value in _pairs(cost)}


def _pairs(cost: GraphCost) -> Iterator[tuple[str, float]]:
    yield from _totals(cost)
    yield from _structure(cost)
    yield from _traffic(cost)
    yield from _classes(cost)
    yield from _types(cost)
    yield from _windows(cost)


def _totals(cost: GraphCost) -> Iterator[tuple[str, float]]:
    yield "flops", cost.flops
    yield "read_bytes", cost.read_bytes
    yield "written_bytes", cost.written_bytes
    yield "parameter_bytes", cost.parameter_bytes
    yield "input_bytes", cost.input_bytes
    yield "output_bytes", cost.output_bytes
    yield "peak_activation_bytes", cost.peak_activation_bytes
    yield "intensity", cost.intensity


def _structure(cost: GraphCost) -> Iterator[tuple[str, float]]:
    launches = sum(group.runs for group in cost.groups)
    yield "operators", sum(operator.runs for operator in cost.operators)
    yield "launches", launches
    yield "fused_operators", sum(len(group.operators) - 1 for group in cost.groups)
    yield "folded_operators", cost.folded
    yield "unknown_operators", sum(not operator.known for operator in cost.operators)
    yield "critical_path_flops", cost.critical_path_flops
    yield "critical_path_groups", cost.critical_path_groups
    yield "width", cost.width
    yield "parallelism", cost.flops / max(1, cost.critical_path_flops)
    yield "is_dynamic", cost.is_dynamic
    yield "flops_per_launch", cost.flops / max(1, launches)
    yield "bytes_per_launch", (cost.read_bytes + cost.written_bytes) / max(1, launches)
    largest = max((group.flops for group in cost.groups), default=0)
    yield "largest_group_flops_share", largest / max(1, cost.flops)
    small = sum(group.runs for group in cost.groups if group.flops < SMALL_FLOPS * group.runs)
    yield "small_launches", small


def _traffic(cost: GraphCost) -> Iterator[tuple[str, float]]:
    yield "near_bytes", sum(group.near_bytes for group in cost.groups)
    yield "shared_bytes", sum(group.shared_bytes for group in cost.groups)
    yield "memory_bytes", sum(group.memory_bytes for group in cost.groups)
    yield "reorders", cost.reorders
    yield "reorder_bytes", cost.reorder_bytes


def _classes(cost: GraphCost) -> Iterator[tuple[str, float]]:
    traffic = max(1, cost.read_bytes + cost.written_bytes)
    for op_class in OperatorClass:
        groups = [group for group in cost.groups if group.op_class is op_class]
        yield f"{op_class}_launches", sum(group.runs for group in groups)
        yield f"{op_class}_flops_share", sum(g.flops for g in groups) / max(1, cost.flops)
        yield (
            f"{op_class}_bytes_share",
            sum(group.read_bytes + group.written_bytes for group in groups) / traffic,
        )


def _types(cost: GraphCost) -> Iterator[tuple[str, float]]:
    for name, dtypes in _DTYPES.items():
        flops = sum(group.flops for group in cost.groups if group.dtype in dtypes)
        yield f"{name}_flops_share", flops / max(1, cost.flops)


def _is_convolution(test: Callable[[OperatorWindow], bool]) -> Callable[[OperatorWindow], bool]:
    return lambda window: bool(window.kernel) and test(window)


_WINDOW_TESTS: dict[str, Callable[[OperatorWindow], bool]] = {
    "conv_pointwise": _is_convolution(lambda w: max(w.kernel) == 1),
    "conv_3x3": _is_convolution(lambda w: max(w.kernel) == 3 and w.groups == 1),
    "conv_wide": _is_convolution(lambda w: max(w.kernel) >= WIDE_KERNEL),
    "conv_depthwise": _is_convolution(lambda w: w.is_depthwise),
    "conv_grouped": _is_convolution(lambda w: w.groups > 1 and not w.is_depthwise),
    "conv_strided": _is_convolution(lambda w: max(w.strides, default=1) > 1),
    "conv_transposed": _is_convolution(lambda w: w.is_transposed),
    "matmul_one_row": lambda w: not w.kernel and w.rows == 1,
    "channels_unaligned": lambda w: not w.is_aligned(),
}


def _windows(cost: GraphCost) -> Iterator[tuple[str, float]]:
    heavy = [(op.window, op.flops) for op in cost.operators if op.window is not None]
    for name, test in _WINDOW_TESTS.items():
        flops = sum(count for window, count in heavy if test(window))
        yield f"{name}_flops_share", flops / max(1, _all_flops(cost.operators))


def _all_flops(operators: Iterable[OperatorCost]) -> int:
    return sum(operator.flops for operator in operators)


_EMPTY = GraphCost(
    operators=(),
    groups=(),
    unknown=(),
    assumed=(),
    folded=0,
    input_bytes=0,
    output_bytes=0,
    parameter_bytes=0,
    peak_activation_bytes=0,
    critical_path_flops=0,
    critical_path_groups=0,
    width=0,
    is_dynamic=False,
)
FEATURES: tuple[str, ...] = tuple(vector(_EMPTY))
"""Names of all features, in order."""
