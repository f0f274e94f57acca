"""Placement of operations in a draft: every rule of a problem, in one place.

Constructive methods place through this module, from within their kernels, so that each result is a
schedule::

    w = draft(form)  # in Python, once
    reset(a, w)
    start_us = earliest_start(a, w, i, k, append)  # -1 if it does not fit at all
    place(a, w, i, k, start_us)

An operation is placed after all its sources. `lift` undoes the latest placement. Numbers are always
64-bit integers, because every other type would be compiled anew.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import lean_part, wide
from scheduler.solvers.kernels.spans import clear_spans, gap_us, release, take
from scheduler.solvers.kernels.timeline.domains import allows, choose, clear_domains, undo
from scheduler.solvers.kernels.timeline.drafts import Draft, draft
from scheduler.solvers.kernels.timeline.setups import gap_with_setups_us
from scheduler.solvers.kernels.timeline.steps import add, below_from_us, clear_steps

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.timeline.drafts import Memory

__all__ = [
    "Draft",
    "arrival_us",
    "draft",
    "earliest_start",
    "fits",
    "lift",
    "place",
    "ready_us",
    "reset",
    "slot",
]

NEVER = 2**62
_OPEN, _PLANNED = 0, 3
_WINDOW = -1


@lean_part
def reset(a: Arrays, w: Draft) -> None:
    """Empty the draft, except for windows and started operations."""
    # Loops, because the assignment of a slice takes the compiler seconds.
    for i in range(len(w.mode)):
        w.mode[i] = -1
        w.device[i] = -1
    clear_spans(w.spans)
    clear_steps(w.steps)
    clear_domains(w.domains)
    _clear_memory(w.memory)
    for r in range(len(w.budgets.left)):
        w.budgets.left[r] = a.resource_capacity[r]
        for i in range(len(w.budgets.least)):
            w.budgets.left[r] -= w.budgets.least[i, r]
    for m in range(len(w.last_us)):
        w.last_us[m] = 0
        for x in range(a.window_first[m], a.window_first[m + 1]):
            take(w.spans, m, wide(_WINDOW), a.window_start_us[x], a.window_end_us[x])
    for h in range(len(w.history)):
        i = wide(w.history[h])
        k = wide(a.mode_first[i])
        _settle(a, w, i, k, a.frozen_start_us[i], a.frozen_end_us[i])


@lean_part
def _clear_memory(held: Memory) -> None:
    for m in range(len(held.held_bytes)):
        held.held_bytes[m] = 0
        held.extra_bytes[m] = 0
        for f in range(held.family_bytes.shape[1]):
            held.family_bytes[m, f] = 0


@lean_part
def earliest_start(a: Arrays, w: Draft, i: int, k: int, append: bool) -> int:
    """Earliest start of an operation in one of its modes, -1 if it does not fit at all.

    Parameters
    ----------
    append
        True to queue behind all operations of the machine, and fill no gaps.
    """
    if not fits(a, w, i, k):
        return -1
    ready = ready_us(a, w, i, wide(a.machine_device[a.mode_machine[k]]))
    return -1 if ready < 0 else slot(a, w, k, ready, append)


@lean_part
def ready_us(a: Arrays, w: Draft, i: int, device: int) -> int:
    """Time at which an operation is released and its data is on a device; -1 if some never is.

    Sources that are not placed yet are skipped.
    """
    ready = a.earliest_us[i]
    for e in range(a.source_first[i], a.source_first[i + 1]):
        if w.device[a.source_op[e]] < 0:
            continue
        at_us = arrival_us(a, w, wide(a.source_op[e]), wide(a.source_edge[e]), device)
        if at_us < 0:
            return -1
        ready = max(ready, at_us)
    return wide(ready)


@lean_part
def arrival_us(a: Arrays, w: Draft, source: int, edge: int, device: int) -> int:
    """Arrival of an edge's data from a placed source on a device; -1 if not connected."""
    origin = w.device[source]
    if origin == device:
        return wide(w.end_us[source])
    latency_us = a.link_latency_us[origin, device]
    if latency_us < 0:
        return wide(-1)
    moved_us = latency_us + a.edge_us[edge, a.link_rate[origin, device]]
    return wide(w.end_us[source] + moved_us)


@lean_part
def slot(a: Arrays, w: Draft, k: int, ready: int, append: bool) -> int:
    """Earliest start of a mode, not before `ready`, at which machine and resources are free."""
    m = wide(a.mode_machine[k])
    if append and a.machine_exclusive[m]:
        ready = max(ready, w.last_us[m])
    while True:
        if w.spans.merged:
            start_us = gap_us(w.spans, m, ready, a.mode_us[k])
        else:
            start_us = gap_with_setups_us(a, w, k, ready)
        if not w.renewing:
            return start_us
        ready = _enough_from_us(a, w, k, start_us)
        if ready == start_us:
            return start_us


