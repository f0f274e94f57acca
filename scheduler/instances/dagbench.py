"""A task graph and a network as JSON: DAGBench's files, and those of the papers on HEFT.

``task_graph`` has tasks with a cost and dependencies with a size, ``network`` has nodes and edges
with a speed. A task takes cost / speed of its node, a dependency takes size / speed of the edge;
a network edge without one in the other direction counts for both. Nodes run one task at a time.

The form of the ten-task examples has ``cost``, a row per task with a time per processor, and
``edges_1based_u_v_comm``, with a time that is the same between any two distinct processors.

References
----------
Coleman and Krishnamachari (2024), doi:10.48550/arXiv.2403.07120, for the form of the networks.
Topcuoglu, Hariri and Wu (2002), doi:10.1109/71.993206.
"""

from __future__ import annotations

from decimal import Decimal

from scheduler.instances.graphs import longest_path
from scheduler.instances.instance import Instance
from scheduler.instances.reading import (
    MAX_MACHINES,
    Node,
    duration_us,
    numbered_machines,
    real_unit,
)
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.problem import Edge, Job, Link, Machine, Mode, Operation, Problem

Pair = tuple[str, str]


def read(root: Node, *, name: str) -> Instance:
    """Read a task graph and a network.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    graph, network = root["task_graph"], root["network"]
    costs = {task["name"].string(): task["cost"].real() for task in graph["tasks"]}
    sizes = _sizes(graph["dependencies"], costs)
    speeds = {node["name"].string(): node["speed"].positive() for node in network["nodes"]}
    if not speeds:
        network["nodes"].refuse("must not be empty")
    rates = _rates(network["edges"], speeds)
    unit = _unit(costs, sizes, speeds, rates)
    bytes_per_size = _precision(sizes, rates, unit)
    problem = Problem(
        machines=tuple(Machine(id=node) for node in speeds),
        jobs=(Job(id="graph"),),
        operations=tuple(
            Operation(
                id=task,
                job="graph",
                modes=tuple(
                    Mode(machine=node, duration_us=duration_us(cost / speed, unit))
                    for node, speed in speeds.items()
                ),
            )
            for task, cost in costs.items()
        ),
        edges=tuple(
            Edge(source=u, target=v, size_bytes=_whole(size, bytes_per_size))
            for (u, v), size in sizes.items()
        ),
        links=tuple(
            Link(
                source=a,
                target=b,
                bandwidth_bytes_per_s=max(1, _whole(rate, bytes_per_size * 1_000_000 / unit)),
            )
            for (a, b), rate in rates.items()
        ),
        name=name,
    )
    return Instance(
        problem=problem,
        format="dagbench",
        us_per_unit=unit,
        whole=False,
        operation_numbers=tuple(range(len(costs))),
        machine_numbers=tuple(speeds),
    )


def _sizes(dependencies: Node, costs: dict[str, float]) -> dict[Pair, float]:
    sizes: dict[Pair, float] = {}
    for dependency in dependencies:
        for end in ("source", "target"):
            if dependency[end].string() not in costs:
                dependency[end].refuse("must be the name of a task", dependency[end].value)
        pair = dependency["source"].string(), dependency["target"].string()
        sizes[pair] = max(dependency["size"].real(), sizes.get(pair, 0.0))
    return sizes


def _rates(edges: Node, speeds: dict[str, float]) -> dict[Pair, float]:
    """Speed per ordered pair of distinct nodes."""
    rates: dict[Pair, float] = {}
    for edge in edges:
        for end in ("source", "target"):
            if edge[end].string() not in speeds:
                edge[end].refuse("must be the name of a node", edge[end].value)
        a, b = edge["source"].string(), edge["target"].string()
        if a != b:
            rates[a, b] = edge["speed"].positive()
    backwards = {(b, a): rate for (a, b), rate in rates.items() if (b, a) not in rates}
    return rates | backwards


def _unit(
    costs: dict[str, float],
    sizes: dict[Pair, float],
    speeds: dict[str, float],
    rates: dict[Pair, float],
) -> int:
    times = [cost / speed for cost in costs.values() for speed in set(speeds.values())]
    times += [size / rate for size in set(sizes.values()) if size for rate in set(rates.values())]
    numbers = {task: i for i, task in enumerate(costs)}
    fastest = max(speeds.values())
    shortest = longest_path(
        [cost / fastest for cost in costs.values()], [(numbers[u], numbers[v]) for u, v in sizes]
    )
    return real_unit(
        times, roundings=2 * len(costs), shortest=shortest, where="task_graph and network"
    )


def _precision(sizes: dict[Pair, float], rates: dict[Pair, float], unit: int) -> Decimal:
    """Bytes per unit of size: the largest power of ten with which nothing is too large."""
    largest = max([*sizes.values(), *(rate * 1e6 / unit for rate in rates.values()), 1e-9])
    return Decimal(10) ** ((Decimal(MAX_INTEGER) / Decimal(largest)).adjusted())


def _whole(value: float, factor: Decimal) -> int:
    """Scale by a factor. Decimal, so that a time that is whole in the file stays so."""
    return round(Decimal(repr(value)) * factor)


def read_example(root: Node, *, name: str) -> Instance:
    """Read a ten-task example. Tasks count from 1, as in its edges.

    Raises
    ------
    InvalidInstance
        With the path in the document and what is wrong there.
    """
    processors = root["processors"].integer(1, MAX_MACHINES)
    costs = [[cost.integer(1) for cost in row] for row in root["cost"]]
    for row, found in zip(root["cost"], costs, strict=True):
        if len(found) != processors:
            row.refuse(f"must have {processors} times, one per processor", len(found))
    machines = numbered_machines(processors)
    problem = Problem(
        machines=machines,
        jobs=(Job(id="graph"),),
        operations=tuple(
            Operation(
                id=f"t{i}",
                job="graph",
                modes=tuple(Mode(machine=f"m{m}", duration_us=cost) for m, cost in enumerate(row)),
            )
            for i, row in enumerate(costs, start=1)
        ),
        edges=tuple(_edge(edge, len(costs)) for edge in root["edges_1based_u_v_comm"]),
        links=tuple(
            # A byte takes a microsecond.
            Link(source=a.id, target=b.id, bandwidth_bytes_per_s=1_000_000)
            for a in machines
            for b in machines
            if a is not b
        ),
        name=name,
    )
    return Instance(
        problem=problem,
        format="heft",
        operation_numbers=tuple(range(1, len(costs) + 1)),
        machine_numbers=tuple(range(processors)),
    )


def _edge(edge: Node, tasks: int) -> Edge:
    values = list(edge)
    if len(values) != 3:
        edge.refuse("must have 3 numbers: from, to and time", len(values))
    source, target = (value.integer(1, tasks) for value in values[:2])
    return Edge(source=f"t{source}", target=f"t{target}", size_bytes=values[2].integer())
