"""The choice of places to cut by cost, as a split of the graph by `scheduler.splitting`."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise

from onnx import ModelProto

from cost_models.features import graph_cost
from cost_models.roofline import roofline_us
from devices.models.info import subgraphs
from devices.models.partitions.bonds import bonds, joined
from devices.models.partitions.links import Links
from scheduler.instances.network import PlacementNode, PlacementProblem
from scheduler.model.measuring import Peaks
from scheduler.model.schedule import Limits
from scheduler.splitting import Goal, solve
from scheduler.splitting.blocks import blocks_of
from scheduler.splitting.cutting import drawn_order

Shapes = Mapping[str, tuple[int, ...]]

_SEARCH_S = 2.0
"""Orders of a few hundred blocks are cut some hundred times in that."""
_MOST_BLOCKS = 3_000
"""The search holds grids of so many squared; of larger graphs, neighbours stay together."""
_CROSSING_US = 100.0
"""Time of a tensor between two pieces: its file, and its entry in a report."""
_BYTES_PER_US = 1_000.0
"""Rate at which a worker writes such a tensor into fresh pages of shared memory and the next
reads it. Rounded from runs of pieces through a service on two cores."""
_SMALL_US = 2_000.0
"""Time of a model below which crossings are priced less in proportion: who asks for pieces of a
small model wants the best that there are, although none pays."""
_ONE_CORE = Peaks(
    provider="cpu", flops_per_s={"float32": 50e9}, bytes_per_s=10e9, launch_ns=1, node_ns=1_000
)
"""Only proportions matter: the times are scaled to that of the whole. A launch of the graph counts
nothing, since each group is priced by itself."""


def named(links: Links) -> ModelProto:
    """A copy of the model whose nodes have their positions as names, by which they are priced."""
    copy: ModelProto = ModelProto.FromString(links.model.SerializeToString())
    for index, node in enumerate(copy.graph.node):
        node.name = _name(index)
    return copy


@dataclass(frozen=True)
class Priced:
    """A graph with the time of each node and the bytes that it gives.

    Parameters
    ----------
    groups
        Nodes that a runtime fuses into one kernel, so that no cut is to part them.
    time_us, given_bytes
        By node; those without a time are free.
    """

    links: Links
    groups: tuple[tuple[int, ...], ...]
    time_us: Mapping[int, float]
    given_bytes: Mapping[int, int]

    @classmethod
    def of(
        cls, links: Links, shapes: Shapes, *, whole_us: int, measured_us: Mapping[str, float]
    ) -> Priced:
        """Price a graph: by measured times of kernels, else by its counts, scaled to the whole.

        Parameters
        ----------
        whole_us
            Time of the whole, to which the sum over all nodes is scaled.
        measured_us
            Times of kernels by the names of `named`.

        Raises
        ------
        InvalidModel
            If the graph cannot be counted.
        """
        cost = graph_cost(named(links), shapes)
        members = [_node_of(links, operator.name) for operator in cost.operators]
        # A DequantizeLinear of a weight counts as work, and goes with the nodes that read it.
        computed = set(links.nodes)
        members = [node if node in computed else None for node in members]
        times: dict[int, float] = {}
        given: dict[int, int] = {}
        groups = []
        for group in cost.groups:
            nodes = sorted({m for at in group.operators if (m := members[at]) is not None})
            if not nodes:
                continue
            measured = sum(measured_us.get(_name(node), 0.0) for node in nodes)
            alone = measured or roofline_us(replace(cost, groups=(group,)), _ONE_CORE)
            times[nodes[0]] = times.get(nodes[0], 0.0) + alone
            groups.append(tuple(nodes))
        for operator, node in zip(cost.operators, members, strict=True):
            if node is not None:
                given[node] = max(given.get(node, 0), operator.written_bytes)
        scale = whole_us / max(sum(times.values()), 1e-9)
        scaled = {node: time * scale for node, time in times.items()}
        return cls(links, tuple(groups), scaled, given)

    def sum_us(self, nodes: Iterable[int]) -> float:
        """Time of a set of nodes."""
        return sum(self.time_us.get(node, 0.0) for node in nodes)


def split(priced: Priced, pieces: int) -> list[set[int]]:
    """Split a model into convex pieces of which the longest is as short as can be.

    Returns
    -------
    list
        Nodes of each piece, in the order in which they run; fewer where no more fit.
    """
    links = priced.links
    answer = solve(
        _network(priced, pieces),
        Goal.MAX_LOAD,
        Limits(time_s=_SEARCH_S),
        clock=time.monotonic,
        # It needs no compiled kernel, which a confined process could not keep.
        solver="order_cuts",
    )
    found: dict[int, set[int]] = {}
    for node, device in zip(links.nodes, answer.split, strict=True):
        found.setdefault(device, set()).add(node)
    # The search numbers the runs of one topological order.
    return [found[device] for device in sorted(found)]


def ordered_groups(priced: Priced) -> list[frozenset[int]]:
    """Nodes that no cut parts, in an order in which they can run, branch by branch."""
    network = _network(priced, 1)
    blocks = blocks_of(network, network.edges)
    members: dict[int, set[int]] = {}
    for node, block in zip(priced.links.nodes, blocks.of_node, strict=True):
        members.setdefault(block, set()).add(node)
    order = drawn_order(blocks, random.Random(0), shuffled=0.0)
    return [frozenset(members[block]) for block in order]


def together(priced: Priced) -> dict[int, int]:
    """Per node the group that no cut parts: a fusion, or a tensor that is no place to cut."""
    nodes = priced.links.nodes
    fused = [pair for group in priced.groups for pair in pairwise(group)]
    size = -(-len(nodes) // _MOST_BLOCKS)
    beside = [(nodes[i - 1], nodes[i]) for i in range(1, len(nodes)) if i % size]
    return joined(nodes, [*bonds(priced.links), *fused, *beside])


def _network(priced: Priced, pieces: int) -> PlacementProblem:
    links, colours = priced.links, together(priced)
    place = {node: i for i, node in enumerate(links.nodes)}
    weight = min(1.0, priced.sum_us(links.nodes) / _SMALL_US)
    edges = [
        (place[links.makers[name]], place[reader])
        for reader in links.nodes
        for name in links.reads(reader)
        if name in links.makers
    ]
    nodes = tuple(
        PlacementNode(
            number=node,
            accelerator_time=priced.time_us.get(node, 0.0),
            host_time=0.0,
            size_bytes=0,
            backward=False,
            colour=colours[node],
            cost=weight * (_CROSSING_US + priced.given_bytes.get(node, 0) / _BYTES_PER_US),
        )
        for node in links.nodes
    )
    return PlacementProblem(
        accelerators=pieces,
        cores=0,
        memory_bytes=1,
        nodes=nodes,
        edges=tuple(dict.fromkeys(edges)),
    )


def _name(index: int) -> str:
    return f"#{index}"


def _node_of(links: Links, name: str) -> int | None:
    """The node of an operator by the names of `named`; of one in a branch, the node around it."""
    if name.startswith("#") and name[1:].isdigit():
        return int(name[1:])
    return next(
        (
            node
            for node in links.nodes
            if subgraphs(links.node(node)) and name.startswith(f"{links.node(node).output[0]}/")
        ),
        None,
    )
