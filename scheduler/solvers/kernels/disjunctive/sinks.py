"""Ends that count: the value of a plan as a sum over jobs.

A sink stands for the end of a job, and costs more the later that is. Regular criteria are sums of
such costs: weighted tardiness and completion, the number of missed deadlines and their lateness.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.kernels.compiling import lean_part

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long

FAR_US = -(2**60)
"""Tail of an operation that leads neither to the goal nor to a sink."""
_NEVER_US = 2**62
MISS = 2**40
"""Cost of a missed deadline where misses are counted: 12 days, beside each microsecond of lateness.
The lateness guides the search, because most moves change no count."""


class Sinks(NamedTuple):
    """Ends that count. A sink that is reached at ``end`` costs, if that is after `from_us`,
    ``weight * (end - from_us) + step``.

    Parameters
    ----------
    of
        ``[operation, 2]``: sinks that an operation reaches by its end, and by its end as deadlines
        count it; -1 if none.
    end_us, last
        Time at which the plan reaches each sink, and the operation that does.
    room
        Room for a number per sink.
    """

    of: Int
    from_us: Long
    weight: Long
    step: Long
    end_us: Long
    last: Int
    room: Long


def no_sinks(a: Arrays) -> Sinks:
    """Empty sinks, for a value that is the longest path to one goal."""
    return _sinks(np.zeros((len(a.job), 0), np.int32), *np.zeros((3, 0), np.int64))


def sinks(a: Arrays, objective: Objective) -> Sinks:
    """Sinks of an objective that is a sum over jobs; none for others."""
    jobs = len(a.job_due_us)
    own, late = np.full(jobs, -1), np.full(jobs, -1)
    from_us = np.where(objective is Objective.WEIGHTED_COMPLETION, 0, a.job_due_us)
    if objective in (Objective.WEIGHTED_TARDINESS, Objective.WEIGHTED_COMPLETION):
        counts = (from_us < _NEVER_US) & (a.job_weight > 0)
    elif objective is Objective.DEADLINE_MISSES:
        counts = np.zeros(jobs, bool)
    else:
        return no_sinks(a)
    dead = a.job_deadline_us < _NEVER_US
    misses = objective is Objective.DEADLINE_MISSES
    penalty = 1 if misses else 16 * max(1, int(a.job_weight[counts].max(initial=1)))
    own[counts] = np.arange(counts.sum())
    late[dead] = counts.sum() + np.arange(dead.sum())
    return _sinks(
        np.stack([own[a.job], late[a.job]], axis=1).astype(np.int32),
        np.concatenate([from_us[counts], a.job_deadline_us[dead]]),
        np.concatenate([a.job_weight[counts], np.full(dead.sum(), penalty)]),
        np.concatenate([np.zeros(counts.sum()), np.full(dead.sum(), MISS if misses else 0)]),
    )


def _sinks(of: Int, from_us: Long, weight: Long, step: Long) -> Sinks:
    count = len(from_us)
    return Sinks(
        of=of,
        from_us=from_us.astype(np.int64),
        weight=weight.astype(np.int64),
        step=step.astype(np.int64),
        end_us=np.full(count, FAR_US, np.int64),
        last=np.full(count, -1, np.int32),
        room=np.zeros(count, np.int64),
    )


@lean_part
def cost(sinks: Sinks, s: int, end_us: int) -> int:
    """Cost of a sink that is reached at that time."""
    late_us = end_us - sinks.from_us[s]
    return int(sinks.weight[s] * late_us + sinks.step[s]) if late_us > 0 else 0
