"""Blocks of a network: nodes that stay together, their precedence, and the outputs between."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import networkx as nx
import numpy as np
from numpy.typing import NDArray

from scheduler.instances.network import PlacementProblem
from scheduler.splitting.rules import Arc

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Blocks:
    """Groups of nodes that any split keeps together, and the outputs between them.

    Nodes of a colour stay together, and so do colours in a cycle, which no order could separate.

    Parameters
    ----------
    of_node
        Block of each node of the network.
    graph
        Precedence between blocks. Acyclic.
    accelerator_time, host_time
        Sums over the nodes; infinite on an accelerator if one of them does not run there.
    outputs
        Blocks that write or read an output, two or more, with the cost to move it. A device with
        some of them and not all pays it once, to send the output or to receive it.
    """

    of_node: tuple[int, ...]
    graph: nx.DiGraph
    accelerator_time: Times
    host_time: Times
    size_bytes: NDArray[np.int64]
    outputs: tuple[tuple[tuple[int, ...], float], ...]

    def __len__(self) -> int:
        return len(self.size_bytes)


def blocks_of(placement: PlacementProblem, arcs: Iterable[Arc]) -> Blocks:
    """Find the blocks of a network, given additional precedence arcs."""
    colours = [
        ("own", i) if node.colour is None else ("colour", node.colour)
        for i, node in enumerate(placement.nodes)
    ]
    apart = nx.DiGraph()
    apart.add_nodes_from(dict.fromkeys(colours))
    apart.add_edges_from((colours[u], colours[v]) for u, v in arcs if colours[u] != colours[v])
    graph = nx.condensation(apart)
    of_node = tuple(graph.graph["mapping"][colour] for colour in colours)
    accelerator = np.zeros(len(graph))
    host = np.zeros(len(graph))
    size = np.zeros(len(graph), np.int64)
    for node, block in zip(placement.nodes, of_node, strict=True):
        time = node.accelerator_time
        accelerator[block] += np.inf if time is None else time
        host[block] += node.host_time
        size[block] += node.size_bytes
    return Blocks(
        of_node=of_node,
        graph=graph,
        accelerator_time=accelerator,
        host_time=host,
        size_bytes=size,
        outputs=_outputs(placement, of_node),
    )


def _outputs(
    placement: PlacementProblem, of_node: Sequence[int]
) -> tuple[tuple[tuple[int, ...], float], ...]:
    ends: list[set[int]] = [{block} for block in of_node]
    for u, v in placement.edges:
        ends[u].add(of_node[v])
    costs: dict[tuple[int, ...], float] = {}
    for node, found in zip(placement.nodes, ends, strict=True):
        if len(found) > 1 and node.cost > 0:
            key = tuple(sorted(found))
            costs[key] = costs.get(key, 0.0) + node.cost
    return tuple(costs.items())
