"""Placement of neural networks on accelerators and a host, after Tarnawski et al.

JSON: ``maxFPGAs`` accelerators with ``maxSizePerFPGA`` bytes each, ``maxCPUs`` cores of a host,
``nodes`` with a time on either and a size, ``edges`` with the time that the source's output takes
between an accelerator and the host. Nodes of one ``colorClass`` go together.

The file is read in two ways. `read_placement` gives the network itself, for `scheduler.splitting`:
the values of a split in the paper, the latency of one sample or the greatest load (pipelined
throughput), are no values of a schedule.

`read` gives a `Problem` whose makespan bounds the latency from below. It has each node as an
operation, each accelerator as a machine with memory, and the host as one machine that takes as
many operations at once as it has cores. Weights are resident bytes, colour classes are colocation
groups. An output takes its cost between an accelerator and the host, and twice that from one
accelerator to another. It leaves out three parts of the paper's latency, each of which can only
lengthen it:

* an accelerator runs one contiguous subgraph (or `q` of them), which begins when all its inputs
  are there and whose outputs are there when all of it has run;
* an accelerator does not compute while it sends and receives, and does those one after another;
* an output goes to the host once, and to another accelerator once, however many nodes read it
  there: the sum of the transfers is paid, not the longest.

One rule is stricter: the paper's latency lets the host run any number of nodes at once
("assume infinitely many"), here it has `maxCPUs` cores.

So a bound proven for the problem, with enough cores, is a bound for the paper. The makespan of a
plan is not comparable with the paper's values; the `latency` of its split is.

References
----------
Tarnawski, Phanishayee, Devanur, Mahajan and Nina Paravecino (2020), doi:10.48550/arXiv.2006.16423;
section 4 and appendix A, and ``latency-ip/lip.py`` in its repository msr-fiddle/dnn-partitioning.
"""

from __future__ import annotations

import math

from scheduler.instances.graphs import longest_path
from scheduler.instances.instance import Instance
from scheduler.instances.network import HOST, PlacementNode, PlacementProblem
from scheduler.instances.reading import MAX_MACHINES, Node, duration_us, real_unit
from scheduler.model.problem import (
    Demand,
    Edge,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
    Resource,
)

CORES = "cores"
MAX_ACCELERATORS = 256
"""Most accelerators, more than any known file has; each pair of them gets a link."""


def read_placement(root: Node) -> PlacementProblem:
    """Read the network of the file.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    numbers: dict[int, int] = {}
    for i, node in enumerate(root["nodes"]):
        number = node["id"].integer()
        if number in numbers:
            node["id"].refuse("must be unique", number)
        numbers[number] = i
    edges: dict[tuple[int, int], None] = {}
    costs = [0.0] * len(numbers)
    for edge in root["edges"]:
        source, target = _end(edge["sourceId"], numbers), _end(edge["destId"], numbers)
        edges[source, target] = None
        costs[source] = max(costs[source], edge["cost"].real())
    longest_path(costs, edges)  # refuses a cycle
    return PlacementProblem(
        accelerators=root["maxFPGAs"].integer(0, MAX_ACCELERATORS),
        cores=root["maxCPUs"].integer(0, MAX_MACHINES),
        memory_bytes=math.floor(root["maxSizePerFPGA"].real()),
        nodes=tuple(_node(node, cost) for node, cost in zip(root["nodes"], costs, strict=True)),
        edges=tuple(edges),
    )


def _end(end: Node, numbers: dict[int, int]) -> int:
    number = end.integer()
    if number not in numbers:
        end.refuse("must be the id of a node", number)
    return numbers[number]


def _node(node: Node, cost: float) -> PlacementNode:
    supported = node["supportedOnFpga"].value
    if supported not in (True, False):
        node["supportedOnFpga"].refuse("must be true or false, 1 or 0", supported)
    return PlacementNode(
        number=node["id"].integer(),
        accelerator_time=node["fpgaLatency"].real() if supported else None,
        host_time=node["cpuLatency"].real(),
        size_bytes=math.ceil(node["size"].real()) if "size" in node else 0,
        backward=bool(node["isBackwardNode"].value) if "isBackwardNode" in node else False,
        colour=node["colorClass"].integer(-(2**53)) if "colorClass" in node else None,
        cost=cost,
    )


def read(root: Node, *, name: str) -> Instance:
    """Read the file as a problem whose makespan bounds the latency from below.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    return instance(read_placement(root), name=name)


