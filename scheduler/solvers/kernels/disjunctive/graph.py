"""The disjunctive graph: precedence and machine order as one graph.

A plan is a mode per operation and an order per machine. Heads (longest path to an operation: its
earliest start) and tails (longest path from its end to the goal) follow from them: see `paths`.

References
----------
The graph is of Roy and Sussmann (1964) as Balas (1969), doi:10.1287/opre.17.6.941, uses it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import lean_part
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US, Sinks, no_sinks
from scheduler.solvers.kernels.ordering import history, rows

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long

Records = np.recarray[Any, Any]

NONE = -1
"""No operation."""
_ENDED = 2


def _row(longs: str, ints: str) -> np.dtype[Any]:
    fields = [(name, np.int64) for name in longs.split()]
    return np.dtype(fields + [(name, np.int32) for name in ints.split()], align=True)


# Rows and not columns, because most computations read most fields of an operation, and handing a
# kernel a tuple of many arrays costs more than many kernels compute.
OPERATION_ROW = _row(
    "head_us tail_us us ready_us rest_us earliest_us goal_us",
    "mode machine place before behind position seen movable"
    " mode_first mode_last source_first source_last target_first target_last",
)
"""An operation in the plan.

head_us, ready_us: earliest start, and what precedence alone would allow.
tail_us, rest_us: longest path from the end to the goal, and what precedence alone demands.
goal_us: added to an end, gives its part of the value: zero for the makespan, minus the due date
for the maximum lateness, `FAR_US` if the end does not count.
place, before, behind: position in the order of its machine, and neighbours there.
position, seen: its position in the topological order, and a mark.
movable: 0 if it has started; its head is then fixed, and it is in no machine's order.
"""
MODE_ROW = _row("us late_us setup_us", "machine family")
"""A mode. late_us: the duration by which deadlines count; 0 of what has ended."""
MACHINE_ROW = _row(
    "free_us", "first length device_number family exclusive window_first window_last"
)
"""A machine. free_us, family: its state after the operations that have started there.

Its order is ``sequence[first:][:length]``; one that is not exclusive has none.
"""
EDGE_ROW = _row("", "operation edge")
WINDOW_ROW = _row("start_us end_us", "")


class Graph(NamedTuple):
    """A plan under change.

    Parameters
    ----------
    lagged, setups, windowed
        True if there are transfers that take time, setups, windows. Absent ones cost nothing.
    summed
        Not empty if the value is a sum over `sinks`, and not the longest path to one goal. A tuple,
        because its length is part of its type: code for sinks is compiled only if there are some,
        and costs nothing elsewhere.
    source, target
        Rows of edges: the other end, and the number of the edge.
    edge_us, latency_us, rate
        As in `Arrays`.
    order
        A topological order of the whole graph.
    buffer, clock
        Room for a window of the order, and the newest mark.
    beyond_us
        ``[operation, sink]``: longest path from the end of an operation to each sink.
    """

    lagged: bool
    setups: bool
    windowed: bool
    summed: tuple[int, ...]
    operation: Records
    mode: Records
    machine: Records
    source: Records
    target: Records
    window: Records
    edge_us: Long
    latency_us: Long
    rate: Int
    sequence: Int
    order: Int
    buffer: Int
    clock: Int
    sinks: Sinks
    beyond_us: Long


def graph(a: Arrays, sinks: Sinks | None = None) -> Graph:
    """Allocate a graph for plans of a problem; `load` fills it. Its goal is makespan or sinks."""
    sinks = no_sinks(a) if sinks is None else sinks
    count, machines = len(a.state), len(a.machine_device)
    owner = np.repeat(np.arange(count, dtype=np.int64), np.diff(a.mode_first))
    # Sorted, because `np.unique` hashes, which takes ten times as long.
    pairs = np.sort(owner * machines + a.mode_machine, kind="stable")
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))] % max(machines, 1)
    operation = _records(OPERATION_ROW, count)
    operation.movable = a.state == 0
    operation.earliest_us = a.earliest_us
    operation.mode_first, operation.mode_last = a.mode_first[:-1], a.mode_first[1:]
    source, target = _edges(a, operation)
    mode = _records(MODE_ROW, len(a.mode_us))
    mode.us, mode.setup_us = a.mode_us, a.mode_setup_us
    mode.late_us = np.where(a.state[owner] == _ENDED, 0, a.mode_p95_us)
    mode.machine, mode.family = a.mode_machine, a.mode_family
    window = _records(WINDOW_ROW, len(a.window_start_us))
    window.start_us, window.end_us = a.window_start_us, a.window_end_us
    return Graph(
        lagged=bool((a.link_latency_us != 0).any() or (a.link_rate != 0).any()),
        setups=bool((a.mode_setup_us > 0).any()),
        windowed=len(window) > 0,
        summed=(1,) if len(sinks.from_us) else (),
        operation=operation,
        mode=mode,
        machine=_machines(a, rows(pairs.astype(np.int32), machines)[0]),
        source=source,
        target=target,
        window=window,
        edge_us=a.edge_us.copy(),
        latency_us=a.link_latency_us.copy(),
        rate=a.link_rate.copy(),
        sequence=np.zeros(len(pairs), np.int32),
        order=np.zeros(count, np.int32),
        buffer=np.zeros(count, np.int32),
        clock=np.zeros(1, np.int32),
        sinks=sinks,
        beyond_us=np.full((count, len(sinks.from_us)), FAR_US, np.int64),
    )


def _records(row: np.dtype[Any], count: int) -> Records:
    return np.zeros(count, row).view(np.recarray)


def _edges(a: Arrays, operation: Records) -> tuple[Records, Records]:
    """Edges that still constrain: those into started operations are left out."""
    count = len(operation)
    target = np.repeat(np.arange(count, dtype=np.int32), np.diff(a.source_first))
    kept = operation.movable[target] == 1
    target, source, edge = target[kept], a.source_op[kept], a.source_edge[kept]
    first, into = rows(target, count)
    operation.source_first, operation.source_last = first[:-1], first[1:]
    incoming = _records(EDGE_ROW, len(edge))
    incoming.operation, incoming.edge = source[into], edge[into]
    first, out = rows(source, count)
    operation.target_first, operation.target_last = first[:-1], first[1:]
    outgoing = _records(EDGE_ROW, len(edge))
    outgoing.operation, outgoing.edge = target[out], edge[out]
    return incoming, outgoing


def _machines(a: Arrays, first: Int) -> Records:
    machine = _records(MACHINE_ROW, len(a.machine_device))
    machine.first = first[:-1]
    machine.device_number, machine.exclusive = a.machine_device, a.machine_exclusive
    machine.window_first, machine.window_last = a.window_first[:-1], a.window_first[1:]
    machine.free_us, machine.family = a.now_us, a.machine_family
    for i in history(a.state, a.frozen_start_us, a.frozen_end_us):
        row = machine[a.mode_machine[a.mode_first[i]]]
        row.free_us = max(row.free_us, a.frozen_end_us[i])
        row.family = a.mode_family[a.mode_first[i]]
    machine.free_us = np.where(machine.exclusive, machine.free_us, a.now_us)
    return machine


@lean_part
def next_mark(g: Graph) -> int:
    """Return a mark that no operation has."""
    if g.clock[0] == 2**31 - 1:
        g.clock[0] = 0
        for i in range(len(g.operation)):
            g.operation[i].seen = 0
    g.clock[0] += 1
    return int(g.clock[0])
