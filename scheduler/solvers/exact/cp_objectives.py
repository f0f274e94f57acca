"""Every objective as a linear expression. Constants stay outside of the engine."""

from __future__ import annotations

from dataclasses import dataclass

from ortools.sat.python.cp_model_helper import Literal

from scheduler.model.objectives import Objective
from scheduler.solvers.arrays import NEVER_US, OPEN
from scheduler.solvers.exact.cp_model import Linear, Model
from scheduler.solvers.exact.frame import frozen_overruns_us

MAX_SUM = 2**60
"""The engine sums in 64 bits; larger sums of products could overflow."""


class SumTooLarge(Exception):
    """The objective could exceed the largest sum of the engine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """Ends that decide a job's completion, from the base on, and the range of the completion."""

    job: int
    ends: list[Linear]
    least_us: int
    most_us: int


Cost = tuple[Linear, int]
"""An expression of the model, and a constant to add to its value."""


def minimise(model: Model, objective: Objective) -> int:
    """Add an objective to a model; returns the constant to add to the engine's value.

    Raises
    ------
    SumTooLarge
        If sums could overflow.
    """
    expression, offset = cost(model, objective)
    model.cp.minimize(expression)
    return offset


def cost(model: Model, objective: Objective) -> Cost:
    """Express an objective. The expression may exceed a plan's value until it is minimised.

    Raises
    ------
    SumTooLarge
        If sums could overflow.
    """
    if objective is Objective.ENERGY:
        return _energy(model)
    if objective is Objective.DEADLINE_MISSES:
        return _misses(model)
    completions = _completions(model)
    if objective is Objective.MAKESPAN:
        return _makespan(model, completions)
    if objective is Objective.MAX_LATENESS:
        return _lateness(model, completions), 0
    if objective is Objective.WEIGHTED_COMPLETION:
        return _weighted_completion(model, completions)
    return _weighted_tardiness(model, completions), 0


def _completions(model: Model) -> list[Completion]:
    """Completion per job with operations; only ends without a successor in the job count."""
    form, frame, base_us = model.form, model.frame, model.base_us
    job = form.job.tolist()
    targets, first = form.target_op.tolist(), form.target_first.tolist()
    ends: dict[int, list[Linear]] = {}
    most_us: dict[int, int] = {}
    for i, state in enumerate(model.state):
        tail_us = frame.tail_us.get(i, 0)
        last_us = frame.last_end_us[i] if state == OPEN else model.frozen_end_us[i]
        most_us[job[i]] = max(most_us.get(job[i], -NEVER_US), last_us + tail_us - base_us)
        after = targets[first[i] : first[i + 1]]
        followed = any(job[j] == job[i] and model.state[j] == OPEN for j in after)
        if tail_us or not followed:
            ends.setdefault(job[i], []).append(model.end(i) + tail_us)
    return [
        Completion(job=j, ends=found, least_us=frame.job_first_us[j] - base_us, most_us=most_us[j])
        for j, found in sorted(ends.items())
    ]


def _largest(model: Model, ends: list[Linear], least: int, most: int) -> Linear:
    """Add a variable that is at least each of the expressions."""
    found = model.cp.new_int_var(least, max(most, least), "")
    for end in ends:
        model.cp.add(found >= end)
    return found


def _makespan(model: Model, completions: list[Completion]) -> Cost:
    if not completions:
        return 0, 0
    ends = [end for completion in completions for end in completion.ends]
    least_us = max(completion.least_us for completion in completions)
    most_us = max(completion.most_us for completion in completions)
    makespan = _largest(model, ends, least_us, most_us)
    _add_loads(model, makespan)
    return makespan, model.base_us


def minimise_ends(model: Model) -> None:
    """Minimise the makespan first, and with it the ends of all operations without a successor.

    In a part of a plan the makespan alone would miss every gain beside the longest chain.
    """
    completions = _completions(model)
    ends = [end for completion in completions for end in completion.ends]
    least_us = max(completion.least_us for completion in completions)
    most_us = max(completion.most_us for completion in completions)
    makespan = _largest(model, ends, least_us, most_us)
    model.cp.minimize(_sum([len(ends) * makespan, *ends], 2 * len(ends) * most_us))


