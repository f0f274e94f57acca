"""Priorities of operations by the shape of their graph, and the order that follows from them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, part

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]


@kernel
def upward(
    order: Int, target_first: Int, target_op: Int, target_edge: Int, own: Float, edge: Float
) -> Float:
    """Longest path from each operation to the end, its own weight included."""
    rank = np.zeros(len(own), np.float64)
    for position in range(len(order) - 1, -1, -1):
        i = order[position]
        longest = 0.0
        for e in range(target_first[i], target_first[i + 1]):
            longest = max(longest, rank[target_op[e]] + edge[target_edge[e]])
        rank[i] = longest + own[i]
    return rank


@kernel
def downward(
    order: Int, source_first: Int, source_op: Int, source_edge: Int, own: Float, edge: Float
) -> Float:
    """Longest path from the beginning to each operation, its own weight not included."""
    rank = np.zeros(len(own), np.float64)
    for i in order:
        for e in range(source_first[i], source_first[i + 1]):
            s = source_op[e]
            rank[i] = max(rank[i], rank[s] + own[s] + edge[source_edge[e]])
    return rank


@kernel
def optimistic_costs(a: Arrays, edge: Float) -> Float:
    """Per mode, the optimistic cost (OCT): least time from its end to the end of the graph.

    An edge takes nothing within a device, and its mean time between devices.
    """
    cost = np.zeros(len(a.mode_us), np.float64)
    nearest = np.zeros(len(a.link_latency_us), np.float64)
    for position in range(len(a.order) - 1, -1, -1):
        i = a.order[position]
        for e in range(a.target_first[i], a.target_first[i + 1]):
            _raise_by_target(a, cost, nearest, i, a.target_op[e], edge[a.target_edge[e]])
    return cost


@part
def _raise_by_target(
    a: Arrays, cost: Float, nearest: Float, i: int, target: int, edge: float
) -> None:
    """Raise the costs of an operation's modes to those that one target requires."""
    nearest[:] = np.inf
    anywhere = np.inf
    for k in range(a.mode_first[target], a.mode_first[target + 1]):
        device = a.machine_device[a.mode_machine[k]]
        nearest[device] = min(nearest[device], cost[k] + a.mode_us[k])
        anywhere = min(anywhere, cost[k] + a.mode_us[k] + edge)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        least = min(anywhere, nearest[a.machine_device[a.mode_machine[k]]])
        if least < np.inf:
            cost[k] = max(cost[k], least)


@kernel
def quicker_modes(mode_first: Int, mode_us: Long) -> Long:
    """Rank of each mode by duration among those of its operation; ties by position."""
    quicker = np.zeros(len(mode_us), np.int64)
    row = np.empty(len(mode_us), np.int32)
    for i in range(len(mode_first) - 1):
        first = mode_first[i]
        # Insertion, because rows are short: sorting all modes at once takes ten times as long.
        for k in range(first, mode_first[i + 1]):
            place = k
            while place > first and mode_us[row[place - 1]] > mode_us[k]:
                row[place] = row[place - 1]
                place -= 1
            row[place] = k
        for place in range(first, mode_first[i + 1]):
            quicker[row[place]] = place - first
    return quicker


@kernel
def ready_order(by_rank: Int, source_first: Int, target_first: Int, target_op: Int) -> Int:
    """Order in which a list scheduler takes operations: the best rank among the ready ones first.

    Parameters
    ----------
    by_rank
        All operations, most urgent first; precedence need not be respected.
    """
    n = len(by_rank)
    rank = np.empty(n, np.int32)
    for position in range(n):
        rank[by_rank[position]] = position
    waiting = source_first[1:] - source_first[:-1]
    heap = np.empty(n, np.int32)
    size = 0
    for i in range(n):
        if waiting[i] == 0:
            size = _push(heap, size, rank[i])
    order = np.empty(n, np.int32)
    for position in range(n):
        i = by_rank[heap[0]]
        size = _pop(heap, size)
        order[position] = i
        for e in range(target_first[i], target_first[i + 1]):
            target = target_op[e]
            waiting[target] -= 1
            if waiting[target] == 0:
                size = _push(heap, size, rank[target])
    return order


@part
def _push(heap: Int, size: int, value: int) -> int:
    """Add a value to a binary heap and return its new size."""
    place = size
    while place > 0 and heap[(place - 1) >> 1] > value:
        heap[place] = heap[(place - 1) >> 1]
        place = (place - 1) >> 1
    heap[place] = value
    return size + 1


@part
def _pop(heap: Int, size: int) -> int:
    """Remove the least value from a binary heap and return its new size."""
    size -= 1
    value = heap[size]
    place = 0
    while 2 * place + 1 < size:
        child = 2 * place + 1
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= value:
            break
        heap[place] = heap[child]
        place = child
    heap[place] = value
    return size
