"""The disjunctive graph: precedence and machine order as one graph, with its longest paths.

A plan is a mode per operation and an order per machine. Heads (longest path to an operation: its
earliest start) and tails (longest path from its end to the goal) follow from them. After a move
only what the move can change is computed again, in a topological order that is repaired in place.

References
----------
The graph is of Roy and Sussmann (1964) as Balas (1969), doi:10.1287/opre.17.6.941, uses it; the
repair of the order follows Pearce and Kelly (2006), doi:10.1145/1187436.1210590, in one window.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.ordering import rows

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long, Solution

Records = np.recarray[Any, Any]

NONE = -1
"""No operation."""
FAR_US = -(2**60)
"""Tail of what does not lead to the goal."""


def _row(longs: str, ints: str) -> np.dtype[Any]:
    fields = [(name, np.int64) for name in longs.split()]
    return np.dtype(fields + [(name, np.int32) for name in ints.split()], align=True)


# Rows and not columns: what is computed for an operation looks at most of its fields, and a tuple
# of many arrays costs more to hand to a kernel than many a kernel does.
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
position, seen: where it stands in the topological order, and a mark.
movable: 0 if it has started; it then has a fixed head, and stands in no machine's order.
"""
MODE_ROW = _row("us setup_us", "machine family")
MACHINE_ROW = _row(
    "free_us", "first length device_number family exclusive window_first window_last"
)
"""A machine. free_us, family: what has started there leaves behind.

Its order is ``sequence[first:][:length]``; one that is not exclusive has none.
"""
EDGE_ROW = _row("", "operation edge")
WINDOW_ROW = _row("start_us end_us", "")


class Graph(NamedTuple):
    """A plan under change.

    Parameters
    ----------
    lagged, setups, windowed
        Whether there are transfers that take time, setups, windows: what is not, costs nothing.
    source, target
        Rows of edges: the other end, and the number of the edge.
    edge_us, latency_us, rate
        As in `Arrays`.
    order
        A topological order of the whole graph.
    buffer, clock
        Room for a window of the order, and the mark that counts.
    """

    lagged: bool
    setups: bool
    windowed: bool
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


def graph(a: Arrays) -> Graph:
    """Give a graph for plans of a problem; `load` fills it. The goal is the makespan."""
    count, machines = len(a.state), len(a.machine_device)
    owner = np.repeat(np.arange(count, dtype=np.int64), np.diff(a.mode_first))
    # Sorted, and not `np.unique`: that hashes, which takes ten times as long.
    pairs = np.sort(owner * machines + a.mode_machine, kind="stable")
    pairs = pairs[np.flatnonzero(np.diff(pairs, prepend=-1))] % max(machines, 1)
    operation = _records(OPERATION_ROW, count)
    operation.movable = a.state == 0
    operation.earliest_us = a.earliest_us
    operation.mode_first, operation.mode_last = a.mode_first[:-1], a.mode_first[1:]
    source, target = _edges(a, operation)
    mode = _records(MODE_ROW, len(a.mode_us))
    mode.us, mode.setup_us = a.mode_us, a.mode_setup_us
    mode.machine, mode.family = a.mode_machine, a.mode_family
    window = _records(WINDOW_ROW, len(a.window_start_us))
    window.start_us, window.end_us = a.window_start_us, a.window_end_us
    return Graph(
        lagged=bool((a.link_latency_us != 0).any() or (a.link_rate != 0).any()),
        setups=bool((a.mode_setup_us > 0).any()),
        windowed=len(window) > 0,
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
    )


def _records(row: np.dtype[Any], count: int) -> Records:
    return np.zeros(count, row).view(np.recarray)


def _edges(a: Arrays, operation: Records) -> tuple[Records, Records]:
    """Edges without those into operations that have started: they hold nobody back any more."""
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
    started = np.flatnonzero(a.state)
    for i in started[np.argsort(a.frozen_start_us[started], kind="stable")]:
        row = machine[a.mode_machine[a.mode_first[i]]]
        row.free_us = max(row.free_us, a.frozen_end_us[i])
        row.family = a.mode_family[a.mode_first[i]]
    machine.free_us = np.where(machine.exclusive, machine.free_us, a.now_us)
    return machine


def load(g: Graph, a: Arrays, solution: Solution) -> None:
    """Take over the modes of a plan and its order on each machine, and compute all paths."""
    g.order[:] = a.order[np.argsort(solution.start_us[a.order], kind="stable")]
    g.operation.head_us = g.operation.ready_us = a.frozen_start_us
    g.operation.us = a.frozen_end_us - a.frozen_start_us
    arrange(g, solution.mode)


@lean
def arrange(g: Graph, mode: Int) -> None:
    """Take these modes, and the order that `order` has now; compute all heads and tails."""
    for m in range(len(g.machine)):
        g.machine[m].length = 0
    for at in range(len(g.order)):
        i = g.order[at]
        o = g.operation[i]
        o.position = at
        o.mode = mode[i]
        o.machine = g.mode[mode[i]].machine
        o.place = o.before = o.behind = NONE
        if o.movable:
            o.us = g.mode[mode[i]].us
            if g.machine[o.machine].exclusive:
                _put_in(g, i, g.machine[o.machine].length)
    for at in range(len(g.order)):
        renew_head(g, g.order[at])
    renew_tails(g)


