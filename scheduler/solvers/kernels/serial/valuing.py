"""Score of a plan in records: `evaluation.score`, for kernels that hold no `Arrays`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from scheduler.solvers.kernels.compiling import kernel, lean_part
from scheduler.solvers.kernels.serial.evaluation import (
    DEADLINE_MISSES,
    ENERGY,
    MAKESPAN,
    MAX_LATENESS,
    WEIGHTED_COMPLETION,
    WEIGHTED_TARDINESS,
)

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Long
    from scheduler.solvers.kernels.serial.records import Records, Rows

_OPEN, _ENDED = 0, 2
_NEVER_US = 2**62


@kernel
def value(a: Rows, room: Long, plan: Records, objective: int) -> tuple[int, int]:
    """Score as `evaluation.score` gives it. `room` is scratch, ``[2, job]``."""
    makespan_us, energy_uj = _complete(a, room, plan)
    late_us, misses, total, worst_us = 0, 0, 0, -_NEVER_US
    for job in range(len(a.job)):
        if room[0, job] < 0:
            continue
        late_us += room[1, job]
        misses += room[1, job] > 0
        lateness_us = room[0, job] - a.job[job].due_us
        if objective == WEIGHTED_COMPLETION:
            total += a.job[job].weight * room[0, job]
        elif objective == WEIGHTED_TARDINESS:
            total += a.job[job].weight * max(lateness_us, 0)
        if a.job[job].due_us < _NEVER_US:
            worst_us = max(worst_us, lateness_us)
    if objective == DEADLINE_MISSES:
        return 0, misses
    if objective == MAKESPAN:
        return late_us, makespan_us
    if objective == ENERGY:
        return late_us, energy_uj
    if objective == MAX_LATENESS:
        return late_us, worst_us if worst_us > -_NEVER_US else 0
    return late_us, total


@lean_part
def _complete(a: Rows, room: Long, plan: Records) -> tuple[int, int]:
    """Write each job's completion (-1 without operations) and deadline overrun into `room`.

    Returns makespan and energy.
    """
    for job in range(len(a.job)):
        room[0, job] = -1
        room[1, job] = 0
    makespan_us, energy_uj = 0, 0
    for i in range(len(plan)):
        job, k, end_us = a.op[i].job, plan[i].mode, plan[i].end_us
        late_end_us = end_us
        if a.op[i].state != _ENDED:
            late_end_us = max(end_us, plan[i].start_us + a.mode[k].p95_us)
        room[0, job] = max(room[0, job], end_us)
        room[1, job] = max(room[1, job], late_end_us - a.job[job].deadline_us)
        makespan_us = max(makespan_us, end_us)
        energy_uj += a.mode[k].energy_uj
    return makespan_us, energy_uj
