"""Dispatching: each step compares all ready operations, and places the rule's choice."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray

from scheduler.solvers.kernels.compiling import kernel, lean_part, wide
from scheduler.solvers.kernels.timeline.listing import DONE, STOPPED, STUCK
from scheduler.solvers.kernels.timeline.timelines import fits, place, ready_us, reset, slot

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long
    from scheduler.solvers.kernels.timeline.drafts import Draft

Flag = NDArray[np.int8]
Float = NDArray[np.float64]

MIN_MIN, MAX_MIN, SUFFERAGE, EARLIEST, SHORTEST, LONGEST, LEVEL, TARDINESS_COST, COVERT = range(9)
"""Rules; see `_urgency`."""
COSTS_OF_WAITING = TARDINESS_COST
_OPEN = 0
_NEVER_US = 2**62
_LOOKING_AHEAD = 3.0
_LEAD = 2.0
_NO_OTHER_US = 2**61


class Candidates(NamedTuple):
    """Ready operations, and the best modes of each at the moment.

    Parameters
    ----------
    ready, filled
        The operations, and (one number) their count.
    waiting
        Per operation, the number of sources not yet placed.
    mode, start_us, end_us
        Per operation, the mode that finishes (or, by the rule, starts) earliest; -1 if not known.
    other, other_us
        Second best mode, and its extra cost.
    """

    ready: Int
    filled: Long
    waiting: Int
    mode: Int
    start_us: Long
    end_us: Long
    other: Int
    other_us: Long


def candidates(a: Arrays) -> Candidates:
    """Allocate for a form."""
    n = len(a.state)
    return Candidates(
        ready=np.zeros(n, np.int32),
        filled=np.zeros(1, np.int64),
        waiting=np.diff(a.source_first),
        mode=np.full(n, -1, np.int32),
        start_us=np.zeros(n, np.int64),
        end_us=np.zeros(n, np.int64),
        other=np.full(n, -1, np.int32),
        other_us=np.zeros(n, np.int64),
    )


@kernel
def dispatch(
    a: Arrays, w: Draft, c: Candidates, rule: int, level: Float, append: bool, stop: Flag
) -> int:
    """Place all operations: at each step the rule's choice among the ready ones of the top band.

    Parameters
    ----------
    level
        Per operation, the number that the rule compares; see `_urgency`.
    """
    reset(a, w)
    left = _begin(a, c)
    scale_us = _mean_us(a)
    while left > 0:
        if stop[0] != 0:
            return STOPPED
        band = _most_urgent_band(a, c)
        if not _refresh(a, w, c, rule, band, append):
            return STUCK
        i = _chosen(a, c, rule, level, band, scale_us)
        k = wide(c.mode[i])
        place(a, w, i, k, c.start_us[i])
        _outdate(a, w, c, k)
        _drop(c, i)
        _follow(a, c, i)
        left -= 1
    return DONE


@lean_part
def _begin(a: Arrays, c: Candidates) -> int:
    """Make ready all operations without unplaced sources; return the number to be placed."""
    left = 0
    for i in range(len(a.state)):
        left += a.state[i] == _OPEN
    for i in range(len(a.state)):
        if a.state[i] != _OPEN:
            for e in range(a.target_first[i], a.target_first[i + 1]):
                c.waiting[a.target_op[e]] -= 1
    for i in range(len(a.state)):
        if a.state[i] == _OPEN and c.waiting[i] == 0:
            c.ready[c.filled[0]] = i
            c.filled[0] += 1
    return wide(left)


@lean_part
def _mean_us(a: Arrays) -> float:
    total_us = 0.0
    for k in range(len(a.mode_us)):
        total_us += a.mode_us[k]
    return total_us / max(len(a.mode_us), 1)


@lean_part
def _most_urgent_band(a: Arrays, c: Candidates) -> int:
    band = wide(a.band[c.ready[0]])
    for x in range(c.filled[0]):
        band = min(band, wide(a.band[c.ready[x]]))
    return band


@lean_part
def _refresh(a: Arrays, w: Draft, c: Candidates, rule: int, band: int, append: bool) -> bool:
    """Find the best modes of each candidate of a band; false if one fits nowhere."""
    for x in range(c.filled[0]):
        i = wide(c.ready[x])
        if c.mode[i] < 0 and a.band[i] == band:
            _compare_modes(a, w, c, i, rule == EARLIEST, append)
            if c.mode[i] < 0:
                return False
    return True


@lean_part
def _compare_modes(
    a: Arrays, w: Draft, c: Candidates, i: int, by_start: bool, append: bool
) -> None:
    """Find the two best modes of an operation, by finish, or by start and then finish."""
    c.mode[i] = -1
    c.other[i] = -1
    best_us = next_us = wide(_NEVER_US)
    for k in range(a.mode_first[i], a.mode_first[i + 1]):
        ready = ready_us(a, w, i, wide(a.machine_device[a.mode_machine[k]]))
        if ready < 0 or not fits(a, w, i, wide(k)):
            continue
        start_us = slot(a, w, wide(k), ready, append)
        end_us = start_us + a.mode_us[k]
        cost_us = start_us if by_start else end_us
        if cost_us < best_us or (cost_us == best_us and end_us < c.end_us[i]):
            c.other[i] = c.mode[i]
            next_us = best_us
            c.mode[i] = k
            c.start_us[i] = start_us
            c.end_us[i] = end_us
            best_us = cost_us
        elif cost_us < next_us:
            c.other[i] = k
            next_us = cost_us
    c.other_us[i] = next_us - best_us if c.other[i] >= 0 else _NO_OTHER_US


@lean_part
def _chosen(a: Arrays, c: Candidates, rule: int, level: Float, band: int, scale_us: float) -> int:
    """Candidate of a band that the rule puts first; ties to the earlier operation."""
    # Batch rules compare all ready operations; the others only those that can start soonest.
    moment_us = wide(_NEVER_US)
    for x in range(c.filled[0]):
        i = c.ready[x]
        if a.band[i] == band:
            moment_us = min(moment_us, c.start_us[i])
    best = wide(-1)
    best_urgency = 0.0
    for x in range(c.filled[0]):
        i = wide(c.ready[x])
        if a.band[i] != band or (rule > SUFFERAGE and c.start_us[i] > moment_us):
            continue
        urgency = _urgency(a, c, i, rule, level, scale_us)
        if best < 0 or urgency > best_urgency or (urgency == best_urgency and i < best):
            best = i
            best_urgency = urgency
    return best


@lean_part
def _urgency(a: Arrays, c: Candidates, i: int, rule: int, level: Float, scale_us: float) -> float:
    """Urgency of a candidate by the rule; the largest goes first."""
    end_us = float(c.end_us[i] - a.now_us)
    duration_us = float(a.mode_us[c.mode[i]])
    if rule == MIN_MIN:
        return -end_us
    if rule == MAX_MIN:
        return end_us
    if rule == SUFFERAGE:
        return float(c.other_us[i])
    if rule == SHORTEST:
        return -duration_us
    if rule == LONGEST:
        return duration_us
    if rule >= COSTS_OF_WAITING:
        return _cost_of_waiting(a, c, i, rule, level[i], scale_us)
    return float(level[i])


@lean_part
def _cost_of_waiting(
    a: Arrays, c: Candidates, i: int, rule: int, level: float, scale_us: float
) -> float:
    """Loss of a job per microsecond of this operation, discounted by its slack."""
    due_us = a.job_due_us[a.job[i]]
    if due_us >= _NEVER_US:
        return 0.0
    duration_us = float(a.mode_us[c.mode[i]])
    # Successors are expected to wait as long as they run.
    follows_us = _LEAD * max(level - duration_us, 0.0)
    slack_us = max(float(due_us - c.end_us[i]) - follows_us, 0.0)
    rate = float(a.job_weight[a.job[i]]) / duration_us
    if rule == COVERT:
        return rate * max(1.0 - slack_us / (_LEAD * (follows_us + duration_us)), 0.0)
    return rate * float(np.exp(-slack_us / (_LOOKING_AHEAD * scale_us)))


@lean_part
def _outdate(a: Arrays, w: Draft, c: Candidates, placed: int) -> None:
    """Forget the best modes of candidates whose best or second best machine was just used."""
    everywhere = w.renewing or w.limited or w.spent or w.restricted
    m = a.mode_machine[placed]
    for x in range(c.filled[0]):
        i = c.ready[x]
        if c.mode[i] >= 0 and (
            everywhere
            or a.mode_machine[c.mode[i]] == m
            or (c.other[i] >= 0 and a.mode_machine[c.other[i]] == m)
        ):
            c.mode[i] = -1


@lean_part
def _drop(c: Candidates, i: int) -> None:
    x = 0
    while c.ready[x] != i:
        x += 1
    c.filled[0] -= 1
    c.ready[x] = c.ready[c.filled[0]]


@lean_part
def _follow(a: Arrays, c: Candidates, i: int) -> None:
    """Make ready the targets that wait for no other source."""
    for e in range(a.target_first[i], a.target_first[i + 1]):
        target = a.target_op[e]
        c.waiting[target] -= 1
        if c.waiting[target] == 0:
            c.ready[c.filled[0]] = target
            c.filled[0] += 1
            c.mode[target] = -1
