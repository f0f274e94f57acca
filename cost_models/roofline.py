"""The roofline: the physical bound of a graph on a machine, before anything of it was measured.

References
----------
Williams, Waterman and Patterson (2009), doi:10.1145/1498765.1498785. Ours is a sum of rooflines,
one per fused group, with a launch each; and traffic is not all to memory, see `roofline_us`.
"""

from __future__ import annotations

from collections.abc import Iterable

from cost_models.features.costs import GraphCost, GroupCost, OperatorCost
from cost_models.features.kernels import Kernel
from cost_models.features.summary import Lone, Summary
from scheduler.model.measuring import Peaks

ASSUMED_FLOPS_PER_S = 50e9
ASSUMED_BYTES_PER_S = 10e9
"""Peaks of a machine that was not measured: one core of an ordinary server."""
ASSUMED_LAUNCH_NS = 10_000
ASSUMED_NODE_NS = 1_000
LEAST_US = 0.1
"""Least time of a run, on any graph."""
_RELATIVES: dict[str, tuple[tuple[str, float], ...]] = {
    "int8": (("uint8", 1.0), ("float32", 1.0)),
    "uint8": (("int8", 1.0), ("float32", 1.0)),
    "float16": (("bfloat16", 1.0), ("float32", 1.0)),
    "bfloat16": (("float16", 1.0), ("float32", 1.0)),
    "float64": (("float32", 0.5),),
}
"""Peak that stands in for a missing one, and the part of it that counts."""
_Part = GroupCost | OperatorCost | Kernel | Lone
_NS_PER_US = 1e3
_US_PER_S = 1e6


def roofline_us(cost: GraphCost | Summary, peaks: Peaks) -> float:
    """Least time of a run, in microseconds; above 0 for every graph.

    Each fused group takes the longer of its arithmetic and its traffic, and a launch; the graph
    takes a launch of its own. A byte that a core's cache still holds since it was last touched
    counts an eighth of one from memory, one that only the shared cache holds a third: by reuse
    distance, where weights are touched once a run and activations when they are made.

    Peaks that are missing fall back: int8 and uint8 to each other, the 16-bit floats to each
    other, float64 to half of float32, all others to float32, and that to any type that was
    measured, else to an ordinary core. The same holds for bandwidth and launches that are 0.

    Examples
    --------
    A matrix product of 256 x 256 and 256 x 256 has 33.6 Mflop, and 0.8 MB that a cache holds.

    >>> from onnx import parser
    >>> from cost_models.features import graph_cost
    >>> model = parser.parse_model(
    ...     '<ir_version: 8, opset_import: ["": 17]>'
    ...     "g (float[256,256] a, float[256,256] b) => (float[256,256] y) { y = MatMul(a, b) }"
    ... )
    >>> peaks = Peaks(
    ...     provider="cpu", flops_per_s={"float32": 1e11}, bytes_per_s=1e10,
    ...     launch_ns=5_000, node_ns=1_000,
    ... )
    >>> round(roofline_us(graph_cost(model, {}), peaks), 1)
    341.5
    """
    seconds = sum(
        _alike(group)
        * max(
            group.flops / peak_flops_per_s(peaks, group.dtype),
            group.weighted_bytes / _bandwidth(peaks),
        )
        for group in cost.groups
    )
    return max(LEAST_US, seconds * _US_PER_S + _launches_us(cost.groups, peaks))


def operator_sum_us(cost: GraphCost | Summary, peaks: Peaks) -> float:
    """The sum over operators, each as if alone and all traffic from memory: a baseline.

    It knows neither fusion nor caches, as a sum of per-operator predictions does.
    """
    seconds = sum(
        _alike(operator)
        * max(
            operator.flops / peak_flops_per_s(peaks, operator.dtype),
            (operator.read_bytes + operator.written_bytes) / _bandwidth(peaks),
        )
        for operator in cost.operators
    )
    return max(LEAST_US, seconds * _US_PER_S + _launches_us(cost.operators, peaks))


def part_us(part: GroupCost | Kernel | OperatorCost, peaks: Peaks) -> float:
    """Least time of one group, or of one operator as if alone, in microseconds."""
    traffic = (
        part.read_bytes + part.written_bytes
        if isinstance(part, OperatorCost)
        else part.weighted_bytes
    )
    seconds = max(part.flops / peak_flops_per_s(peaks, part.dtype), traffic / _bandwidth(peaks))
    node_ns = peaks.node_ns if peaks.node_ns > 0 else ASSUMED_NODE_NS
    return seconds * _US_PER_S + part.runs * node_ns / _NS_PER_US


def peak_flops_per_s(peaks: Peaks, dtype: str) -> float:
    """The peak of a data type, or of the nearest one that was measured."""
    known = {name: value for name, value in peaks.flops_per_s.items() if value > 0}
    for name, part in ((dtype, 1.0), *_RELATIVES.get(dtype, ()), ("float32", 1.0)):
        if name in known:
            return part * known[name]
    return min(known.values(), default=ASSUMED_FLOPS_PER_S)


def _alike(part: _Part) -> int:
    """Parts of the graph that it stands for."""
    return part.alike if isinstance(part, Kernel | Lone) else 1


def _bandwidth(peaks: Peaks) -> float:
    return peaks.bytes_per_s if peaks.bytes_per_s > 0 else ASSUMED_BYTES_PER_S


def _launches_us(parts: Iterable[_Part], peaks: Peaks) -> float:
    node_ns = peaks.node_ns if peaks.node_ns > 0 else ASSUMED_NODE_NS
    launch_ns = peaks.launch_ns if peaks.launch_ns > 0 else ASSUMED_LAUNCH_NS
    return (launch_ns + node_ns * sum(_alike(part) * part.runs for part in parts)) / _NS_PER_US
