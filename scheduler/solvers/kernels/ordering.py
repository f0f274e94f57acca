"""Compressed rows and topological orders."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel

Int = NDArray[np.int32]
Long = NDArray[np.int64]


@kernel
def rows(keys: Int, count: int) -> tuple[Int, Int]:
    """Group positions by key: the first of each row, and the positions, in ascending order."""
    first = np.zeros(count + 1, np.int32)
    for key in keys:
        first[key + 1] += 1
    for i in range(count):
        first[i + 1] += first[i]
    place = first[:-1].copy()
    positions = np.empty(len(keys), np.int32)
    for i in range(len(keys)):
        positions[place[keys[i]]] = i
        place[keys[i]] += 1
    return first, positions


def history(state: Int, start_us: Long, end_us: Long) -> Int:
    """Operations that are not open, in the order in which their machines see them.

    Sorted by start, end and position, as in the checker: the last one decides the session that a
    machine holds. It does not decide when the machine is free, because history may overlap.
    """
    held = np.flatnonzero(state != 0)
    return held[np.lexsort((held, end_us[held], start_us[held]))].astype(np.int32)


@kernel
def topological(source_first: Int, target_first: Int, target_op: Int) -> Int:
    """Order in which each operation follows its sources; ties in order of position.

    Breadth first. Shorter than the number of operations if the graph has a cycle.
    """
    n = len(source_first) - 1
    waiting = source_first[1:] - source_first[:-1]
    order = np.empty(n, np.int32)
    filled = 0
    for i in range(n):
        if waiting[i] == 0:
            order[filled] = i
            filled += 1
    done = 0
    while done < filled:
        i = order[done]
        done += 1
        for e in range(target_first[i], target_first[i + 1]):
            target = target_op[e]
            waiting[target] -= 1
            if waiting[target] == 0:
                order[filled] = target
                filled += 1
    return order[:filled].copy()


@kernel
def inherited_bands(own: Int, order: Int, target_first: Int, target_op: Int) -> Int:
    """Most urgent band among each operation and all that wait for it.

    Predecessors of a critical operation are as urgent as that operation itself.
    """
    bands = own.copy()
    for position in range(len(order) - 1, -1, -1):
        i = order[position]
        for e in range(target_first[i], target_first[i + 1]):
            bands[i] = min(bands[i], bands[target_op[e]])
    return bands
