"""The rules of the checker over arrays, for plans that are too large to judge object by object.

Shares no code with the modules that place operations. Names one broken rule, not all of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.model.checker import ViolationKind
from scheduler.solvers.arrays import ENDED, NEVER_US, OPEN, Arrays, Int, Long, Solution

Bits = NDArray[np.bool_]


class _Plan(NamedTuple):
    """A solution with derived columns, per operation."""

    form: Arrays
    mode: Int
    start_us: Long
    end_us: Long
    machine: Int
    device: Int
    site: Int
    """Row of the links: the device, or in a fleet the machine's kind."""
    is_open: Bits


class _Rows(NamedTuple):
    """Operations on exclusive machines, sorted by machine and start, with the state before each.

    Parameters
    ----------
    busy_us
        Latest end of earlier operations on the machine; 0 if there are none.
    is_cold
        True if its session is not loaded: the previous operation (or the session that the machine
        begins with) is of another family or, if setups are kept, all previous ones are.
    """

    operation: Int
    busy_us: Long
    busy_open_us: Long
    is_cold: Bits


def verify(form: Arrays, solution: Solution) -> ViolationKind | None:
    """Find a rule that a plan breaks, deadlines included; `None` if it keeps all of them."""
    count, mode = len(form.state), solution.mode
    if len(mode) != count or len(solution.start_us) != count:
        return ViolationKind.MISSING
    if ((mode < form.mode_first[:-1]) | (mode >= form.mode_first[1:])).any():
        return ViolationKind.MODE
    machine = form.mode_machine[mode]
    device = form.machine_device[machine]
    return _first(_plan(form, solution, machine, device, device))


def verify_on(
    form: Arrays, solution: Solution, machine: Int, kind_first: Int
) -> ViolationKind | None:
    """Verify a plan for a fleet: modes are of kinds, and each operation has a machine of its own.

    Parameters
    ----------
    machine
        Per operation.
    kind_first
        Machines of kind ``k`` are ``kind_first[k] .. kind_first[k + 1]``.
    """
    mode = solution.mode
    if ((mode < form.mode_first[:-1]) | (mode >= form.mode_first[1:])).any():
        return ViolationKind.MODE
    kind = form.mode_machine[mode]
    if ((machine < kind_first[kind]) | (machine >= kind_first[kind + 1])).any():
        return ViolationKind.MODE
    machines = int(kind_first[-1])
    whole = form._replace(
        machine_exclusive=np.ones(machines, np.int32),
        machine_family=np.zeros(machines, np.int32),
        machine_keeps=np.zeros(machines, np.int32),
        machine_memory_bytes=np.full(machines, NEVER_US),
        window_first=np.zeros(machines + 1, np.int32),
    )
    return _first(_plan(whole, solution, machine, machine, kind))


def _plan(form: Arrays, solution: Solution, machine: Int, device: Int, site: Int) -> _Plan:
    is_open = form.state == OPEN
    planned_us = solution.start_us + form.mode_us[solution.mode]
    end_us = np.where(is_open, planned_us, form.frozen_end_us)
    return _Plan(form, solution.mode, solution.start_us, end_us, machine, device, site, is_open)


def _first(plan: _Plan) -> ViolationKind | None:
    found = (kind for broken in _RULES for kind in broken(plan))
    return next(found, None)


def _moved(p: _Plan) -> Iterator[ViolationKind]:
    if ((p.start_us != p.form.frozen_start_us) & ~p.is_open).any():
        yield ViolationKind.PROGRESS
    if ((p.start_us < p.form.earliest_us) & p.is_open).any():
        yield ViolationKind.RELEASE


def _late(p: _Plan) -> Iterator[ViolationKind]:
    end_us = np.maximum(p.end_us, p.start_us + p.form.mode_p95_us[p.mode])
    end_us = np.where(p.form.state == ENDED, p.end_us, end_us)
    if (end_us > p.form.job_deadline_us[p.form.job]).any():
        yield ViolationKind.DEADLINE


def _inputs(p: _Plan) -> Iterator[ViolationKind]:
    form = p.form
    target = np.repeat(np.arange(len(form.state)), np.diff(form.source_first))
    judged = p.is_open[target]
    target, source, edge = target[judged], form.source_op[judged], form.source_edge[judged]
    away = p.device[source] != p.device[target]
    pair = p.site[source], p.site[target]
    latency_us = form.link_latency_us[pair]
    if (away & (latency_us < 0)).any():
        yield ViolationKind.CONNECTIVITY
    took_us = np.where(away, latency_us + form.edge_us[edge, form.link_rate[pair]], 0)
    if (p.start_us[target] < p.end_us[source] + took_us).any():
        yield ViolationKind.PRECEDENCE


def _groups(p: _Plan) -> Iterator[ViolationKind]:
    inside = np.flatnonzero(p.form.group >= 0)
    group, device = p.form.group[inside], p.device[inside]
    most = int(group.max(initial=-1)) + 1
    low, high = np.full(most, np.iinfo(np.int32).max), np.full(most, -1)
    np.minimum.at(low, group, device)
    np.maximum.at(high, group, device)
    if (low < high)[np.unique(group)].any():
        yield ViolationKind.COLOCATION


def _machines(p: _Plan) -> Iterator[ViolationKind]:
    if _blocked(p, p.start_us, p.end_us)[p.is_open].any():
        yield ViolationKind.WINDOW
    rows = _rows(p)
    i = rows.operation
    start_us, is_open = p.start_us[i], p.is_open[i]
    busy_us = np.where(is_open, rows.busy_us, rows.busy_open_us)
    if (start_us < busy_us).any():
        yield ViolationKind.OVERLAP
    setup_us = p.form.mode_setup_us[p.mode[i]]
    loads = is_open & rows.is_cold & (setup_us > 0)
    begin_us = np.array(p.start_us)
    begin_us[i] -= np.where(loads, setup_us, 0)
    free_us = np.maximum(rows.busy_us, p.form.now_us)
    if (loads & ((begin_us[i] < free_us) | _blocked(p, begin_us, p.start_us)[i])).any():
        yield ViolationKind.SETUP


