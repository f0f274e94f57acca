"""Values of a split of a network over devices, exactly as the paper and its programs count.

A split holds one number per node, in the order of `PlacementProblem.nodes`: its accelerator, from
0, or `ON_HOST`. Values are in the unit of the file.

References
----------
Tarnawski et al. (2020), doi:10.48550/arXiv.2006.16423; ``latency-greedy/greedy.cpp`` and
``latency-ip/lip.py`` for the latency, ``throughput-dp/dp.cpp`` for the load.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from scheduler.instances.graphs import longest_path
from scheduler.instances.network import PlacementNode, PlacementProblem
from scheduler.model.errors import InvalidInstance

ON_HOST = -1


def pieces(placement: PlacementProblem, split: Sequence[int]) -> list[int]:
    """Per node, the number of its contiguous piece on its accelerator, from 0.

    A path that leaves an accelerator and returns enters a later piece. The split is contiguous if
    all pieces are 0.
    """
    order, before = topological_order(placement)
    found = [0] * len(split)
    for device in set(split):
        if device < 0:
            continue
        # Pieces count from 1 here; 0 is before the first.
        reached = [0] * len(split)
        for node in order:
            here = split[node] == device
            outside = (reached[u] + (here and split[u] != device) for u in before[node])
            reached[node] = max(outside, default=0)
            if here:
                reached[node] = max(reached[node], 1)
                found[node] = reached[node] - 1
    return found


def latency(placement: PlacementProblem, split: Sequence[int]) -> float | None:
    """Time of one sample, or `None` if pieces wait for each other in a cycle.

    A piece begins when all its inputs are there and the previous piece on its accelerator is done;
    it receives its inputs, runs its nodes and sends its outputs, one after another. A node of the
    host begins when its inputs are there. The rules of a split are not checked.
    """
    found = pieces(placement, split)
    blocks = [
        (d, p) if d >= 0 else (-1, i) for i, (d, p) in enumerate(zip(split, found, strict=True))
    ]
    numbers = {block: i for i, block in enumerate(dict.fromkeys(blocks))}
    block_of = [numbers[block] for block in blocks]
    arcs = {(block_of[u], block_of[v]) for u, v in placement.edges if block_of[u] != block_of[v]}
    arcs |= {(numbers[d, p - 1], i) for (d, p), i in numbers.items() if d >= 0 and p > 0}
    try:
        return longest_path(_block_times(placement, split, block_of, len(numbers)), arcs)
    except InvalidInstance:
        return None


def _block_times(
    placement: PlacementProblem, split: Sequence[int], block_of: list[int], blocks: int
) -> list[float]:
    """Time of each piece with its transfers, and of each node of the host."""
    times = [0.0] * blocks
    on_host = [True] * blocks
    for node, block, device in zip(placement.nodes, block_of, split, strict=True):
        times[block] += _time(node, device)
        on_host[block] = device < 0
    for source, block in _moved(placement, block_of):
        if not on_host[block]:
            times[block] += placement.nodes[source].cost
    return times


def max_load(placement: PlacementProblem, split: Sequence[int]) -> float:
    """Time per sample of a pipeline: the load of the busiest device.

    An accelerator pays once for each output that is read elsewhere, and once for each input. Cores
    of the host pay nothing; they are `ON_HOST`, ``ON_HOST - 1`` and so on.
    """
    loads = dict.fromkeys(split, 0.0)
    for node, device in zip(placement.nodes, split, strict=True):
        loads[device] += _time(node, device)
    for source, device in _moved(placement, split):
        if device >= 0:
            loads[device] += placement.nodes[source].cost
    return max(loads.values(), default=0.0)


def _time(node: PlacementNode, device: int) -> float:
    if device < 0:
        return node.host_time
    return math.inf if node.accelerator_time is None else node.accelerator_time


def _moved(placement: PlacementProblem, place: Sequence[int]) -> set[tuple[int, int]]:
    """Outputs that leave their place, paired with each place that they leave or reach."""
    crossing = [(u, v) for u, v in placement.edges if place[u] != place[v]]
    return {(u, place[end]) for u, v in crossing for end in (u, v)}


def topological_order(placement: PlacementProblem) -> tuple[list[int], list[list[int]]]:
    """Topological order of the nodes, and the direct predecessors of each."""
    before: list[list[int]] = [[] for _ in placement.nodes]
    after: list[list[int]] = [[] for _ in placement.nodes]
    for u, v in placement.edges:
        before[v].append(u)
        after[u].append(v)
    waiting = [len(found) for found in before]
    order = [node for node, count in enumerate(waiting) if not count]
    for node in order:
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return order, before
