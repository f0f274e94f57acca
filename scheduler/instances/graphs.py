"""Small algorithms on graphs of numbered nodes, for several readers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from scheduler.model.errors import InvalidInstance


def components(nodes: int, arcs: Iterable[tuple[int, int]]) -> list[int]:
    """Number of each node's weakly connected component, in order of first nodes.

    Examples
    --------
    >>> components(4, [(0, 2), (3, 2)])
    [0, 1, 0, 0]
    """
    leader = list(range(nodes))
    for u, v in arcs:
        # The smaller number becomes the root, so that roots come in the order of first nodes.
        low, high = sorted((_leader(leader, u), _leader(leader, v)))
        leader[high] = low
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_leader(leader, node), len(numbers)) for node in range(nodes)]


def without(arcs: Iterable[tuple[int, int]], left_out: set[int]) -> list[tuple[int, int]]:
    """Arcs among the other nodes, with one for each path through nodes that are left out.

    Raises
    ------
    InvalidInstance
        If nodes that are left out form a cycle.

    Examples
    --------
    >>> without([(0, 1), (1, 2), (2, 3), (0, 3)], {1, 2})
    [(0, 3)]
    """
    after: dict[int, dict[int, None]] = {}
    before: dict[int, dict[int, None]] = {}
    for u, v in arcs:
        after.setdefault(u, {})[v] = None
        before.setdefault(v, {})[u] = None
    for node in left_out:
        sources, targets = before.pop(node, {}), after.pop(node, {})
        if node in sources:
            raise InvalidInstance(f"edges: must form no cycle; got one through node {node}")
        for source in sources:
            after[source].pop(node, None)
            after[source].update(targets)
        for target in targets:
            before[target].pop(node, None)
            before[target].update(sources)
    return [(u, v) for u, targets in after.items() for v in targets]


def longest_path(lengths: Sequence[float], arcs: Iterable[tuple[int, int]]) -> float:
    """Length of the longest path, nodes counted.

    Raises
    ------
    InvalidInstance
        If there is a cycle.

    Examples
    --------
    >>> longest_path([1.0, 2.0, 4.0], [(0, 1)])
    4.0
    """
    waiting = [0] * len(lengths)
    after: list[list[int]] = [[] for _ in lengths]
    for u, v in arcs:
        after[u].append(v)
        waiting[v] += 1
    start = [0.0] * len(lengths)
    ready = [node for node, count in enumerate(waiting) if not count]
    for node in ready:
        for target in after[node]:
            start[target] = max(start[target], start[node] + lengths[node])
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < len(lengths):
        node = next(node for node, count in enumerate(waiting) if count)
        raise InvalidInstance(f"edges: must form no cycle; got one through or before node {node}")
    return max((a + b for a, b in zip(start, lengths, strict=True)), default=0.0)


def _leader(leader: list[int], node: int) -> int:
    while leader[node] != node:
        leader[node] = leader[leader[node]]
        node = leader[node]
    return node
