"""All semi-active schedules of a small problem, compiled; none of its code is a solver's.

Operations are placed in order of start, each in each of its modes, as early as can be but not
before the one placed last. Among the schedules of the best value take one whose starts are least in
sum: placed again in its own order, no operation comes earlier, so it is one of those that are
enumerated. That relies on a promise of the model: an earlier end never costs anything. A branch is
cut where the operations placed, with the shortest modes of the rest, are worth no less than the
best known schedule. All times are counted from `Flat.base_us`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple, TypeVar, cast

import numba
import numpy as np

from tests.scheduler.fuzz.flat import ENDED, NEVER, OPEN, Flat, Int

F = TypeVar("F", bound=Callable[..., object])
MAKESPAN, TARDINESS, COMPLETION, LATENESS, ENERGY, MISSES = range(6)
NOTHING = -1


def compiled(function: F) -> F:
    return cast(F, cast(Any, numba.njit)(cache=True)(function))


class Plan(NamedTuple):
    """Placement per operation; mode -1 if it is not placed, with its earliest times."""

    mode: Int
    start_us: Int
    end_us: Int
    p95_end_us: Int
    energy: Int


class Least(NamedTuple):
    """Of the modes of each operation, the least of each kind."""

    us: Int
    p95_us: Int
    energy: Int


class Question(NamedTuple):
    """Objective of each level; a more urgent level comes before all else."""

    objective: int
    level_of_job: Int
    levels: int
    most: int  # placements to try before giving up


class Answer(NamedTuple):
    found: bool
    value: Int
    mode: Int
    start_us: Int
    tried: int


@compiled
def enumerated(flat: Flat, question: Question) -> Answer:
    """The best there is; `tried` is above `most` if not all could be tried."""
    plan, least = _begin(flat), _least(flat)
    to_place = int((flat.operation_state == OPEN).sum())
    best = Answer(False, np.zeros(question.levels, np.int64), plan.mode, plan.start_us, 0)
    value, tried, depth = np.zeros(question.levels, np.int64), 0, 0
    # Per depth, the operation that was placed to come here, and the next mode to try.
    placed, cursor = np.zeros(to_place + 1, np.int64), np.zeros(to_place + 1, np.int64)
    placed[0] = NOTHING
    while depth >= 0 and tried <= question.most:
        _guess(flat, plan, least, placed[depth])
        promising = _in_time(flat, plan, question.objective)
        if promising:
            _evaluate(flat, plan, question, value)
            promising = not best.found or _is_less(value, best.value)
        if promising and depth == to_place:
            best = Answer(True, value.copy(), plan.mode.copy(), plan.start_us.copy(), 0)
        went_on = False
        while promising and depth < to_place and not went_on and tried <= question.most:
            mode = _next(flat, plan, placed[depth], cursor[depth])
            cursor[depth] = mode + 1
            if mode == NOTHING:
                break
            tried += 1
            went_on = True
            depth += 1
            placed[depth], cursor[depth] = flat.mode_operation[mode], 0
        if not went_on:
            if depth > 0:
                plan.mode[placed[depth]] = NOTHING
            depth -= 1
    return Answer(best.found, best.value, best.mode, best.start_us, tried)


@compiled
def _begin(flat: Flat) -> Plan:
    mode, energy = flat.operation_mode.copy(), np.zeros_like(flat.operation_mode)
    p95_end_us = flat.operation_end_us.copy()
    for i in range(len(mode)):
        if mode[i] != NOTHING:
            energy[i] = flat.mode_energy[mode[i]]
            if flat.operation_state[i] != ENDED:
                late_us = flat.operation_start_us[i] + flat.mode_p95_us[mode[i]]
                p95_end_us[i] = max(p95_end_us[i], late_us)
    start_us, end_us = flat.operation_start_us.copy(), flat.operation_end_us.copy()
    return Plan(mode, start_us, end_us, p95_end_us, energy)


@compiled
def _least(flat: Flat) -> Least:
    count = len(flat.operation_job)
    us, p95_us = np.full(count, NEVER), np.full(count, NEVER)
    energy = np.full(count, NEVER)
    for mode in range(len(flat.mode_us)):
        i = flat.mode_operation[mode]
        us[i] = min(us[i], flat.mode_us[mode])
        p95_us[i] = min(p95_us[i], flat.mode_p95_us[mode])
        energy[i] = min(energy[i], flat.mode_energy[mode])
    return Least(us, p95_us, energy)


@compiled
def _guess(flat: Flat, plan: Plan, least: Least, last: int) -> None:
    """Let all that is not placed end as early as it could if it were alone."""
    from_us = plan.start_us[last] if last >= 0 else flat.now_us
    for i in range(len(plan.mode)):
        if plan.mode[i] == NOTHING:
            plan.start_us[i] = max(from_us, flat.job_release_us[flat.operation_job[i]])
            plan.energy[i] = least.energy[i]
            _end(plan, least, i)
    changed = True
    while changed:
        changed = False
        for e in range(len(flat.edge_source)):
            source, target = flat.edge_source[e], flat.edge_target[e]
            if plan.mode[target] == NOTHING and plan.end_us[source] > plan.start_us[target]:
                plan.start_us[target] = plan.end_us[source]
                _end(plan, least, target)
                changed = True


@compiled
def _end(plan: Plan, least: Least, i: int) -> None:
    plan.end_us[i] = plan.start_us[i] + least.us[i]
    plan.p95_end_us[i] = plan.start_us[i] + least.p95_us[i]


@compiled
def _in_time(flat: Flat, plan: Plan, objective: int) -> bool:
    """True while no deadline is missed, or where misses are what is counted."""
    if objective == MISSES:
        return True
    for i in range(len(plan.mode)):
        if plan.p95_end_us[i] > flat.job_deadline_us[flat.operation_job[i]]:
            return False
    return True


@compiled
def _evaluate(flat: Flat, plan: Plan, question: Question, value: Int) -> None:
    jobs = len(flat.job_weight)
    value[:] = 0
    completion_us, missed = np.full(jobs, -NEVER), np.zeros(jobs, np.int64)
    for i in range(len(plan.mode)):
        job = flat.operation_job[i]
        completion_us[job] = max(completion_us[job], plan.end_us[i])
        missed[job] |= plan.p95_end_us[i] > flat.job_deadline_us[job]
        if question.objective == ENERGY:
            value[question.level_of_job[job]] += plan.energy[i]
    has_one = np.zeros(question.levels, np.int64)
    for job in range(jobs):
        if completion_us[job] == -NEVER:
            continue
        level, has_due = question.level_of_job[job], flat.job_due_us[job] < NEVER
        late_us = completion_us[job] - flat.job_due_us[job]
        if question.objective == MAKESPAN:
            value[level] = max(value[level], completion_us[job])
        elif question.objective == COMPLETION:
            value[level] += flat.job_weight[job] * completion_us[job]
        elif question.objective == TARDINESS and has_due:
            value[level] += flat.job_weight[job] * max(late_us, 0)
        elif question.objective == LATENESS and has_due:
            value[level] = max(value[level], late_us) if has_one[level] else late_us
            has_one[level] = 1
        elif question.objective == MISSES:
            value[level] += missed[job]


@compiled
def _is_less(one: Int, other: Int) -> bool:
    for level in range(len(one)):
        if one[level] != other[level]:
            return bool(one[level] < other[level])
    return False


@compiled
def _next(flat: Flat, plan: Plan, last: int, first: int) -> int:
    """Place the next operation that can follow, in a mode from `first` on; -1 if there is none."""
    after_us = plan.start_us[last] if last >= 0 else flat.now_us
    for mode in range(first, len(flat.mode_us)):
        i = flat.mode_operation[mode]
        if plan.mode[i] != NOTHING:
            continue
        start_us = _earliest(flat, plan, mode, after_us)
        # Of two that start at once the one of the lower number is placed first.
        if start_us < 0 or (start_us == after_us and i < last):
            continue
        plan.mode[i], plan.start_us[i] = mode, start_us
        plan.end_us[i] = start_us + flat.mode_us[mode]
        plan.p95_end_us[i] = start_us + flat.mode_p95_us[mode]
        plan.energy[i] = flat.mode_energy[mode]
        if _together(flat, plan, i) and _within_budgets(flat, plan) and _fits(flat, plan, mode):
            return mode
        plan.mode[i] = NOTHING
    return NOTHING


@compiled
def _earliest(flat: Flat, plan: Plan, mode: int, after_us: int) -> int:
    """First start from that time on that all that is placed allows; -1 if none does."""
    i, device = flat.mode_operation[mode], flat.machine_device[flat.mode_machine[mode]]
    start_us = max(after_us, flat.now_us, flat.job_release_us[flat.operation_job[i]])
    for e in range(len(flat.edge_source)):
        if flat.edge_target[e] != i:
            continue
        source = flat.edge_source[e]
        if plan.mode[source] == NOTHING:
            return -1
        here = flat.machine_device[flat.mode_machine[plan.mode[source]]]
        travel_us = flat.edge_us[e, here, device]
        if travel_us < 0:
            return -1
        start_us = max(start_us, plan.end_us[source] + travel_us)
    while True:
        later_us = _later(flat, plan, mode, start_us)
        if later_us <= start_us:
            return start_us if later_us == start_us else -1
        start_us = later_us


@compiled
def _later(flat: Flat, plan: Plan, mode: int, start_us: int) -> int:
    """The same time if the mode can start then, a later one to ask about, or -1 if it never can."""
    machine, end_us = flat.mode_machine[mode], start_us + flat.mode_us[mode]
    begin_us = start_us - _setup_us(flat, plan, mode, start_us)
    own = (begin_us, start_us, end_us)
    if begin_us < min(flat.now_us, start_us):
        return int(start_us + flat.now_us - begin_us)
    for w in range(len(flat.window_machine)):
        later_us = _behind((flat.window_start_us[w], flat.window_end_us[w]), own)
        if flat.window_machine[w] == machine and later_us > start_us:
            return later_us
    for j in range(len(plan.mode)):
        if plan.mode[j] == NOTHING or flat.mode_machine[plan.mode[j]] != machine:
            continue
        later_us = _behind((plan.start_us[j], plan.end_us[j]), own)
        if flat.machine_exclusive[machine] and later_us > start_us:
            return later_us
    return _when_enough(flat, plan, mode, start_us)


@compiled
def _behind(span: tuple[int, int], own: tuple[int, int, int]) -> int:
    """Start that leaves a span behind; unchanged if the span is not in the way."""
    begin_us, start_us, end_us = own
    if span[0] < end_us and span[1] > start_us:
        return span[1]
    if span[0] < start_us and span[1] > begin_us:
        return span[1] + start_us - begin_us
    return start_us


@compiled
def _setup_us(flat: Flat, plan: Plan, mode: int, start_us: int) -> int:
    """Setup of a mode, given the operations before it on the machine."""
    machine, family, setup_us = (
        flat.mode_machine[mode],
        flat.mode_family[mode],
        flat.mode_setup_us[mode],
    )
    if setup_us == 0 or not flat.machine_exclusive[machine]:
        return 0
    last = NOTHING
    for j in range(len(plan.mode)):
        if plan.mode[j] == NOTHING or flat.mode_machine[plan.mode[j]] != machine:
            continue
        if plan.start_us[j] > start_us:
            continue
        if flat.machine_keeps[machine] and flat.mode_family[plan.mode[j]] == family:
            return 0
        if last == NOTHING or (plan.start_us[j], plan.end_us[j], j) > (
            plan.start_us[last],
            plan.end_us[last],
            last,
        ):
            last = j
    if flat.machine_keeps[machine]:
        return 0 if flat.machine_kept[machine, family] else setup_us
    before = flat.machine_family[machine] if last == NOTHING else flat.mode_family[plan.mode[last]]
    return 0 if before == family else setup_us


@compiled
def _when_enough(flat: Flat, plan: Plan, mode: int, start_us: int) -> int:
    """The same time if renewable resources suffice, else the next end of something that has them.

    All that is placed has started by then, so they are never scarcer than at the start.
    """
    for r in range(len(flat.resource_capacity)):
        amount, capacity = flat.mode_demand[mode, r], flat.resource_capacity[r]
        if not flat.resource_renewable[r] or amount == 0:
            continue
        if amount > capacity:
            return -1
        next_us = NEVER
        for j in range(len(plan.mode)):
            if plan.mode[j] == NOTHING or flat.operation_state[j] == ENDED:
                continue
            taken = flat.mode_demand[plan.mode[j], r]
            if taken > 0 and plan.start_us[j] <= start_us < plan.end_us[j]:
                amount += taken
                next_us = min(next_us, plan.end_us[j])
        if amount > capacity:
            return next_us
    return start_us


@compiled
def _together(flat: Flat, plan: Plan, i: int) -> bool:
    """True if the group of an operation is on one device."""
    group, device = flat.operation_group[i], flat.machine_device[flat.mode_machine[plan.mode[i]]]
    for j in range(len(plan.mode)):
        if group < 0 or flat.operation_group[j] != group or plan.mode[j] == NOTHING:
            continue
        if flat.machine_device[flat.mode_machine[plan.mode[j]]] != device:
            return False
    return True


@compiled
def _within_budgets(flat: Flat, plan: Plan) -> bool:
    """True if no open operation takes from a budget that is overspent."""
    for r in range(len(flat.resource_capacity)):
        if flat.resource_renewable[r]:
            continue
        spent, by_open = 0, 0
        for j in range(len(plan.mode)):
            if plan.mode[j] != NOTHING:
                amount = flat.mode_demand[plan.mode[j], r]
                spent += amount
                by_open += amount * (flat.operation_state[j] == OPEN)
        if by_open > 0 and spent > flat.resource_capacity[r]:
            return False
    return True


@compiled
def _fits(flat: Flat, plan: Plan, mode: int) -> bool:
    """True if all sessions of the machine of a mode, and the largest peak of open ones, fit."""
    machine = flat.mode_machine[mode]
    resident, extra = 0, 0
    families = np.zeros(flat.machine_kept.shape[1], np.int64)
    for j in range(len(plan.mode)):
        k = plan.mode[j]
        if k == NOTHING or flat.mode_machine[k] != machine:
            continue
        if flat.mode_family[k] < 0:
            resident += flat.mode_resident[k]
        else:
            family = flat.mode_family[k]
            families[family] = max(families[family], flat.mode_resident[k])
        if flat.operation_state[j] == OPEN:
            extra = max(extra, flat.mode_peak[k] - flat.mode_resident[k])
    return bool(resident + families.sum() + max(extra, 0) <= flat.machine_memory[machine])
