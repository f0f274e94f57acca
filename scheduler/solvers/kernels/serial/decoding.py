"""Serial schedule generation: from an order of operations and a mode for each to a schedule.

Each operation in turn starts at the earliest time that machine, windows, setups, renewable
resources and inputs allow, between others if there is room. Rules that do not depend on time
(budgets, memory, colocation, connections) are settled before, in `choosing`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.randomness import State, uniform
from scheduler.solvers.kernels.serial.profiles import ResourceProfile, clear, fit, occupy
from scheduler.solvers.kernels.serial.records import record

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int
    from scheduler.solvers.kernels.serial.records import Records, Rows

_OPEN = 0
_NEVER_US = 2**62
_NEAR = 32
"""Steps of insertion sort per operation; an order that needs more is merge sorted."""

PLACEMENT = record("start_us end_us", "order position mode before after")
"""A row of a plan, which has one per operation.

order: the operation at this position of the order, each after its sources.
position, mode, start_us, end_us: of this operation.
before, after: of this operation, its neighbours on its machine, or -1.
"""
LANE = record("", "first last")


class Decoder(NamedTuple):
    """Scratch arrays of the decoder.

    Parameters
    ----------
    lane
        Per machine, the first and the last operation placed there, or -1.
    group_device
        Per colocation group, the device of its first placed member, or -1.
    slot
        Operation right before the gap that was found last, or -1.
    profile
        Free capacity of the renewable resources.
    """

    lane: Records
    group_device: Int
    slot: Int
    profile: ResourceProfile


@lean_part
def ready(a: Rows, plan: Records, i: int, k: int) -> int:
    """Time at which an operation is released and all its inputs are on the mode's device."""
    ready_us: int = a.op[i].earliest_us
    device = a.mode[k].device_number
    for e in range(a.op[i].source_first, a.op[i].source_last):
        source = a.source[e].op
        ready_us = max(ready_us, plan[source].end_us + lag(a, plan, e, source, device))
    return ready_us


@lean_part
def lag(a: Rows, plan: Records, e: int, source: int, device: int) -> int:
    """Transfer time of an incoming edge to a device."""
    from_device = a.mode[plan[source].mode].device_number
    if from_device == device:
        return 0
    rate = a.link_rate[from_device, device]
    bytes_us: int = a.edge_us[a.source[e].edge, rate]
    latency_us: int = a.link_latency_us[from_device, device]
    return latency_us + bytes_us


@lean_part
def setup(a: Rows, plan: Records, k: int, previous: int) -> int:
    """Setup of a mode after operation `previous`; -1 stands for the first on the machine."""
    setup_us: int = a.mode[k].setup_us
    if setup_us == 0:
        return 0
    family, m = a.mode[k].family, a.mode[k].machine
    while previous >= 0:
        if a.mode[plan[previous].mode].family == family:
            return 0
        if not a.machine[m].keeps:
            return setup_us
        previous = plan[previous].before
    return 0 if a.machine[m].family == family else setup_us


@lean_part
def past_windows(a: Rows, m: int, setup_us: int, start_us: int, duration_us: int) -> int:
    """Earliest start, not before `start_us`, at which setup and run meet no window."""
    for w in range(a.machine[m].window_first, a.machine[m].window_last):
        if a.window[w].end_us > start_us - setup_us:
            if a.window[w].start_us >= start_us + duration_us:
                break
            start_us = a.window[w].end_us + setup_us
    return start_us


@lean_part
def gap(a: Rows, d: Decoder, plan: Records, k: int, ready_us: int) -> int:
    """Earliest start of a mode on its machine, not before `ready_us`; `slot` keeps the gap."""
    m, duration_us = a.mode[k].machine, a.mode[k].us
    if not a.machine[m].exclusive:
        return past_windows(a, m, 0, ready_us, duration_us)
    previous = d.lane[m].last
    while previous >= 0 and plan[previous].start_us > ready_us:
        previous = plan[previous].before
    while True:
        free_us = a.machine[m].free_us
        if previous >= 0:
            free_us = max(free_us, plan[previous].end_us)
        setup_us = setup(a, plan, k, previous)
        start_us = max(ready_us, free_us + setup_us)
        start_us = past_windows(a, m, setup_us, start_us, duration_us)
        following = d.lane[m].first if previous < 0 else plan[previous].after
        if following < 0 or start_us + duration_us <= _needed_from(a, plan, k, following):
            d.slot[0] = previous
            return start_us
        previous = following


