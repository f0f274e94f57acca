"""Flexible job shops with precedence as a graph, and with transport between machines.

Whitespace-separated whole numbers. The first line has the numbers of operations, arcs and
machines; then comes a line per arc (before, after), and a line per operation: the number of
alternatives and that many pairs of machine and duration. All count from 0; machines may count from
1. If as many lines follow as there are machines, they are the transport times: row i has the time
from machine i to each machine, paid between an operation and its successor when they sit on
different ones.

Jobs are the weakly connected components. Each machine is a device of its own; a transport time is
the latency of the link between two.

References
----------
Birgin, Feofiloff, Fernandes, de Melo, Oshiro and Ronconi (2014), doi:10.1007/s10845-013-0785-8.
"""

from __future__ import annotations

from scheduler.instances.fjsp import Alternatives, alternatives, first_machine, modes_of
from scheduler.instances.graphs import components
from scheduler.instances.instance import Instance
from scheduler.instances.reading import (
    Line,
    integers,
    lines,
    machine_count,
    numbered_machines,
    refuse_line,
    row,
    whole_unit,
)
from scheduler.model.problem import Edge, Job, Link, Operation, Problem


def parse(text: str, *, name: str) -> Instance:
    r"""Read a flexible job shop with arcs.

    Raises
    ------
    InvalidInstance
        With the line and what is wrong in it.

    Examples
    --------
    >>> shop = parse("2 1 2\n0 1\n1 0 3\n1 1 4\n0 5\n5 0\n", name="tiny")
    >>> shop.problem.links[0].latency_us
    5
    """
    found = lines(text)
    operations, arcs, machines = row(found[0], 3, "operations, arcs, machines")
    machine_count(machines, f"line {found[0][0]}")
    _check_length(found, operations, arcs, machines)
    pairs = [_arc(line, operations) for line in found[1 : 1 + arcs]]
    end = 1 + arcs + operations
    rows = [(line[0], [_alternatives(line)]) for line in found[1 + arcs : end]]
    first = first_machine(rows, machines)
    transport = [row(line, machines, "transport times") for line in found[end:]]
    unit = whole_unit(us for _, (one,) in rows for _, us in one)
    modes = modes_of((one for _, (one,) in rows), first, unit)
    jobs = components(operations, pairs)
    problem = Problem(
        machines=numbered_machines(machines),
        jobs=tuple(Job(id=f"j{j}") for j in range(max(jobs, default=-1) + 1)),
        operations=tuple(
            Operation(id=f"o{i}", job=f"j{job}", modes=own)
            for i, (job, own) in enumerate(zip(jobs, modes, strict=True))
        ),
        edges=tuple(Edge(source=f"o{u}", target=f"o{v}") for u, v in dict.fromkeys(pairs)),
        links=_links(transport, unit),
        name=name,
    )
    return Instance(
        problem=problem,
        format="fjsp_dag",
        us_per_unit=unit,
        operation_numbers=tuple(range(operations)),
        machine_numbers=tuple(range(first, first + machines)),
    )


def _check_length(found: list[Line], operations: int, arcs: int, machines: int) -> None:
    length = 1 + arcs + operations
    if len(found) in {length, length + machines}:
        return
    law = (
        f"wants {arcs} arcs, {operations} operations and then nothing or {machines} rows of "
        f"transport times: {length} or {length + machines} lines"
    )
    refuse_line(found[-1][0], law, f"{len(found)} lines")


def _arc(line: Line, operations: int) -> tuple[int, int]:
    before, after = row(line, 2, "an arc")
    if max(before, after) >= operations:
        refuse_line(line[0], f"wants operations from 0 to {operations - 1}", max(before, after))
    return before, after


def _alternatives(line: Line) -> Alternatives:
    values = integers(line)
    pairs, end = alternatives(values, 0, line[0])
    if end < len(values):
        law = f"wants the end of the line after {len(pairs)} pairs of machine and duration"
        refuse_line(line[0], law, f"{len(values) - end} more numbers")
    return pairs


def _links(transport: list[list[int]], unit: int) -> tuple[Link, ...]:
    return tuple(
        Link(source=f"m{i}", target=f"m{j}", latency_us=time * unit)
        for i, times in enumerate(transport)
        for j, time in enumerate(times)
        if i != j
    )
