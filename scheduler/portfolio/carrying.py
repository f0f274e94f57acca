"""Warm start: an earlier plan becomes a plan of the present problem."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule
from scheduler.portfolio.restricting import narrowed
from scheduler.solvers.arrays import NEVER_US, OPEN, Arrays, Int, Long, Solution
from scheduler.solvers.kernels.serial.choosing import violation
from scheduler.solvers.kernels.serial.decoding import decode_greedily
from scheduler.solvers.metaheuristics.serial import bench, blank, solution

NEW = -1


def carried_over(problem: Problem, form: Arrays, plan: Schedule) -> Solution | None:
    """Bring a plan for much the same problem up to the present.

    Operations in both keep their mode and their place in the order; times follow from that. New
    ones go, band by band, where they end first without delaying the others. ``None`` if that breaks
    a rule.
    """
    if not len(form.state):
        return None
    wanted, start_us = _wanted(problem, form, plan)
    order = _order(form, wanted, start_us)
    part = narrowed(form, _kept(form, wanted))
    room = bench(part.form)
    made = blank(room.rows)
    made["order"] = order
    made["position"][order] = np.arange(len(order))
    never_stop = np.zeros(1, np.int8)
    if not decode_greedily(room.rows, room.decoder, made, never_stop):
        return None
    if violation(room.rows, room.choices, made) > 0:
        return None
    whole = Solution(form.mode_first[:-1].copy(), np.zeros(len(order), np.int64))
    part.into(whole, solution(made))
    return whole


def _wanted(problem: Problem, form: Arrays, plan: Schedule) -> tuple[Int, Long]:
    """Mode of each operation in the plan, or `NEW`, and its start there."""
    wanted = np.full(len(problem.operations), NEW, np.int32)
    start_us = np.full(len(problem.operations), NEVER_US, np.int64)
    index, first = form.mode_index.tolist(), form.mode_first.tolist()
    for i, operation in enumerate(problem.operations):
        if operation.id not in plan:
            continue
        placed = plan[operation.id]
        modes = index[first[i] : first[i + 1]]
        if placed.mode in modes and operation.modes[placed.mode].machine == placed.machine:
            wanted[i] = first[i] + modes.index(placed.mode)
            start_us[i] = placed.start_us
    return wanted, start_us


def _order(form: Arrays, wanted: Int, start_us: Long) -> Int:
    """Order by band, known operations before new ones, start; each after its sources."""
    is_open = (form.state == OPEN).tolist()
    is_new, key_us = (wanted == NEW).tolist(), start_us.tolist()
    first, source = form.source_first.tolist(), form.source_op.tolist()
    band, place = form.band.tolist(), [0] * len(is_new)
    for position, i in enumerate(form.order.tolist()):
        place[i] = position
        for before in source[first[i] : first[i + 1]]:
            if is_open[before] and band[before] == band[i]:
                is_new[i] |= is_new[before]
                key_us[i] = max(key_us[i], key_us[before])
    return np.lexsort((place, key_us, is_new, band, is_open)).astype(np.int32)


def _kept(form: Arrays, wanted: Int) -> NDArray[np.bool_]:
    """Modes that may be used: the wanted ones, and all modes of new operations."""
    owner = np.repeat(np.arange(len(wanted)), np.diff(form.mode_first))
    kept: NDArray[np.bool_] = (wanted[owner] == NEW) | (wanted[owner] == np.arange(len(owner)))
    return kept