@lean_part
def _needed_from(a: Rows, plan: Records, k: int, following: int) -> int:
    """Time from which an operation and its setup take the machine if the mode runs before it."""
    start_us: int = plan[following].start_us
    other = plan[following].mode
    setup_us: int = a.mode[other].setup_us
    if setup_us == 0 or a.op[following].state != _OPEN or a.mode[other].family == a.mode[k].family:
        return start_us
    if a.machine[a.mode[k].machine].keeps and setup(a, plan, other, plan[following].before) == 0:
        return start_us
    if past_windows(a, a.mode[k].machine, setup_us, start_us, 0) != start_us:
        return -_NEVER_US
    return start_us - setup_us


@lean_part
def earliest(a: Rows, d: Decoder, plan: Records, i: int, k: int) -> int:
    """Earliest start of an operation in a mode among the operations placed so far."""
    start_us = ready(a, plan, i, k)
    while True:
        at_us = gap(a, d, plan, k, start_us)
        start_us = fit(a, d.profile, k, at_us)
        if start_us == at_us:
            return start_us


@lean_part
def place(a: Rows, d: Decoder, plan: Records, i: int, previous: int) -> None:
    """Link an operation with known mode, start and end behind another one on its machine."""
    k = plan[i].mode
    m = a.mode[k].machine
    occupy(a, d.profile, k, plan[i].start_us, plan[i].end_us)
    if not a.machine[m].exclusive:
        return
    following = d.lane[m].first if previous < 0 else plan[previous].after
    plan[i].before = previous
    plan[i].after = following
    if previous < 0:
        d.lane[m].first = i
    else:
        plan[previous].after = i
    if following < 0:
        d.lane[m].last = i
    else:
        plan[following].before = i


@kernel
def reset(a: Rows, d: Decoder, plan: Records) -> None:
    """Clear the machines, except for started operations."""
    for m in range(len(d.lane)):
        d.lane[m].first = -1
        d.lane[m].last = -1
    if len(a.resource):
        clear(a, d.profile)
    for i in a.history:
        plan[i].mode = a.op[i].mode_first
        plan[i].start_us = a.op[i].frozen_start_us
        plan[i].end_us = a.op[i].frozen_end_us
        place(a, d, plan, i, d.lane[a.mode[plan[i].mode].machine].last)


@kernel
def decode(a: Rows, d: Decoder, plan: Records, limit_us: int, stop: NDArray[np.int8]) -> bool:
    """Give every operation its start and end.

    False if it gave up: the schedule is sure to end after `limit_us`, or `stop` was set.

    References
    ----------
    Kelley (1963) and Kolisch (1996), doi:10.1016/0377-2217(95)00357-6: serial generation. For job
    shops it is insertion in the order of the list.
    """
    reset(a, d, plan)
    for p in range(len(plan)):
        i = plan[p].order
        if a.op[i].state != _OPEN:
            continue
        k = plan[i].mode
        start_us = earliest(a, d, plan, i, k)
        plan[i].start_us = start_us
        plan[i].end_us = start_us + a.mode[k].us
        if plan[i].end_us + a.op[i].tail_us > limit_us or stop[0]:
            return False
        place(a, d, plan, i, d.slot[0])
    return True


@kernel
def decode_greedily(a: Rows, d: Decoder, plan: Records, stop: NDArray[np.int8]) -> bool:
    """Decode with the mode of earliest finish for each operation; ties by position.

    Connections and groups are kept with respect to placed operations; memory and budgets are
    ignored. False if it was stopped.
    """
    reset(a, d, plan)
    d.group_device[:] = -1
    for p in range(len(plan)):
        i = plan[p].order
        if a.op[i].state == _OPEN:
            slot = _quickest(a, d, plan, i)
            place(a, d, plan, i, slot)
        if a.op[i].group >= 0:
            d.group_device[a.op[i].group] = a.mode[plan[i].mode].device_number
        if stop[0]:
            return False
    return True


