"""Contiguous splits of a network, short in the latency that the paper counts.

Nodes that must stay together (of a colour, or in a circle of colours) are one block. A run of
blocks in a topological order is contiguous, so an order cut into runs, each on an accelerator of
its own or on the host, is a split that keeps the paper's rules. Dynamic programming finds the best
cuts of an order if the runs go one after another: an accelerator's run takes what it receives, its
nodes and what it sends, the host's takes its critical path. Several orders are tried, and each
split is then worth what `scheduler.instances.dnn_values.latency` says, in which runs overlap.

References
----------
Tarnawski et al. (2020), doi:10.48550/arXiv.2006.16423, appendix F, cuts one order greedily by
memory; its dynamic program over ideals (section 5.1.1) is for the greatest load.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scheduler.instances.dnn_placement import Placement
from scheduler.instances.dnn_values import ON_HOST, latency
from scheduler.model.errors import InvalidInstance

Times = NDArray[np.float64]
"""``[first, after last]``: time of the run of those blocks; infinite where it cannot be."""


def contiguous_split(placement: Placement, *, orders: int = 20, seed: int = 0) -> list[int]:
    """Give the split of least latency among the best cuts of several orders.

    Parameters
    ----------
    orders
        How many topological orders to try. The first is depth-first, as networks are drawn.
    seed
        Decides the others.

    Raises
    ------
    InvalidInstance
        If no order can be cut, because a node has nowhere to run.
    """
    rng = random.Random(seed)
    blocks, graph = _blocks(placement)
    best: tuple[float, list[int]] | None = None
    for attempt in range(orders):
        order = _order(graph, rng, shuffled=rng.random() if attempt else 0.0)
        position = {block: i for i, block in enumerate(order)}
        split = _cut(placement, [position[block] for block in blocks], len(order))
        value = None if split is None else latency(placement, split)
        if split is not None and value is not None and (best is None or value < best[0]):
            best = value, split
    if best is None:
        raise InvalidInstance("nodes: must each have an accelerator or a core to run on")
    return best[1]


def _blocks(placement: Placement) -> tuple[list[int], nx.DiGraph]:
    """Block of each node, and which blocks come before which."""
    colours = [
        ("own", i) if node.colour is None else ("colour", node.colour)
        for i, node in enumerate(placement.nodes)
    ]
    graph = nx.DiGraph()
    graph.add_nodes_from(colours)
    graph.add_edges_from((colours[u], colours[v]) for u, v in placement.edges)
    graph.remove_edges_from(list(nx.selfloop_edges(graph)))
    blocks = nx.condensation(graph)
    return [blocks.graph["mapping"][colour] for colour in colours], blocks


def _order(graph: nx.DiGraph, rng: random.Random, *, shuffled: float) -> list[int]:
    """Topological order of blocks: depth-first, but for a share of steps that are random."""
    waiting = dict(graph.in_degree())
    ready = sorted(block for block, count in waiting.items() if not count)
    order = []
    while ready:
        at = rng.randrange(len(ready)) if rng.random() < shuffled else len(ready) - 1
        block = ready.pop(at)
        order.append(block)
        after = sorted(graph.successors(block))
        rng.shuffle(after)
        for target in after:
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    return order


def _cut(placement: Placement, position: Sequence[int], blocks: int) -> list[int] | None:
    """Cut the order in which each node has a position; `None` if that cannot be done."""
    accelerator, host = _Runs(placement, position, blocks).times()
    used = placement.accelerators + 1
    least = np.full((blocks + 1, used), np.inf)
    least[0] = 0.0
    first = np.zeros((blocks + 1, used), np.int64)
    on_host = np.zeros((blocks + 1, used), np.bool_)
    for end in range(1, blocks + 1):
        for k in range(used):
            ways = least[:end, k] + host[:end, end]
            first[end, k], least[end, k] = ways.argmin(), ways.min()
            on_host[end, k] = True
            if k == 0:
                continue
            ways = least[:end, k - 1] + accelerator[:end, end]
            if ways.min() < least[end, k]:
                first[end, k], least[end, k] = ways.argmin(), ways.min()
                on_host[end, k] = False
    if not np.isfinite(least[blocks, used - 1]):
        return None
    device = [ON_HOST] * blocks
    end, k, number = blocks, used - 1, 0
    while end:
        start = int(first[end, k])
        if not on_host[end, k]:
            device[start:end] = [number] * (end - start)
            number += 1
            k -= 1
        end = start
    return [device[at] for at in position]


class _Runs:
    """Times of all runs of an order, each found from the one that is a block shorter."""

    def __init__(self, placement: Placement, position: Sequence[int], blocks: int) -> None:
        self.placement = placement
        self.position = position
        self.members: list[list[int]] = [[] for _ in range(blocks)]
        self.before: list[list[int]] = [[] for _ in position]
        self.last_use = [-1] * len(position)
        for u, v in placement.edges:
            self.before[v].append(u)
            self.last_use[u] = max(self.last_use[u], position[v])
        for node in self._topological():
            self.members[position[node]].append(node)

    def _topological(self) -> list[int]:
        graph = nx.DiGraph(self.placement.edges)
        graph.add_nodes_from(range(len(self.position)))
        return list(nx.topological_sort(graph))

    def times(self) -> tuple[Times, Times]:
        """Time of each run on an accelerator, and on the host."""
        blocks = len(self.members)
        accelerator = np.full((blocks + 1, blocks + 1), np.inf)
        host = np.full((blocks + 1, blocks + 1), np.inf)
        for start in range(blocks):
            accelerator[start, start + 1 :] = self._on_accelerator(start)
            if self.placement.cores:
                host[start, start + 1 :] = self._on_host(start)
        return accelerator, host

    def _on_accelerator(self, start: int) -> list[float]:
        """Times of the runs that begin with a block, by where they end."""
        nodes = self.placement.nodes
        received: set[int] = set()
        sent_until = [0.0] * len(self.members)
        time = sent = 0.0
        size = 0
        times = []
        for at in range(start, len(self.members)):
            # What was read last by this block is no longer sent.
            sent -= sent_until[at]
            for node in self.members[at]:
                size += nodes[node].size_bytes
                time += _or_inf(nodes[node].accelerator_time)
                outside = {u for u in self.before[node] if self.position[u] < start} - received
                time += sum(nodes[u].cost for u in outside)
                received |= outside
                if self.last_use[node] > at:
                    sent += nodes[node].cost
                    sent_until[self.last_use[node]] += nodes[node].cost
            if size > self.placement.memory_bytes:
                break
            times.append(time + sent)
        return times + [np.inf] * (len(self.members) - start - len(times))

    def _on_host(self, start: int) -> list[float]:
        """Critical paths of the runs that begin with a block, by where they end."""
        end: dict[int, float] = {}
        times: list[float] = []
        for members in self.members[start:]:
            for node in members:
                ready = max((end[u] for u in self.before[node] if u in end), default=0.0)
                end[node] = ready + self.placement.nodes[node].host_time
            latest = max(end[node] for node in members)
            times.append(max(latest, times[-1]) if times else latest)
        return times


def _or_inf(time: float | None) -> float:
    return np.inf if time is None else time