@lean_part
def _enough_from_us(a: Arrays, w: Draft, k: int, start_us: int) -> int:
    """First moment, not before `start_us`, at which each resource, taken alone, allows a mode."""
    for d in range(a.demand_first[k], a.demand_first[k + 1]):
        r = wide(a.demand_resource[d])
        if a.resource_renewable[r]:
            free = a.resource_capacity[r] - a.demand_amount[d]
            start_us = below_from_us(w.steps, r, start_us, a.mode_us[k], free)
    return start_us


@lean_part
def fits(a: Arrays, w: Draft, i: int, k: int) -> bool:
    """True if memory, budgets and the needs of others leave room for a mode, at any time."""
    m = wide(a.mode_machine[k])
    if w.limited and a.machine_memory_bytes[m] < NEVER:
        extra_bytes = max(w.memory.extra_bytes[m], a.mode_extra_bytes[k])
        held_bytes = w.memory.held_bytes[m] + _added_bytes(a, w, k)
        if held_bytes + extra_bytes > a.machine_memory_bytes[m]:
            return False
    if w.spent and not _affordable(a, w, i, k):
        return False
    return not w.restricted or allows(w.domains, i, wide(a.machine_device[m]))


@lean_part
def _added_bytes(a: Arrays, w: Draft, k: int) -> int:
    """Bytes that a mode adds to the resident memory of its machine."""
    f = a.mode_family[k]
    if f == 0:
        return wide(a.mode_resident_bytes[k])
    family_bytes = w.memory.family_bytes[a.mode_machine[k], f]
    return wide(max(0, a.mode_resident_bytes[k] - family_bytes))


@lean_part
def _affordable(a: Arrays, w: Draft, i: int, k: int) -> bool:
    """True if the budgets still cover the least demands of all operations not yet placed."""
    for d in range(a.demand_first[k], a.demand_first[k + 1]):
        r = a.demand_resource[d]
        more = a.demand_amount[d] - w.budgets.least[i, r]
        if a.resource_renewable[r] == 0 and more > w.budgets.left[r]:
            return False
    return True


@lean_part
def place(a: Arrays, w: Draft, i: int, k: int, start_us: int) -> None:
    """Place an operation in a mode at `start_us`."""
    _settle(a, w, i, k, start_us, start_us + a.mode_us[k])


@lean_part
def _settle(a: Arrays, w: Draft, i: int, k: int, start_us: int, end_us: int) -> None:
    m = wide(a.mode_machine[k])
    w.mode[i] = k
    w.start_us[i] = start_us
    w.end_us[i] = end_us
    w.device[i] = a.machine_device[m]
    if a.machine_exclusive[m]:
        w.last_us[m] = max(w.last_us[m], end_us)
        take(w.spans, m, i, start_us, end_us)
    if w.renewing or w.spent:
        _demand(a, w, i, wide(1))
    if w.limited:
        _load(a, w, i, k)
    if w.restricted:
        w.mark[i] = w.domains.trail_count[0]
        choose(w.domains, i, wide(a.machine_device[m]))


@lean_part
def _demand(a: Arrays, w: Draft, i: int, sign: int) -> None:
    """Take the demands of an operation's mode (sign 1), or give them back (-1)."""
    k = w.mode[i]
    for r in range(len(w.budgets.left) if w.spent else 0):
        w.budgets.left[r] += sign * w.budgets.least[i, r]
    for d in range(a.demand_first[k], a.demand_first[k + 1]):
        r = wide(a.demand_resource[d])
        if a.resource_renewable[r]:
            add(w.steps, r, w.start_us[i], w.end_us[i], sign * a.demand_amount[d])
        else:
            w.budgets.left[r] -= sign * a.demand_amount[d]


@lean_part
def _load(a: Arrays, w: Draft, i: int, k: int) -> None:
    m = a.mode_machine[k]
    w.memory.held_before[i] = w.memory.held_bytes[m]
    w.memory.extra_before[i] = w.memory.extra_bytes[m]
    added = _added_bytes(a, w, k)
    w.memory.held_bytes[m] += added
    if a.mode_family[k] != 0:
        w.memory.family_bytes[m, a.mode_family[k]] += added
    if a.state[i] == _OPEN or a.state[i] == _PLANNED:
        w.memory.extra_bytes[m] = max(w.memory.extra_bytes[m], a.mode_extra_bytes[k])


@lean_part
def lift(a: Arrays, w: Draft, i: int, last_us: int) -> None:
    """Undo the latest placement.

    Parameters
    ----------
    last_us
        Value of ``w.last_us`` of its machine before the placement.
    """
    k = w.mode[i]
    m = wide(a.mode_machine[k])
    if a.machine_exclusive[m]:
        release(w.spans, m, w.start_us[i], w.end_us[i])
        w.last_us[m] = last_us
    if w.renewing or w.spent:
        _demand(a, w, i, wide(-1))
    if w.limited:
        if a.mode_family[k] != 0:
            added = w.memory.held_bytes[m] - w.memory.held_before[i]
            w.memory.family_bytes[m, a.mode_family[k]] -= added
        w.memory.held_bytes[m] = w.memory.held_before[i]
        w.memory.extra_bytes[m] = w.memory.extra_before[i]
    if w.restricted:
        undo(w.domains, w.mark[i])
    w.mode[i] = -1
    w.device[i] = -1
