"""Free capacity of renewable resources over time, as step functions."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.solvers.kernels.compiling import kernel, lean_part

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Int, Long
    from scheduler.solvers.kernels.serial.records import Rows

_NEVER_US = 2**62
_FAR_PAST_US = -(2**62)


class ResourceProfile(NamedTuple):
    """Free capacity as a step function of time.

    Parameters
    ----------
    size
        Number of breakpoints, and the step at which the last search ended.
    at_us
        Begin of each step, in ascending order. The first lies before any time; a breakpoint after
        any time closes the last step.
    free
        ``[step, resource]``: free capacity.
    """

    size: Int
    at_us: Long
    free: Long


@kernel
def profile(operations: int, resources: int) -> ResourceProfile:
    """Allocate for a number of operations; call `clear` before use."""
    return ResourceProfile(
        np.zeros(2, np.int32),
        np.empty(2 * operations + 3, np.int64),
        np.empty((2 * operations + 3, resources), np.int64),
    )


@lean_part
def clear(a: Rows, p: ResourceProfile) -> None:
    """Free the capacity of every resource."""
    p.size[0] = 2
    p.size[1] = 0
    p.at_us[0] = _FAR_PAST_US
    p.at_us[1] = _NEVER_US
    for r in range(len(a.resource)):
        p.free[0, r] = a.resource[r].capacity
        p.free[1, r] = a.resource[r].capacity


@lean_part
def step_at(p: ResourceProfile, time_us: int) -> int:
    """Position of the step that holds at a time."""
    low, high = 0, p.size[0] - 1
    while high - low > 1:
        middle = (low + high) >> 1
        if p.at_us[middle] <= time_us:
            low = middle
        else:
            high = middle
    return low


@lean_part
def enough(a: Rows, p: ResourceProfile, step: int, k: int) -> bool:
    """True if a step has room for a mode's demands; budgets, which do not vary, are left out."""
    for q in range(a.mode[k].demand_first, a.mode[k].demand_last):
        r = a.demand[q].resource
        if a.resource[r].renewable and p.free[step, r] < a.demand[q].amount:
            return False
    return True


@lean_part
def fit(a: Rows, p: ResourceProfile, k: int, ready_us: int) -> int:
    """Earliest start of a mode, not before `ready_us`, with its demands met until its end."""
    if a.mode[k].demand_first == a.mode[k].demand_last:
        return ready_us
    duration_us = a.mode[k].us
    step = step_at(p, ready_us)
    p.size[1] = step
    start_us = ready_us
    while True:
        if not enough(a, p, step, k):
            start_us = p.at_us[step + 1]
            p.size[1] = step + 1
        elif p.at_us[step + 1] >= start_us + duration_us:
            return start_us
        step += 1


@lean_part
def split(p: ResourceProfile, step: int, time_us: int) -> int:
    """Let a step begin at a time, searching from `step`, and return its position."""
    while p.at_us[step + 1] <= time_us:
        step += 1
    if p.at_us[step] == time_us:
        return step
    for s in range(p.size[0], step + 1, -1):
        p.at_us[s] = p.at_us[s - 1]
        for r in range(p.free.shape[1]):
            p.free[s, r] = p.free[s - 1, r]
    p.size[0] += 1
    step += 1
    p.at_us[step] = time_us
    for r in range(p.free.shape[1]):
        p.free[step, r] = p.free[step - 1, r]
    return step


@lean_part
def occupy(a: Rows, p: ResourceProfile, k: int, start_us: int, end_us: int) -> None:
    """Take the demands of a mode for a span."""
    if a.mode[k].demand_first == a.mode[k].demand_last or end_us <= start_us:
        return
    first = split(p, step_at(p, start_us), start_us)
    last = split(p, first, end_us)
    for q in range(a.mode[k].demand_first, a.mode[k].demand_last):
        for step in range(first, last):
            p.free[step, a.demand[q].resource] -= a.demand[q].amount