def _rows(p: _Plan) -> _Rows:
    operation = np.flatnonzero(p.form.machine_exclusive[p.machine] != 0)
    order = np.lexsort(
        (operation, p.end_us[operation], p.start_us[operation], p.machine[operation])
    )
    i = operation[order]
    begins = np.ones(len(i), bool)
    begins[1:] = p.machine[i[1:]] != p.machine[i[:-1]]
    busy_us = _latest_before(p.end_us[i], begins)
    busy_open_us = _latest_before(np.where(p.is_open[i], p.end_us[i], 0), begins)
    return _Rows(i.astype(np.int32), busy_us, busy_open_us, _cold(p, i, begins))


def _cold(p: _Plan, i: NDArray[np.intp], begins: Bits) -> Bits:
    family = p.form.mode_family[p.mode[i]]
    before = np.empty_like(family)
    before[1:] = family[:-1]
    before = np.where(begins, p.form.machine_family[p.machine[i]], before)
    cold: Bits = family != before
    if p.form.machine_keeps.any():
        machine = p.machine[i].astype(np.int64)
        is_first = np.zeros(len(i), bool)
        is_first[np.unique(machine * (int(family.max(initial=0)) + 1) + family, True)[1]] = True
        cold &= is_first | (p.form.machine_keeps[machine] == 0)
    return cold


def _latest_before(end_us: Long, begins: Bits) -> Long:
    """Largest earlier end in the same stretch; 0 for the first."""
    # Ranks instead of times, so that the number of the stretch in front still fits 64 bits.
    values, rank = np.unique(np.concatenate(([0], end_us)), return_inverse=True)
    stretch = np.cumsum(begins) * len(values)
    before = np.zeros(len(end_us), np.int64)
    before[1:] = np.where(begins[1:], 0, rank[1:-1])
    latest_us: Long = values[np.maximum.accumulate(stretch + before) - stretch]
    return latest_us


def _blocked(p: _Plan, start_us: Long, end_us: Long) -> Bits:
    """Per span, true if it meets a window of its machine."""
    form = p.form
    blocked = np.zeros(len(start_us), bool)
    for m in np.flatnonzero(np.diff(form.window_first)).tolist():
        here = np.flatnonzero((p.machine == m) & (start_us < end_us))
        windows = slice(form.window_first[m], form.window_first[m + 1])
        following = np.searchsorted(form.window_end_us[windows], start_us[here], side="right")
        begins_us = np.append(form.window_start_us[windows], NEVER_US)
        blocked[here] = begins_us[following] < end_us[here]
    return blocked


def _memory(p: _Plan) -> Iterator[ViolationKind]:
    form = p.form
    limited = np.flatnonzero(form.machine_memory_bytes[p.machine] < NEVER_US)
    if not len(limited):
        return
    mode, machine = p.mode[limited], p.machine[limited]
    family, bytes_ = form.mode_family[mode], form.mode_resident_bytes[mode]
    held = np.zeros(len(form.machine_device), np.int64)
    np.add.at(held, machine[family == 0], bytes_[family == 0])
    named = family > 0
    families = int(form.mode_family.max(initial=0)) + 1
    key, place = np.unique(machine[named] * np.int64(families) + family[named], return_inverse=True)
    largest = np.zeros(len(key), np.int64)
    np.maximum.at(largest, place, bytes_[named])
    np.add.at(held, key // families, largest)
    needed = held[machine] + form.mode_extra_bytes[mode]
    if ((needed > form.machine_memory_bytes[machine]) & p.is_open[limited]).any():
        yield ViolationKind.MEMORY


def _resources(p: _Plan) -> Iterator[ViolationKind]:
    form = p.form
    if not len(form.resource_capacity):
        return
    many = np.diff(form.demand_first)[p.mode]
    user = np.repeat(np.arange(len(p.mode)), many)
    offset = np.arange(len(user)) - np.repeat(np.cumsum(many) - many, many)
    demand = form.demand_first[p.mode[user]] + offset
    amount = form.demand_amount[demand]
    for r, capacity in enumerate(form.resource_capacity.tolist()):
        own = (form.demand_resource[demand] == r) & (amount > 0)
        if not form.resource_renewable[r]:
            over = amount[own].sum() > capacity
            if over and p.is_open[user[own]].any():
                yield ViolationKind.BUDGET
        elif _crowded(p, user[own], amount[own], capacity):
            yield ViolationKind.RESOURCE


def _crowded(p: _Plan, user: NDArray[np.int64], amount: Long, capacity: int) -> bool:
    """True if running operations, some of them open, demand too much; ends count before starts."""
    running = p.form.state[user] != ENDED
    user, amount = user[running], amount[running]
    at_us = np.concatenate((p.start_us[user], p.end_us[user]))
    change = np.concatenate((amount, -amount))
    open_change = np.where(np.tile(p.is_open[user], 2), change, 0)
    order = np.lexsort((change > 0, at_us))
    used, movable = np.cumsum(change[order]), np.cumsum(open_change[order])
    return bool(((change[order] > 0) & (used > capacity) & (movable > 0)).any())


_RULES: tuple[Callable[[_Plan], Iterator[ViolationKind]], ...] = (
    _moved,
    _inputs,
    _groups,
    _machines,
    _memory,
    _resources,
    _late,
)
