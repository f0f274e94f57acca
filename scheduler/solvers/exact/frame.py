"""Frame: the modes and starts that a constraint program needs; a good known plan narrows it.

Left out are modes and starts that no better plan can use.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import ENDED, NEVER_US, OPEN, Arrays, Long
from scheduler.solvers.kernels.bounds import margins
from scheduler.solvers.search import Found


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """Start spans and modes to choose from, per operation; orders that are to stay.

    Parameters
    ----------
    first_us, last_end_us
        Earliest start and latest end.
    lasts_us
        Duration of the quickest mode.
    modes
        Positions of the modes that are still allowed.
    chains
        Per machine, operations that keep their mode there and their order.
    orders
        Pairs of operations of which the first ends before the second starts.
    tail_us
        Time from an operation's end to the end of the plan, outside of the form; 0 if missing.
    job_first_us
        Earliest completion per job, -1 if it has no operations.
    horizon_us
        Upper bound on every end.
    """

    first_us: list[int]
    last_end_us: list[int]
    lasts_us: list[int]
    modes: list[list[int]]
    job_first_us: list[int]
    horizon_us: int
    chains: dict[int, list[int]] = field(default_factory=dict)
    orders: list[tuple[int, int]] = field(default_factory=list)
    tail_us: dict[int, int] = field(default_factory=dict)


def frame_of(
    form: Arrays,
    objective: Objective,
    incumbent: Found | None = None,
    *,
    soft: bool = False,
    strict: bool = False,
) -> Frame:
    """Give the narrowest frame that keeps every plan as good as the incumbent, or better.

    Parameters
    ----------
    soft
        True if deadlines may be missed.
    strict
        True if only plans better than the incumbent are wanted.
    """
    horizon_us = int(margins.horizon(form))
    if incumbent is not None:
        ends_us = incumbent.solution.start_us + form.mode_us[incumbent.solution.mode]
        horizon_us = max(horizon_us, int(ends_us.max(initial=0)))
    latest_us = np.full(len(form.job_due_us), horizon_us, np.int64)
    if incumbent is not None and incumbent.score[0] == 0:
        value = incumbent.score[1] - strict
        job_first_us = least_completions(form)
        latest_us = np.minimum(latest_us, latest_completions(form, objective, value, job_first_us))
    return framed(form, latest_us[form.job], horizon_us, soft=soft)


def least_completions(form: Arrays) -> Long:
    """Earliest completion per job, with machines left out."""
    lasts_us, lags_us = margins.shortest_us(form), margins.least_transfers_us(form)
    first_us = margins.earliest_starts(form, lasts_us, lags_us)
    return margins.completions_at_least(form, first_us, lasts_us)


def framed(form: Arrays, latest_us: Long, horizon_us: int, *, soft: bool = False) -> Frame:
    """Give the frame of plans in which each operation ends by its latest end."""
    lasts_us, lags_us = margins.shortest_us(form), margins.least_transfers_us(form)
    first_us = margins.earliest_starts(form, lasts_us, lags_us)
    job_first_us = margins.completions_at_least(form, first_us, lasts_us)
    if not soft:
        latest_us = margins.deadline_limits(form, latest_us)
    last_us = margins.latest_starts(form, lasts_us, lags_us, latest_us)
    return Frame(
        first_us=first_us.tolist(),
        last_end_us=(last_us + lasts_us).tolist(),
        lasts_us=lasts_us.tolist(),
        modes=_useful_modes(form, first_us, last_us + lasts_us),
        job_first_us=job_first_us.tolist(),
        horizon_us=horizon_us,
    )


def latest_completions(form: Arrays, objective: Objective, value: int, least_us: Long) -> Long:
    """Latest completion per job in any plan of `value` or better; `NEVER_US` if unlimited.

    A job may cost the part of the value that is left when all others cost the least possible.
    """
    weight, due_us = form.job_weight, form.job_due_us
    latest_us = np.full(len(due_us), NEVER_US, np.int64)
    if objective is Objective.MAKESPAN:
        return np.full(len(due_us), value, np.int64)
    if objective is Objective.MAX_LATENESS:
        return np.where(due_us < NEVER_US, due_us + value, latest_us)
    if objective is Objective.WEIGHTED_COMPLETION:
        least, free_us = weight * np.maximum(least_us, 0), np.zeros_like(due_us)
    elif objective is Objective.WEIGHTED_TARDINESS:
        least, free_us = weight * np.maximum(least_us - due_us, 0), due_us
    else:
        return latest_us
    left = value - int(least.sum())
    priced = (weight > 0) & (free_us < NEVER_US)
    spare_us = (left + least) // np.maximum(weight, 1)
    return np.where(priced, free_us + spare_us, latest_us)


def bound_of(form: Arrays, objective: Objective, frame: Frame) -> int | None:
    """Lower bound on the value, from paths alone; `None` if there is none."""
    least_us = np.array(frame.job_first_us, np.int64)
    exists = least_us >= 0
    if objective is Objective.MAKESPAN:
        return max(int(least_us.max(initial=0)), _load_bound_us(form, frame))
    late_us = (least_us - form.job_due_us)[exists & (form.job_due_us < NEVER_US)]
    if objective is Objective.MAX_LATENESS:
        return int(late_us.max()) if len(late_us) else None
    if objective is Objective.WEIGHTED_COMPLETION:
        return int((form.job_weight * np.maximum(least_us, 0)).sum())
    if objective is Objective.WEIGHTED_TARDINESS:
        weight = form.job_weight[exists & (form.job_due_us < NEVER_US)]
        return int((weight * np.maximum(late_us, 0)).sum())
    if objective is Objective.ENERGY:
        return _energy_bound_uj(form)
    return 0


def _energy_bound_uj(form: Arrays) -> int:
    rows = zip(form.mode_first[:-1].tolist(), form.mode_first[1:].tolist(), strict=True)
    return sum(int(form.mode_energy_uj[first:last].min(initial=2**60)) for first, last in rows)


def _load_bound_us(form: Arrays, frame: Frame) -> int:
    """Makespan bound: shortest durations of open operations, shared evenly by all machines."""
    is_open = form.state == OPEN
    if not is_open.any() or not form.machine_exclusive.all():
        return 0
    first_us = int(form.earliest_us[is_open].min())
    load_us = int(np.array(frame.lasts_us, np.int64)[is_open].sum())
    return first_us - (-load_us // max(len(form.machine_device), 1))


def _useful_modes(form: Arrays, first_us: Long, last_end_us: Long) -> list[list[int]]:
    """Modes with which an operation can still end in time."""
    counts = np.diff(form.mode_first)
    fits = np.repeat(first_us, counts) + form.mode_us <= np.repeat(last_end_us, counts)
    fits |= np.repeat(form.state != OPEN, counts)
    kept = fits.tolist()
    firsts = form.mode_first.tolist()
    return [[k for k in range(firsts[i], firsts[i + 1]) if kept[k]] for i in range(len(form.state))]


def frozen_overruns_us(form: Arrays) -> Long:
    """Deadline overrun per job that started operations cause in every plan; 0 or less if none."""
    found_us = np.zeros(len(form.job_due_us), np.int64)
    started = np.flatnonzero(form.state != OPEN)
    if not len(started):
        return found_us
    running_us = form.frozen_start_us + form.mode_p95_us[form.mode_first[:-1]]
    ends_us = np.where(
        form.state == ENDED, form.frozen_end_us, np.maximum(running_us, form.frozen_end_us)
    )
    late_us = ends_us - form.job_deadline_us[form.job]
    np.maximum.at(found_us, form.job[started], late_us[started])
    return found_us