@lean
def renew_tails(g: Graph) -> None:
    """Compute all tails, as after a change of the goal."""
    for at in range(len(g.order) - 1, -1, -1):
        renew_tail(g, g.order[at])


@lean_part
def lag_us(g: Graph, edge: int, source_machine: int, target_machine: int) -> int:
    """Time from the end of an edge's source to its target; -1 if nothing goes that way."""
    source, target = (
        g.machine[source_machine].device_number,
        g.machine[target_machine].device_number,
    )
    latency_us = g.latency_us[source, target]
    if latency_us < 0:
        return -1
    return int(latency_us + g.edge_us[edge, g.rate[source, target]])


@lean_part
def setup_us(g: Graph, before: int, m: int, k: int) -> int:
    """Time that machine ``m`` needs for mode ``k`` after an operation, or as its first."""
    if not g.setups or not g.machine[m].exclusive:
        return 0
    family = g.mode[g.operation[before].mode].family if before >= 0 else g.machine[m].family
    return 0 if family == g.mode[k].family else int(g.mode[k].setup_us)


@lean_part
def free_us(g: Graph, before: int, m: int) -> int:
    """When machine ``m`` is free after an operation, or after what has started there."""
    if before >= 0:
        return int(g.operation[before].head_us + g.operation[before].us)
    return int(g.machine[m].free_us)


@lean
def outside_windows(g: Graph, m: int, start_us: int, setup: int, us: int) -> int:
    """First start from `start_us` on at which setup and run meet no window of the machine."""
    for w in range(g.machine[m].window_first, g.machine[m].window_last):
        row = g.window[w]
        if start_us - setup < row.end_us and row.start_us < start_us + us:
            start_us = row.end_us + setup
    return start_us


@lean_part
def renew_head(g: Graph, i: int) -> bool:
    """Compute a head from those of the predecessors. Whether it has changed."""
    o = g.operation[i]
    if not o.movable:
        return False
    ready_us = o.earliest_us
    for e in range(o.source_first, o.source_last):
        source = g.operation[g.source[e].operation]
        at_us = source.head_us + source.us
        if g.lagged:
            at_us += lag_us(g, g.source[e].edge, source.machine, o.machine)
        ready_us = max(ready_us, at_us)
    o.ready_us = ready_us
    setup = setup_us(g, o.before, o.machine, o.mode)
    start_us = max(ready_us, free_us(g, o.before, o.machine) + setup)
    if g.windowed:
        start_us = outside_windows(g, o.machine, start_us, setup, o.us)
    changed = start_us != o.head_us
    o.head_us = start_us
    return bool(changed)


@lean_part
def renew_tail(g: Graph, i: int) -> bool:
    """Compute a tail from those of the successors. Whether it has changed."""
    o = g.operation[i]
    rest_us = o.goal_us
    for e in range(o.target_first, o.target_last):
        target = g.operation[g.target[e].operation]
        from_us = target.us + target.tail_us
        if g.lagged:
            from_us += lag_us(g, g.target[e].edge, o.machine, target.machine)
        rest_us = max(rest_us, from_us)
    o.rest_us = rest_us
    if o.behind >= 0:
        behind = g.operation[o.behind]
        setup = setup_us(g, i, o.machine, behind.mode)
        rest_us = max(rest_us, setup + behind.us + behind.tail_us)
    changed = rest_us != o.tail_us
    o.tail_us = rest_us
    return bool(changed)


@lean
def value(g: Graph) -> int:
    """Length of the longest path to the goal: the makespan, or the maximum lateness."""
    longest_us = FAR_US
    for i in range(len(g.operation)):
        o = g.operation[i]
        longest_us = max(longest_us, o.head_us + o.us + o.goal_us)
    return longest_us


@lean
def move(g: Graph, i: int, k: int, at: int) -> int:
    """Give operation ``i`` mode ``k`` and place `at` among the others of its machine.

    The move must make no cycle. Heads and tails are right again afterwards. Returns the steps done.
    """
    o = g.operation[i]
    old_before, old_behind = o.before, o.behind
    _take_out(g, i)
    o.mode = k
    o.machine = g.mode[k].machine
    o.us = g.mode[k].us
    if g.machine[o.machine].exclusive:
        _put_in(g, i, at)
    steps = _repair_order(g, i)
    steps += _heads_after(g, i, old_behind)
    return steps + _tails_after(g, i, old_before)


@lean_part
def _take_out(g: Graph, i: int) -> None:
    o = g.operation[i]
    if o.place < 0:
        return
    m = g.machine[o.machine]
    m.length -= 1
    for at in range(m.first + o.place, m.first + m.length):
        j = g.sequence[at + 1]
        g.sequence[at] = j
        g.operation[j].place -= 1
    if o.before >= 0:
        g.operation[o.before].behind = o.behind
    if o.behind >= 0:
        g.operation[o.behind].before = o.before
    o.place = o.before = o.behind = NONE