def _add_loads(model: Model, makespan: Linear) -> None:
    """Add a redundant constraint per machine: head, load and tail fit before the makespan.

    It follows from the rest, but only this form lets the linear relaxation share the load.
    """
    rows: dict[int, list[tuple[int, int]]] = {}
    for i in model.open:
        for k in model.frame.modes[i]:
            rows.setdefault(model.mode_machine[k], []).append((i, k))
    for machine, row in rows.items():
        if not model.form.machine_exclusive[machine]:
            continue
        head_us = min(model.frame.first_us[i] for i, _ in row) - model.base_us
        tail_us = min(model.frame.tail_us.get(i, 0) for i, _ in row)
        load = sum(model.mode_us[k] * model.present[k] for _, k in row)
        model.cp.add(makespan >= load + (head_us + tail_us))


def _lateness(model: Model, completions: list[Completion]) -> Linear:
    due_us = model.form.job_due_us.tolist()
    ends: list[Linear] = []
    least, most = -MAX_SUM, -MAX_SUM
    for completion in completions:
        late_us = model.base_us - due_us[completion.job]
        if due_us[completion.job] < NEVER_US:
            ends += [end + late_us for end in completion.ends]
            least = max(least, completion.least_us + late_us)
            most = max(most, completion.most_us + late_us)
    return _largest(model, ends, least, most) if ends else 0


def _weighted_completion(model: Model, completions: list[Completion]) -> Cost:
    weights = model.form.job_weight.tolist()
    terms: list[Linear] = []
    offset, total = 0, 0
    for completion in completions:
        weight = weights[completion.job]
        if not weight:
            continue
        end = completion.ends[0]
        if len(completion.ends) > 1:
            end = _largest(model, completion.ends, completion.least_us, completion.most_us)
        terms.append(weight * end)
        offset += weight * model.base_us
        total += weight * abs(completion.most_us)
    return _sum(terms, total), offset


def _weighted_tardiness(model: Model, completions: list[Completion]) -> Linear:
    due_us, weights = model.form.job_due_us.tolist(), model.form.job_weight.tolist()
    terms: list[Linear] = []
    total = 0
    for completion in completions:
        weight, late_us = weights[completion.job], model.base_us - due_us[completion.job]
        most_us = completion.most_us + late_us
        if weight and most_us > 0:
            least_us = max(completion.least_us + late_us, 0)
            ends = [end + late_us for end in completion.ends]
            terms.append(weight * _largest(model, ends, least_us, most_us))
            total += weight * most_us
    return _sum(terms, total)


def _energy(model: Model) -> Cost:
    energy_uj = model.form.mode_energy_uj.tolist()
    terms = [energy_uj[k] * model.present[k] for i in model.open for k in model.frame.modes[i]]
    total = sum(max((energy_uj[k] for k in model.frame.modes[i]), default=0) for i in model.open)
    firsts = model.form.mode_first.tolist()
    spent_uj = sum(energy_uj[firsts[i]] for i, state in enumerate(model.state) if state != OPEN)
    return _sum(terms, total), spent_uj


def _misses(model: Model) -> Cost:
    form = model.form
    gone = frozen_overruns_us(form).tolist()
    missed: dict[int, Literal] = {}
    for i in model.open:
        job = int(form.job[i])
        deadline_us = int(form.job_deadline_us[job])
        if deadline_us >= NEVER_US or gone[job] > 0:
            continue
        if job not in missed:
            missed[job] = model.cp.new_bool_var("")
        kept = missed[job].negated()
        for k in model.frame.modes[i]:
            last_us = deadline_us - model.mode_p95_us[k] - model.base_us
            in_time = model.cp.add(model.starts[i] <= last_us)
            in_time.only_enforce_if([kept, model.present[k]])
    return sum(missed.values()), sum(late_us > 0 for late_us in gone)


def minimise_overrun(model: Model) -> int:
    """Minimise the sum of deadline overruns over jobs; returns the constant part."""
    form = model.form
    gone = frozen_overruns_us(form).tolist()
    overruns: dict[int, Linear] = {}
    for i in model.open:
        job = int(form.job[i])
        deadline_us = int(form.job_deadline_us[job])
        if deadline_us >= NEVER_US:
            continue
        if job not in overruns:
            most_us = max(model.frame.horizon_us, deadline_us) + max(model.mode_p95_us)
            overruns[job] = model.cp.new_int_var(gone[job], most_us, "")
        for k in model.frame.modes[i]:
            late = model.starts[i] + (model.mode_p95_us[k] + model.base_us - deadline_us)
            model.cp.add(overruns[job] >= late).only_enforce_if(model.present[k])
    model.cp.minimize(sum(overruns.values()))
    return sum(late_us for job, late_us in enumerate(gone) if job not in overruns)


def _sum(terms: list[Linear], total: int) -> Linear:
    if total > MAX_SUM:
        raise SumTooLarge
    return sum(terms)
