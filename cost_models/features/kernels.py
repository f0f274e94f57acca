"""The kernels of a graph in plain numbers: learned models add them up, measurements keep them."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from cost_models.features.costs import (
    NEAR_WEIGHT,
    SHARED_WEIGHT,
    GraphCost,
    GroupCost,
    OperatorWindow,
)

REORDER = "reorder"
"""Class of a change between the plain layout and one blocked by channels."""
_NONE = OperatorWindow()


class Kernel(NamedTuple):
    """A fused group, as far as its time depends on it; the same for all groups alike.

    Parameters
    ----------
    alike
        Groups of the graph that are alike.
    op_class, op_type, dtype
        Those of its heaviest operator.
    flops, read_bytes, written_bytes, near_bytes, shared_bytes, memory_bytes
        Of one group, over all its runs.
    operators
        Operators that were fused.
    channels_in ... is_transposed
        As `OperatorWindow` has them; 0 or 1 where there is none.
    stretch
        As `stretch` gives it, of the heaviest operator.
    items
        As `OperatorWindow` has them.
    origin, chained, is_blocked
        As `GroupCost` has them; rows of before they were known have none.
    """

    alike: int
    op_class: str
    op_type: str
    dtype: str
    flops: int
    read_bytes: int
    written_bytes: int
    near_bytes: int
    shared_bytes: int = 0
    memory_bytes: int = 0
    parameter_bytes: int = 0
    runs: int = 1
    operators: int = 1
    channels_in: int = 0
    channels_out: int = 0
    rows: int = 0
    steps: int = 1
    kernel_height: int = 0
    kernel_width: int = 0
    stride: int = 1
    groups: int = 1
    is_transposed: int = 0
    stretch: int = 1
    items: int = 1
    origin: str = ""
    chained: int = 0
    is_blocked: int = 0

    @property
    def weighted_bytes(self) -> float:
        """Bytes from memory that would take as long as the traffic of one group."""
        return self.near_bytes * NEAR_WEIGHT + self.shared_bytes * SHARED_WEIGHT + self.memory_bytes


def kernels(cost: GraphCost) -> tuple[Kernel, ...]:
    """All kernels of a graph, those alike as one, in the order in which they first come."""
    found = Counter(_kernel(cost, group) for group in cost.groups)
    if cost.reorders:
        found[_reorder(cost)] = cost.reorders
    return tuple(kernel._replace(alike=count) for kernel, count in found.items())


def _kernel(cost: GraphCost, group: GroupCost) -> Kernel:
    members = [cost.operators[index] for index in group.operators]
    heaviest = max(members, key=lambda operator: (operator.flops, operator.written_bytes))
    window = heaviest.window or _NONE
    height, width = (*window.kernel, 1, 1)[:2] if window.kernel else (0, 0)
    return Kernel(
        alike=1,
        op_class=str(group.op_class),
        op_type=heaviest.op_type,
        dtype=group.dtype,
        flops=group.flops,
        read_bytes=group.read_bytes,
        written_bytes=group.written_bytes,
        near_bytes=group.near_bytes,
        shared_bytes=group.shared_bytes,
        memory_bytes=group.memory_bytes,
        parameter_bytes=sum(operator.parameter_bytes for operator in members),
        runs=group.runs,
        operators=len(members),
        channels_in=window.channels_in,
        channels_out=window.channels_out,
        rows=window.rows,
        steps=window.steps,
        kernel_height=height,
        kernel_width=width,
        stride=max(window.strides, default=1),
        groups=window.groups,
        is_transposed=int(window.is_transposed),
        stretch=heaviest.stretch,
        items=window.items,
        origin=group.origin,
        chained=group.chained,
        is_blocked=int(group.is_blocked),
    )


def _reorder(cost: GraphCost) -> Kernel:
    """The mean change of layout."""
    moved = cost.reorder_bytes // (2 * cost.reorders)
    return Kernel(1, REORDER, REORDER, "float32", 0, moved, moved, near_bytes=2 * moved)