@lean_part
def _put_in(g: Graph, i: int, place: int) -> None:
    o = g.operation[i]
    m = g.machine[o.machine]
    for at in range(m.first + m.length, m.first + place, -1):
        j = g.sequence[at - 1]
        g.sequence[at] = j
        g.operation[j].place += 1
    m.length += 1
    g.sequence[m.first + place] = i
    o.place = place
    if place:
        o.before = g.sequence[m.first + place - 1]
        g.operation[o.before].behind = i
    if place + 1 < m.length:
        o.behind = g.sequence[m.first + place + 1]
        g.operation[o.behind].before = i


@lean_part
def _repair_order(g: Graph, i: int) -> int:
    """Bring operation ``i`` behind its predecessors and before its successors in the order."""
    o = g.operation[i]
    latest = g.operation[o.before].position if o.before >= 0 else NONE
    for e in range(o.source_first, o.source_last):
        latest = max(latest, g.operation[g.source[e].operation].position)
    first = g.operation[o.behind].position if o.behind >= 0 else len(g.order)
    for e in range(o.target_first, o.target_last):
        first = min(first, g.operation[g.target[e].operation].position)
    at = o.position
    if latest < at < first:
        return 0
    low, high = min(first, at), max(latest, at)
    if latest < first:
        # Only its own position is wrong: it goes next to what holds it back.
        low, high = (at, latest) if at < latest else (first, at)
    _reorder(g, i, low, high)
    return int(high - low + 1)


@lean_part
def _reorder(g: Graph, i: int, low: int, high: int) -> None:
    """Within a window of the order, put what follows from operation ``i`` behind all the rest."""
    now = _next_mark(g)
    _mark_successors(g, i, now)
    kept, moved = low, 0
    for at in range(low, high + 1):
        j = g.order[at]
        if j == i:
            continue
        if g.operation[j].seen == now:
            g.buffer[moved] = j
            moved += 1
            _mark_successors(g, j, now)
        else:
            g.order[kept] = j
            g.operation[j].position = kept
            kept += 1
    g.order[kept] = i
    g.operation[i].position = kept
    for at in range(moved):
        kept += 1
        g.order[kept] = g.buffer[at]
        g.operation[g.buffer[at]].position = kept


@lean_part
def _next_mark(g: Graph) -> int:
    """Give a mark that no operation has."""
    if g.clock[0] == 2**31 - 1:
        g.clock[0] = 0
        for i in range(len(g.operation)):
            g.operation[i].seen = 0
    g.clock[0] += 1
    return int(g.clock[0])


@lean_part
def _mark_successors(g: Graph, i: int, now: int) -> int:
    """Mark all direct successors; the last position among them."""
    o = g.operation[i]
    last = NONE
    if o.behind >= 0:
        g.operation[o.behind].seen = now
        last = g.operation[o.behind].position
    for e in range(o.target_first, o.target_last):
        target = g.operation[g.target[e].operation]
        target.seen = now
        last = max(last, target.position)
    return last


@lean_part
def _mark_predecessors(g: Graph, i: int, now: int) -> int:
    """Mark all direct predecessors; the first position among them."""
    o = g.operation[i]
    first = len(g.order)
    if o.before >= 0:
        g.operation[o.before].seen = now
        first = g.operation[o.before].position
    for e in range(o.source_first, o.source_last):
        source = g.operation[g.source[e].operation]
        source.seen = now
        first = min(first, source.position)
    return first


@lean_part
def _heads_after(g: Graph, i: int, other: int) -> int:
    """Renew heads from a moved operation on, and from the one that stood behind it before."""
    now = _next_mark(g)
    at = last = g.operation[i].position
    g.operation[i].seen = now
    if other >= 0:
        o = g.operation[other]
        o.seen = now
        at, last = min(at, o.position), max(last, o.position)
    steps = 0
    while at <= last:
        j = g.order[at]
        if g.operation[j].seen == now:
            steps += 1
            # What follows a moved operation can change even if that begins as before: its
            # duration, device and family count.
            if renew_head(g, j) or j == i:
                last = max(last, _mark_successors(g, j, now))
        at += 1
    return steps


@lean_part
def _tails_after(g: Graph, i: int, other: int) -> int:
    """Renew tails from a moved operation back, and from the one that stood before it earlier."""
    now = _next_mark(g)
    at = first = g.operation[i].position
    g.operation[i].seen = now
    if other >= 0:
        o = g.operation[other]
        o.seen = now
        at, first = max(at, o.position), min(first, o.position)
    steps = 0
    while at >= first:
        j = g.order[at]
        if g.operation[j].seen == now:
            steps += 1
            if renew_tail(g, j) or j == i:
                first = min(first, _mark_predecessors(g, j, now))
        at -= 1
    return steps