def instance(placement: PlacementProblem, *, name: str) -> Instance:
    """Turn a network into a problem; the docstring of the module describes their relation.

    Raises
    ------
    InvalidInstance
        If its times span too many digits, or if there is a cycle.
    """
    unit = _unit(placement)
    accelerators = [f"accelerator{i}" for i in range(placement.accelerators)]
    host = [Machine(id=HOST, exclusive=False)] if placement.cores else []
    problem = Problem(
        machines=(
            *(Machine(id=a, memory_bytes=placement.memory_bytes) for a in accelerators),
            *host,
        ),
        jobs=(Job(id="sample"),),
        operations=tuple(
            Operation(
                id=f"n{node.number}",
                job="sample",
                modes=_modes(node, accelerators, placement, unit),
                colocation="" if node.colour is None else f"colour{node.colour}",
            )
            for node in placement.nodes
        ),
        edges=tuple(
            Edge(
                source=f"n{placement.nodes[u].number}",
                target=f"n{placement.nodes[v].number}",
                size_bytes=round(placement.nodes[u].cost * unit),
            )
            for u, v in placement.edges
        ),
        links=_links(accelerators, bool(host)),
        resources=tuple(Resource(id=CORES, capacity=placement.cores) for _ in host),
        name=name,
    )
    return Instance(
        problem=problem,
        format="dnn_placement",
        us_per_unit=unit,
        whole=False,
        unit="ms",
        network=placement,
        operation_numbers=tuple(node.number for node in placement.nodes),
        machine_numbers=(*range(placement.accelerators), *(HOST for _ in host)),
    )


def _unit(placement: PlacementProblem) -> int:
    times = [node.host_time for node in placement.nodes]
    times += [node.accelerator_time or 0.0 for node in placement.nodes]
    times += [2 * node.cost for node in placement.nodes]
    fastest = [
        node.host_time
        if node.accelerator_time is None
        else min(node.host_time, node.accelerator_time)
        for node in placement.nodes
    ]
    shortest = longest_path(fastest, placement.edges)
    return real_unit(times, roundings=2 * len(fastest), shortest=shortest, where="nodes and edges")


def _modes(
    node: PlacementNode, accelerators: list[str], placement: PlacementProblem, unit: int
) -> tuple[Mode, ...]:
    modes = []
    if node.accelerator_time is not None:
        time_us = duration_us(node.accelerator_time, unit)
        size = node.size_bytes
        modes += [Mode(machine=a, duration_us=time_us, resident_bytes=size) for a in accelerators]
    if placement.cores:
        demands = (Demand(resource=CORES, amount=1),)
        time_us = duration_us(node.host_time, unit)
        modes.append(Mode(machine=HOST, duration_us=time_us, demands=demands))
    return tuple(modes)


def _links(accelerators: list[str], host: bool) -> tuple[Link, ...]:
    """Links on which a byte takes a microsecond to or from the host, and goes through the host."""
    links = [
        Link(source=a, target=b, bandwidth_bytes_per_s=500_000)
        for a in accelerators
        for b in accelerators
        if a != b
    ]
    if host:
        for a in accelerators:
            links.append(Link(source=a, target=HOST, bandwidth_bytes_per_s=1_000_000))
            links.append(Link(source=HOST, target=a, bandwidth_bytes_per_s=1_000_000))
    return tuple(links)
