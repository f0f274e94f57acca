"""Choice of modes: the rules of a problem that do not depend on times.

Budgets, memory, colocation and connections between devices bind the choice of modes only; machines,
windows, setups and renewable resources bind times only. A search can therefore settle the choice
first, and any choice that passes here has a schedule.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, below

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_NEVER_US = 2**62
_OPEN, _PLANNED = 0, 3


class Choices(NamedTuple):
    """Data of the rules on modes, and room to check a choice.

    Parameters
    ----------
    free
        Operations with more than one mode.
    bound
        True if the problem has budgets, limited memory, groups or unconnected devices.
    group_first, group_op
        Members of each colocation group.
    left
        Per resource, the amount that started operations leave, at least 0.
    used, family_bytes, held_bytes, extra_bytes
        Room: sums per resource, per machine and family, per machine, and the most per machine.
    saved
        Room for the modes of a group.
    """

    free: Int
    bound: Int
    group_first: Int
    group_op: Int
    left: Long
    used: Long
    family_bytes: Long
    held_bytes: Long
    extra_bytes: Long
    saved: Int


@kernel
def violation(a: Rows, c: Choices, plan: Records) -> float:
    """Distance of a choice of modes from a feasible one; zero if it is feasible.

    An excess counts as a share of its limit; an operation away from its group, and an edge between
    unconnected devices, count as one.
    """
    total = 0.0
    if c.bound[0]:
        total += _over_budget(a, c, plan)
    if c.bound[1]:
        total += _over_memory(a, c, plan)
    if c.bound[2]:
        total += _apart(a, c, plan)
    if c.bound[3]:
        total += _unconnected(a, plan)
    return total


@lean_part
def _over_budget(a: Rows, c: Choices, plan: Records) -> float:
    c.used[:] = 0
    for i in range(len(plan)):
        k = plan[i].mode
        if a.op[i].state != _OPEN:
            continue
        for q in range(a.mode[k].demand_first, a.mode[k].demand_last):
            c.used[a.demand[q].resource] += a.demand[q].amount
    total = 0.0
    for r in range(len(a.resource)):
        over = c.used[r] - c.left[r]
        if not a.resource[r].renewable and over > 0:
            total += over / (a.resource[r].capacity + 1.0)
    return total


@lean_part
def _over_memory(a: Rows, c: Choices, plan: Records) -> float:
    c.family_bytes[:] = 0
    c.held_bytes[:] = 0
    c.extra_bytes[:] = -1
    for i in range(len(plan)):
        k = plan[i].mode
        m, family = a.mode[k].machine, a.mode[k].family
        if a.op[i].state == _OPEN or a.op[i].state == _PLANNED:
            c.extra_bytes[m] = max(c.extra_bytes[m], a.mode[k].extra_bytes)
        if family == 0:
            c.held_bytes[m] += a.mode[k].resident_bytes
        else:
            more = a.mode[k].resident_bytes - c.family_bytes[m, family]
            if more > 0:
                c.family_bytes[m, family] += more
                c.held_bytes[m] += more
    total = 0.0
    for m in range(len(c.held_bytes)):
        over = c.held_bytes[m] + c.extra_bytes[m] - a.machine[m].memory_bytes
        # Started operations may hold more memory than there is, as long as nothing joins them.
        if over > 0 and c.extra_bytes[m] >= 0:
            total += over / (a.machine[m].memory_bytes + 1.0)
    return total


@lean_part
def _apart(a: Rows, c: Choices, plan: Records) -> float:
    total = 0.0
    for g in range(len(c.group_first) - 1):
        first = c.group_op[c.group_first[g]]
        device = a.mode[plan[first].mode].device_number
        for e in range(c.group_first[g] + 1, c.group_first[g + 1]):
            total += a.mode[plan[c.group_op[e]].mode].device_number != device
    return total


@lean_part
def _unconnected(a: Rows, plan: Records) -> float:
    total = 0.0
    for i in range(len(plan)):
        if a.op[i].state != _OPEN:
            continue
        to = a.mode[plan[i].mode].device_number
        for e in range(a.op[i].source_first, a.op[i].source_last):
            source = a.mode[plan[a.source[e].op].mode].device_number
            total += a.link_latency_us[source, to] < 0
    return total


@lean_part
def change(a: Rows, c: Choices, plan: Records, i: int, rng: State) -> bool:
    """Draw another mode for an operation, and move its group to that device.

    False if nothing changed, because a member has no mode on the device.
    """
    count = a.op[i].mode_last - a.op[i].mode_first
    if count < 2:
        return False
    k = a.op[i].mode_first + below(rng, count - 1)
    k += k >= plan[i].mode
    before = a.mode[plan[i].mode].device_number
    device = a.mode[k].device_number
    group = a.op[i].group
    if group >= 0 and device != before and not _move_group(a, c, plan, group, device, rng):
        return False
    plan[i].mode = k
    return True


@lean_part
def _move_group(a: Rows, c: Choices, plan: Records, group: int, device: int, rng: State) -> bool:
    first, last = c.group_first[group], c.group_first[group + 1]
    for e in range(first, last):
        j = c.group_op[e]
        picked, seen = -1, 0
        for k in range(a.op[j].mode_first, a.op[j].mode_last):
            if a.mode[k].device_number == device:
                seen += 1
                if below(rng, seen) == 0:
                    picked = k
        if picked < 0:
            return False
        c.saved[e - first] = picked
    for e in range(first, last):
        plan[c.group_op[e]].mode = c.saved[e - first]
    return True


@lean_part
def copy_modes(source: Records, target: Records) -> None:
    """Overwrite the modes of one plan with those of another."""
    for i in range(len(source)):
        target[i].mode = source[i].mode


@kernel
def repair(
    a: Rows,
    c: Choices,
    plan: Records,
    trial: Records,
    rng: State,
    tries: int,
    stop: NDArray[np.int8],
) -> bool:
    """Change modes at random, never to a larger violation, until every rule holds.

    True if it succeeded; `trial` is scratch.

    References
    ----------
    Hartmann (2001), doi:10.1023/A:1010902015091: local search for a feasible mode assignment.
    """
    now = violation(a, c, plan)
    for _ in range(tries):
        if now == 0.0 or len(c.free) == 0 or stop[0]:
            break
        copy_modes(plan, trial)
        if change(a, c, trial, c.free[below(rng, len(c.free))], rng):
            then = violation(a, c, trial)
            if then <= now:
                copy_modes(trial, plan)
                now = then
    return now == 0.0