@lean_part
def _quickest(a: Rows, d: Decoder, plan: Records, i: int) -> int:
    """Choose mode, start and end by earliest finish; return the operation right before."""
    finish_us, slot, apart = _NEVER_US, -1, True
    for k in range(a.op[i].mode_first, a.op[i].mode_last):
        away = misplaced(a, d, plan, i, k)
        if away and not apart:
            continue
        end_us = earliest(a, d, plan, i, k) + a.mode[k].us
        if end_us < finish_us or (apart and not away):
            finish_us, slot, apart = end_us, d.slot[0], away
            plan[i].mode = k
    plan[i].end_us = finish_us
    plan[i].start_us = finish_us - a.mode[plan[i].mode].us
    return slot


@lean_part
def misplaced(a: Rows, d: Decoder, plan: Records, i: int, k: int) -> bool:
    """True if a mode is away from its group, or not connected to a source."""
    device = a.mode[k].device_number
    if a.op[i].group >= 0:
        wanted = d.group_device[a.op[i].group]
        if wanted >= 0 and wanted != device:
            return True
    for e in range(a.op[i].source_first, a.op[i].source_last):
        source = a.machine[a.mode[plan[a.source[e].op].mode].machine].device_number
        if a.link_latency_us[source, device] < 0:
            return True
    return False


@kernel
def settle(plan: Records, latest_first: bool) -> None:
    """Sort by start, or by end with the latest first; stable."""
    n = len(plan)
    steps = _NEAR * n
    for p in range(1, n):
        i = plan[p].order
        key_us = _key_us(plan, i, latest_first)
        q = p
        while q > 0 and _key_us(plan, plan[q - 1].order, latest_first) > key_us:
            plan[q].order = plan[q - 1].order
            q -= 1
        plan[q].order = i
        steps -= p - q
        if steps < 0:
            _sort(plan, latest_first)
            break
    for p in range(n):
        plan[plan[p].order].position = p


@lean_part
def _key_us(plan: Records, i: int, latest_first: bool) -> int:
    start_us: int = plan[i].start_us
    return -plan[i].end_us if latest_first else start_us


@kernel
def _sort(plan: Records, latest_first: bool) -> None:
    """Merge runs of doubling length. numpy's own sort would take seconds to compile."""
    n = len(plan)
    merged = np.empty(n, np.int32)
    run = 1
    while run < n:
        for low in range(0, n, 2 * run):
            middle, high = min(low + run, n), min(low + 2 * run, n)
            left, right = low, middle
            for p in range(low, high):
                if right >= high or (
                    left < middle
                    and _key_us(plan, plan[left].order, latest_first)
                    <= _key_us(plan, plan[right].order, latest_first)
                ):
                    merged[p] = plan[left].order
                    left += 1
                else:
                    merged[p] = plan[right].order
                    right += 1
        for p in range(n):
            plan[p].order = merged[p]
        run *= 2


@lean_part
def copy(source: Records, target: Records) -> None:
    """Overwrite one plan with another, without the links between neighbours on machines."""
    for i in range(len(source)):
        target[i].order = source[i].order
        target[i].position = source[i].position
        target[i].mode = source[i].mode
        target[i].start_us = source[i].start_us
        target[i].end_us = source[i].end_us


@kernel
def justify(
    a: Rows, mirror: Rows, d: Decoder, plan: Records, limit_us: int, stop: NDArray[np.int8]
) -> bool:
    """Shift operations as late as possible, last first, then as early as possible, first first.

    `mirror` is the problem with time reversed, in which shifting late is decoding. With nothing but
    precedence, machines and resources the schedule never gets longer. Afterwards the order decodes
    to the result; false if it was stopped.

    References
    ----------
    Valls, Ballestin and Quintanilla (2005), doi:10.1016/j.ejor.2004.04.008: double justification.
    """
    settle(plan, True)
    if not decode(mirror, d, plan, _NEVER_US, stop):
        return False
    settle(plan, True)
    return decode(a, d, plan, limit_us, stop)


@kernel
def by_rank(a: Rows, spread: float, rng: State, plan: Records) -> None:
    """Sort by the longest path to the end, with durations lengthened at random by up to `spread`.

    Any draw gives a topological order.
    """
    for p in range(len(a.order) - 1, -1, -1):
        i = a.order[p]
        plan[p].order = i
        plan[i].end_us = 0
        for e in range(a.op[i].target_first, a.op[i].target_last):
            plan[i].end_us = max(plan[i].end_us, plan[a.target_op[e]].end_us)
        plan[i].end_us += 1 + int(a.op[i].shortest_us * (1.0 + spread * uniform(rng)))
    settle(plan, True)
