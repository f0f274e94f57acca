"""Rebasing: times of a form count from a moment near the present, before they are multiplied.

A weight times an absolute time, such as microseconds of the epoch, exceeds 64 bits for weights of
some thousands. Values and bounds get their origin back in Python's integers, at the end.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np

from scheduler.model.errors import InvalidProblem
from scheduler.model.objectives import Objective
from scheduler.portfolio.restricting import Mask
from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays, Long

MOST_SUM = 2**61
"""Largest sum that a search may add up; the same again is left to estimates on the way."""

MOST_US = 2**58
"""Latest end of any plan: later ones would come near the value that stands for never."""


def rebased(form: Arrays) -> tuple[Arrays, int]:
    """Give the form with times from its origin on, and that origin in microseconds.

    The origin is the present, or the first start of a started operation if that is earlier: nothing
    before it concerns a plan. Due dates and deadlines may lie before it; jobs without operations,
    which are never late, lose theirs.
    """
    busy = np.zeros(len(form.job_due_us), np.bool_)
    busy[form.job] = True
    started = form.state != OPEN
    origin_us = min(form.now_us, int(form.frozen_start_us[started].min(initial=form.now_us)))
    return form._replace(
        now_us=form.now_us - origin_us,
        frozen_start_us=np.where(started, form.frozen_start_us - origin_us, 0),
        frozen_end_us=np.where(started, form.frozen_end_us - origin_us, 0),
        earliest_us=form.earliest_us - origin_us,
        window_start_us=np.maximum(form.window_start_us - origin_us, 0),
        window_end_us=np.maximum(form.window_end_us - origin_us, 0),
        job_due_us=_moved(form.job_due_us, origin_us, busy),
        job_deadline_us=_moved(form.job_deadline_us, origin_us, busy),
    ), origin_us


def _moved(time_us: Long, origin_us: int, counts: Mask) -> Long:
    return np.where(counts & (time_us < NEVER_US), time_us - origin_us, NEVER_US)


def offset(form: Arrays, objective: Objective, origin_us: int) -> int:
    """Difference between the value of a plan and its value in the rebased form."""
    if objective is Objective.MAKESPAN:
        return origin_us if len(form.state) else 0
    if objective is Objective.WEIGHTED_COMPLETION:
        weights: list[int] = form.job_weight[np.unique(form.job)].tolist()
        return origin_us * sum(weights)
    return 0


def expect_countable(form: Arrays, objective: Objective) -> None:
    """Refuse a rebased form whose sums could exceed 64 bits.

    Sums are estimated in floating point, whose error is far below the margin above the limit.

    Raises
    ------
    InvalidProblem
        Names the field with the largest part of a sum.
    """
    if not len(form.state):
        return
    end_us = _latest_us(form)
    if end_us > MOST_US:
        law = "must take at most 2**58 us one after another"
        raise InvalidProblem(f"operations {law}; got {end_us:.3g}", field="operations")
    deadline_us = form.job_deadline_us[form.job_deadline_us < NEVER_US].astype(np.float64)
    overrun_us = float((end_us - np.minimum(0.0, deadline_us)).sum())
    if overrun_us > MOST_SUM:
        _refuse("missed by all operations, in sum over jobs,", overrun_us, "jobs[].deadline_us")
    if objective in (Objective.WEIGHTED_COMPLETION, Objective.WEIGHTED_TARDINESS):
        since_us = np.minimum(0.0, form.job_due_us.astype(np.float64))
        costs = form.job_weight * (end_us - since_us)
        if costs.sum() > MOST_SUM:
            law = "times the longest that a plan can take, in sum over jobs,"
            _refuse(law, costs.sum(), f"jobs[{int(costs.argmax())}].weight")
    columns = (("energy_uj", form.mode_energy_uj), ("resident_bytes", form.mode_resident_bytes))
    for name, column in columns:
        total = float(np.maximum.reduceat(column, form.mode_first[:-1]).astype(np.float64).sum())
        if total > MOST_SUM:
            _refuse("in sum over operations", total, f"operations[].modes[].{name}")
    if len(form.demand_amount):
        total = float(form.demand_amount.astype(np.float64).sum())
        if total > MOST_SUM:
            _refuse("in sum over modes", total, "operations[].modes[].demands[].amount")


def _latest_us(form: Arrays) -> float:
    """Latest end, from the origin on, of plans that never wait in vain."""
    columns = (form.earliest_us, form.frozen_end_us, form.window_end_us)
    waits_us = max(form.now_us, *(int(column.max(initial=0)) for column in columns))
    longest_us = np.maximum(form.mode_us, form.mode_p95_us) + form.mode_setup_us
    total_us = np.maximum.reduceat(longest_us, form.mode_first[:-1]).astype(np.float64).sum()
    edges_us = form.edge_us.max(axis=1, initial=0).astype(np.float64).sum()
    slowest_us = float(form.link_latency_us.max(initial=0))
    return float(waits_us + total_us + edges_us + slowest_us * len(form.edge_us))


def _refuse(law: str, got: float, field: str) -> NoReturn:
    raise InvalidProblem(f"{field} {law} must be <= 2**61; got {got:.3g}", field=field)
