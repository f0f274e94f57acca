"""The longest paths of the disjunctive graph: heads, tails, and the value of the plan.

If many ends count, an operation has a tail to each of them besides the one to the last end.

References
----------
Mati, Dauzere-Peres and Lahlou (2011), doi:10.1016/j.ejor.2011.01.046: a tail for each job.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import lean, lean_part
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US, cost

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Long
    from scheduler.solvers.kernels.disjunctive.graph import Graph


@lean_part
def lag_us(g: Graph, edge: int, source_machine: int, target_machine: int) -> int:
    """Time from the end of an edge's source to its target; -1 if they are not connected."""
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
    """Time at which machine ``m`` is free after an operation, or after its started ones."""
    if before >= 0:
        return int(g.operation[before].head_us + g.operation[before].us)
    return int(g.machine[m].free_us)


@lean
def outside_windows(g: Graph, m: int, start_us: int, setup: int, us: int) -> int:
    """First start, not before `start_us`, at which setup and run meet no window of the machine."""
    for w in range(g.machine[m].window_first, g.machine[m].window_last):
        row = g.window[w]
        if start_us - setup < row.end_us and row.start_us < start_us + us:
            start_us = row.end_us + setup
    return start_us


@lean_part
def renew_head(g: Graph, i: int) -> bool:
    """Compute a head from those of the predecessors; true if it has changed."""
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
    """Compute a tail from those of the successors; true if it has changed."""
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
    if g.summed:
        changed |= _renew_tails_to_sinks(g, i)
    return bool(changed)


@lean_part
def _renew_tails_to_sinks(g: Graph, i: int) -> bool:
    o, fresh = g.operation[i], g.sinks.room
    for s in range(len(fresh)):
        fresh[s] = FAR_US
    reach(g, i, o.mode, o.machine, 0, fresh)
    if o.behind >= 0:
        behind = g.operation[o.behind]
        from_us = setup_us(g, i, o.machine, behind.mode) + behind.us
        for s in range(len(fresh)):
            fresh[s] = max(fresh[s], from_us + g.beyond_us[o.behind, s])
    changed = False
    for s in range(len(fresh)):
        # Operations that lead to no sink must not look as if they moved.
        us = fresh[s] if fresh[s] > FAR_US // 2 else FAR_US
        changed |= us != g.beyond_us[i, s]
        g.beyond_us[i, s] = us
    return bool(changed)


@lean_part
def reach(g: Graph, i: int, k: int, m: int, end_us: int, sink_us: Long) -> None:
    """Raise the time of each sink to what an operation with this end and mode implies.

    Counts its own end and its successors by precedence, not the order of its machine.
    """
    o = g.operation[i]
    own, late = g.sinks.of[i, 0], g.sinks.of[i, 1]
    if own >= 0:
        sink_us[own] = max(sink_us[own], end_us)
    if late >= 0:
        us = g.mode[k].us if o.movable else o.us
        sink_us[late] = max(sink_us[late], end_us + max(0, g.mode[k].late_us - us))
    for e in range(o.target_first, o.target_last):
        j = g.target[e].operation
        target = g.operation[j]
        from_us = end_us + target.us
        if g.lagged:
            from_us += lag_us(g, g.target[e].edge, m, target.machine)
        for s in range(len(sink_us)):
            sink_us[s] = max(sink_us[s], from_us + g.beyond_us[j, s])


@lean
def value(g: Graph) -> int:
    """Value of the plan: longest path to the goal (makespan, max. lateness) or sum over sinks."""
    if g.summed:
        return _summed(g)
    longest_us = FAR_US
    for i in range(len(g.operation)):
        o = g.operation[i]
        longest_us = max(longest_us, o.head_us + o.us + o.goal_us)
    return longest_us


@lean_part
def _summed(g: Graph) -> int:
    """Cost of all sinks; notes when each is reached, and by which operation."""
    sinks = g.sinks
    for s in range(len(sinks.end_us)):
        sinks.end_us[s] = FAR_US
    for i in range(len(g.operation)):
        o = g.operation[i]
        for column in range(2):
            s = sinks.of[i, column]
            if s >= 0:
                end_us = o.head_us + o.us
                if column == 1:
                    end_us = max(end_us, o.head_us + g.mode[o.mode].late_us)
                if end_us > sinks.end_us[s]:
                    sinks.end_us[s], sinks.last[s] = end_us, i
    total = 0
    for s in range(len(sinks.end_us)):
        total += cost(sinks, s, sinks.end_us[s])
    return total


@lean
def renew_tails(g: Graph) -> None:
    """Compute all tails, as after a change of the goal."""
    for at in range(len(g.order) - 1, -1, -1):
        renew_tail(g, g.order[at])
