"""Score of a complete plan, for every objective."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.kernels.compiling import kernel

if TYPE_CHECKING:
    from scheduler.solvers.arrays import Arrays, Int, Long

CODES = {objective: code for code, objective in enumerate(Objective)}
"""Number of each objective, as kernels take it."""
MAKESPAN = CODES[Objective.MAKESPAN]
WEIGHTED_TARDINESS = CODES[Objective.WEIGHTED_TARDINESS]
WEIGHTED_COMPLETION = CODES[Objective.WEIGHTED_COMPLETION]
MAX_LATENESS = CODES[Objective.MAX_LATENESS]
ENERGY = CODES[Objective.ENERGY]
DEADLINE_MISSES = CODES[Objective.DEADLINE_MISSES]
_OPEN = 0
_ENDED = 2
_NEVER_US = 2**62


@kernel
def score(a: Arrays, mode: Int, start_us: Long, objective: int) -> tuple[int, int]:
    """Score by which plans compare: sum of deadline overruns, then the objective's value.

    Deadlines count by the 95th percentile. If the objective is the number of misses, the first part
    is zero.
    """
    completion_us, overrun_us = _jobs(a, mode, start_us)
    if objective == DEADLINE_MISSES:
        return 0, int((overrun_us > 0).sum())
    late_us = overrun_us.sum()
    if objective == ENERGY:
        return late_us, _energy_uj(a, mode)
    if objective == MAKESPAN:
        return late_us, max(0, completion_us.max()) if len(completion_us) else 0
    return late_us, _job_value(a, completion_us, objective)


@kernel
def _jobs(a: Arrays, mode: Int, start_us: Long) -> tuple[Long, Long]:
    """Per job, its completion (-1 without operations) and its deadline overrun."""
    completion_us = np.full(len(a.job_due_us), -1, np.int64)
    overrun_us = np.zeros(len(a.job_due_us), np.int64)
    for i in range(len(mode)):
        job = a.job[i]
        end_us = start_us[i] + a.mode_us[mode[i]] if a.state[i] == _OPEN else a.frozen_end_us[i]
        late_end_us = end_us
        if a.state[i] != _ENDED:
            late_end_us = max(end_us, start_us[i] + a.mode_p95_us[mode[i]])
        completion_us[job] = max(completion_us[job], end_us)
        overrun_us[job] = max(overrun_us[job], late_end_us - a.job_deadline_us[job])
    return completion_us, overrun_us


@kernel
def _job_value(a: Arrays, completion_us: Long, objective: int) -> int:
    total = 0
    worst_us = -_NEVER_US
    for job in range(len(completion_us)):
        if completion_us[job] < 0:
            continue
        lateness_us = completion_us[job] - a.job_due_us[job]
        if objective == WEIGHTED_COMPLETION:
            total += a.job_weight[job] * completion_us[job]
        elif objective == WEIGHTED_TARDINESS:
            total += a.job_weight[job] * max(lateness_us, 0)
        if a.job_due_us[job] < _NEVER_US:
            worst_us = max(worst_us, lateness_us)
    if objective == MAX_LATENESS:
        # Without any due date, no job is late.
        return worst_us if worst_us > -_NEVER_US else 0
    return total


@kernel
def _energy_uj(a: Arrays, mode: Int) -> int:
    total = 0
    for k in mode:
        total += a.mode_energy_uj[k]
    return total
