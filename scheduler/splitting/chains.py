"""A bound on the latency that respects memory and transfers: the least time of one path.

In any split, each stretch of a path is on the host, or on an accelerator that the path enters once.
Two nodes on an accelerator bring along all nodes between them on any path, and all of their
colours. These must fit into memory, run one after another, and pay the outputs that they surely
receive (from nodes before the one at which the path arrived) and send. The best cut of the path
into such stretches, each taken alone, takes no longer than the latency of any split.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from scheduler.instances.network import PlacementProblem
from scheduler.splitting.values import topological_order

Bits = int
"""A set of nodes, a bit each."""


def latency_bound(placement: PlacementProblem, go_on: Callable[[], bool]) -> float:
    """Largest bound over the longest paths by several measures.

    Parameters
    ----------
    go_on
        True while there is time for one more path.
    """
    fastest = [
        min(node.host_time if placement.cores else np.inf, _or_inf(node.accelerator_time))
        for node in placement.nodes
    ]
    measures = [
        fastest,
        [node.host_time for node in placement.nodes],
        [time + node.cost for time, node in zip(fastest, placement.nodes, strict=True)],
    ]
    chains, best = _Chains.of(placement), 0.0
    paths = dict.fromkeys(tuple(chains.longest(measure)) for measure in measures)
    for path in paths:
        best = max(best, sum(fastest[node] for node in path))
        if go_on():
            best = max(best, chains.bound(path, go_on))
    return best


@dataclass(frozen=True)
class _Chains:
    placement: PlacementProblem
    order: list[int]
    before: list[list[int]]
    after: list[Bits]
    """Per node, its direct successors."""
    ancestors: list[Bits]
    descendants: list[Bits]
    mates: list[list[int]]
    """Per node, all nodes of its colour."""

    @classmethod
    def of(cls, placement: PlacementProblem) -> _Chains:
        order, before = topological_order(placement)
        after, ancestors, descendants = ([0] * len(order) for _ in range(3))
        for node in order:
            for source in before[node]:
                after[source] |= 1 << node
                ancestors[node] |= ancestors[source] | 1 << source
        for node in reversed(order):
            for source in before[node]:
                descendants[source] |= descendants[node] | 1 << node
        colours: dict[int, list[int]] = {}
        for i, node_ in enumerate(placement.nodes):
            if node_.colour is not None:
                colours.setdefault(node_.colour, []).append(i)
        mates = [
            [i] if node_.colour is None else colours[node_.colour]
            for i, node_ in enumerate(placement.nodes)
        ]
        return cls(placement, order, before, after, ancestors, descendants, mates)

    def longest(self, lengths: Sequence[float]) -> list[int]:
        """Nodes of the longest path."""
        if not self.order:
            return []
        end = list(lengths)
        came: list[int | None] = [None] * len(end)
        for node in self.order:
            for source in self.before[node]:
                if end[source] + lengths[node] > end[node] or came[node] is None:
                    end[node], came[node] = end[source] + lengths[node], source
        at: int | None = int(np.argmax(end))
        path = []
        while at is not None:
            path.append(at)
            at = came[at]
        return path[::-1]

    def bound(self, path: Sequence[int], go_on: Callable[[], bool]) -> float:
        """Least time of a path, each stretch taken alone; 0 if stopped."""
        many = self.placement.accelerators
        least = np.full((len(path) + 1, many + 1), np.inf)
        least[0, 0] = 0.0
        for first, node in enumerate(path):
            if not go_on():
                return 0.0
            if self.placement.cores:
                longer = least[first] + self.placement.nodes[node].host_time
                least[first + 1] = np.minimum(least[first + 1], longer)
            for last, time in self._stretches(path, first):
                longer = least[first, :-1] + time
                least[last + 1, 1:] = np.minimum(least[last + 1, 1:], longer)
        return float(least[-1].min())

    def _stretches(self, path: Sequence[int], first: int) -> Iterator[tuple[int, float]]:
        """Ends of the stretches from a node on that an accelerator can run, and their times."""
        nodes = self.placement.nodes
        outside = self._until(path[first - 1]) if first else 0
        inside: Bits = 0
        paid: Bits = 0
        time, size, sending = 0.0, 0, set[int]()
        for last in range(first, len(path)):
            later = self._since(path[last + 1]) if last + 1 < len(path) else 0
            hull = self._since(path[first]) & self._until(path[last])
            for node in _mates(hull & ~inside, self.mates):
                if inside >> node & 1:
                    continue
                inside |= 1 << node
                time += _or_inf(nodes[node].accelerator_time)
                size += nodes[node].size_bytes
                sending.add(node)
                for source in self.before[node]:
                    if outside >> source & 1 and not paid >> source & 1:
                        paid |= 1 << source
                        time += nodes[source].cost
            if size > self.placement.memory_bytes or inside & outside or time == np.inf:
                return
            sending = {node for node in sending if self.after[node] & ~inside}
            if not inside & later:
                sent = sum(nodes[n].cost for n in sending if self.after[n] & later)
                yield last, time + sent

    def _until(self, node: int) -> Bits:
        return self.ancestors[node] | 1 << node

    def _since(self, node: int) -> Bits:
        return self.descendants[node] | 1 << node


def _mates(found: Bits, mates: Sequence[list[int]]) -> Iterator[int]:
    while found:
        lowest = found & -found
        found ^= lowest
        yield from mates[lowest.bit_length() - 1]


def _or_inf(time: float | None) -> float:
    return np.inf if time is None else time
