"""Choice of the cheapest mode of an operation: by its own end, or by those of its targets."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import lean_part, part, wide
from scheduler.solvers.kernels.timeline.timelines import (
    arrival_us,
    earliest_start,
    fits,
    lift,
    place,
    ready_us,
    slot,
)

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays
    from scheduler.solvers.kernels.timeline.drafts import Draft

Float = NDArray[np.float64]
Int = NDArray[np.int32]
Long = NDArray[np.int64]


@lean_part
def cheapest(
    a: Arrays, w: Draft, i: int, known_us: Long, penalty: Float, append: bool
) -> tuple[int, int]:
    """Mode of an operation with the least sum of finish and penalty, and its start; or -1.

    Parameters
    ----------
    known_us
        Per device, its earliest begin there; empty if that is not computed yet.
    """
    best = best_start_us = wide(-1)
    best_cost = np.inf
    device = ready = wide(-1)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        there = wide(a.machine_device[a.mode_machine[k]])
        if there != device:
            device = there
            ready = wide(known_us[device]) if len(known_us) else ready_us(a, w, i, device)
        more = a.mode_us[k] - a.now_us + (penalty[k] if len(penalty) else 0.0)
        # A lower bound on the cost saves the search for a gap.
        if ready < 0 or ready + more >= best_cost or not fits(a, w, i, wide(k)):
            continue
        start_us = slot(a, w, wide(k), ready, append)
        if start_us + more < best_cost:
            best, best_start_us, best_cost = wide(k), start_us, start_us + more
    return best, best_start_us


class Trial(NamedTuple):
    """Scratch arrays to place the targets of an operation on trial, for each of its modes.

    Parameters
    ----------
    rank, tried_for
        Per operation, its position in the order; the last operation it was placed on trial for, or
        -1.
    target, last_us
        Operations placed on trial, most urgent first; the last end on the machine of each before.
    placed_us
        ``[operation, device]``: earliest begin by operations placed for good, -1 if never.
    ready_us
        The same for one target, by operations on trial as well.
    late_first, late
        Per target, the edges into it from operations on trial with it.
    """

    rank: Long
    tried_for: Long
    target: Long
    last_us: Long
    placed_us: Long
    ready_us: Long
    late_first: Long
    late: Long


@part
def trial(a: Arrays, w: Draft, order: Int, ahead: bool) -> Trial:
    """Allocate; empty arrays without look-ahead."""
    rows = len(order) if ahead else 0
    widest = most = 0
    for i in range(rows):
        widest = max(widest, a.target_first[i + 1] - a.target_first[i])
        inputs = 0
        for e in range(a.target_first[i], a.target_first[i + 1]):
            target = a.target_op[e]
            inputs += a.source_first[target + 1] - a.source_first[target]
        most = max(most, inputs)
    devices = len(a.link_latency_us) if ahead else 0
    t = Trial(
        np.zeros(rows, np.int64),
        np.full(rows, -1, np.int64),
        np.zeros(widest, np.int64),
        np.zeros(widest, np.int64),
        np.zeros((rows, devices), np.int64),
        np.zeros(devices, np.int64),
        np.zeros(widest + 1, np.int64),
        np.zeros(most, np.int64),
    )
    for position in range(rows):
        i = wide(order[position])
        t.rank[i] = position
        for device in range(devices):
            placed_us = ready_us(a, w, i, wide(device))
            t.placed_us[i, device] = placed_us
    return t


@lean_part
def announce(a: Arrays, w: Draft, i: int, t: Trial) -> None:
    """Update the earliest begins of targets after an operation is placed for good.

    Otherwise all inputs of a target would be read again for each mode of each other source, which
    takes most of the time where one operation waits for hundreds.
    """
    for e in range(a.target_first[i], a.target_first[i + 1]):
        _await(a, w, i, wide(a.target_edge[e]), t.placed_us[a.target_op[e]])


@lean_part
def cheapest_ahead(
    a: Arrays, w: Draft, i: int, t: Trial, penalty: Float, append: bool
) -> tuple[int, int]:
    """Mode with the earliest possible finish of the latest target, and its start; or -1.

    Ties go to the mode that itself finishes earlier.
    """
    best = best_start_us = wide(-1)
    best_us = best_end_us = wide(2**62)
    count = _prepare(a, i, t)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        start_us = earliest_start(a, w, i, wide(k), append)
        if start_us < 0:
            continue
        end_us = start_us + a.mode_us[k]
        last_us = w.last_us[a.mode_machine[k]]
        place(a, w, i, wide(k), start_us)
        latest_us = _targets_end_us(a, w, t, count, end_us, best_us, penalty, append)
        lift(a, w, i, last_us)
        if latest_us < best_us or (latest_us == best_us and end_us < best_end_us):
            best, best_start_us = wide(k), start_us
            best_us, best_end_us = latest_us, end_us
    return best, best_start_us


@lean_part
def _prepare(a: Arrays, i: int, t: Trial) -> int:
    """Note the targets of an operation and the edges between them; return their number."""
    count = _targets_by_rank(a, i, t)
    t.tried_for[i] = i
    for x in range(count):
        t.tried_for[t.target[x]] = i
    late = 0
    for x in range(count):
        target = t.target[x]
        t.late_first[x] = late
        for e in range(a.source_first[target], a.source_first[target + 1]):
            if t.tried_for[a.source_op[e]] == i:
                t.late[late] = e
                late += 1
    t.late_first[count] = late
    return count


@lean_part
def _targets_by_rank(a: Arrays, i: int, t: Trial) -> int:
    """Write down the targets of an operation, most urgent first; return their number."""
    count = wide(0)
    for e in range(a.target_first[i], a.target_first[i + 1]):
        target = a.target_op[e]
        place_at = count
        while place_at > 0 and t.rank[t.target[place_at - 1]] >= t.rank[target]:
            place_at -= 1
        # Several edges may join the same two operations.
        if place_at < count and t.target[place_at] == target:
            continue
        for x in range(count, place_at, -1):
            t.target[x] = t.target[x - 1]
        t.target[place_at] = target
        count = wide(count + 1)
    return count


@lean_part
def _targets_end_us(
    a: Arrays,
    w: Draft,
    t: Trial,
    count: int,
    end_us: int,
    enough_us: int,
    penalty: Float,
    append: bool,
) -> int:
    """Latest end over targets placed on trial, at least `end_us`.

    Stops as soon as it is later than `enough_us`; very late if a target fits nowhere.
    """
    latest_us = wide(end_us)
    placed = 0
    while placed < count and latest_us <= enough_us and latest_us < 2**61:
        target = wide(t.target[placed])
        _await_trial(a, w, t, wide(placed))
        k, start_us = cheapest(a, w, target, t.ready_us, penalty, append)
        if k < 0:
            latest_us = wide(2**61)
        else:
            t.last_us[placed] = w.last_us[a.mode_machine[k]]
            place(a, w, target, k, start_us)
            latest_us = wide(max(latest_us, w.end_us[target]))
            placed += 1
    for x in range(placed - 1, -1, -1):
        lift(a, w, wide(t.target[x]), t.last_us[x])
    return latest_us


@lean_part
def _await_trial(a: Arrays, w: Draft, t: Trial, x: int) -> None:
    """Compute the earliest begin of a target per device, by operations placed, on trial or not."""
    for device in range(len(t.ready_us)):
        t.ready_us[device] = t.placed_us[t.target[x], device]
    for position in range(t.late_first[x], t.late_first[x + 1]):
        e = t.late[position]
        source = wide(a.source_op[e])
        if w.device[source] >= 0:
            _await(a, w, source, wide(a.source_edge[e]), t.ready_us)


@lean_part
def _await(a: Arrays, w: Draft, source: int, edge: int, ready_us: Long) -> None:
    """Raise the earliest begins to the arrival of an edge's data; -1 if it never arrives."""
    for device in range(len(ready_us)):
        at_us = arrival_us(a, w, source, edge, wide(device))
        if at_us < 0 or ready_us[device] < 0:
            ready_us[device] = -1
        else:
            ready_us[device] = max(ready_us[device], at_us)
