"""Small things about graphs of numbered nodes that several readers need."""

from __future__ import annotations

from collections.abc import Iterable


def components(nodes: int, arcs: Iterable[tuple[int, int]]) -> list[int]:
    """Give each node the number of its weakly connected component, in order of first nodes.

    Examples
    --------
    >>> components(4, [(0, 2), (3, 2)])
    [0, 1, 0, 0]
    """
    leader = list(range(nodes))
    for u, v in arcs:
        # The smaller number leads, so that leaders come in the order of first nodes.
        low, high = sorted((_leader(leader, u), _leader(leader, v)))
        leader[high] = low
    numbers: dict[int, int] = {}
    return [numbers.setdefault(_leader(leader, node), len(numbers)) for node in range(nodes)]


def _leader(leader: list[int], node: int) -> int:
    while leader[node] != node:
        leader[node] = leader[leader[node]]
        node = leader[node]
    return node
