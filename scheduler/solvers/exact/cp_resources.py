"""Constraints of resources: shares while operations run, and budgets for good."""

from __future__ import annotations

import itertools

from scheduler.solvers.arrays import OPEN
from scheduler.solvers.exact.cp_model import Model

Demands = list[tuple[int, int, int]]


def demands_by_resource(model: Model) -> list[Demands]:
    """Per resource, the modes that demand it: operation, mode, amount."""
    form = model.form
    firsts, resources = form.demand_first.tolist(), form.demand_resource.tolist()
    amounts = form.demand_amount.tolist()
    found: list[Demands] = [[] for _ in form.resource_capacity]
    if not amounts:
        return found
    for i, state in enumerate(model.state):
        first = int(form.mode_first[i])
        for k in model.frame.modes[i] if state == OPEN else [first]:
            for d in range(firsts[k], firsts[k + 1]):
                if amounts[d]:
                    found[resources[d]].append((i, k, amounts[d]))
    return found


def add_cumulative(model: Model, resource: int, demand: Demands) -> None:
    """Let running operations demand no more than the capacity at any moment."""
    capacity = int(model.form.resource_capacity[resource])
    intervals, amounts = [], []
    running: list[tuple[int, int, int]] = []
    for i, k, amount in demand:
        if model.state[i] == OPEN:
            intervals.append(model.intervals[k])
            amounts.append(amount)
        elif model.frozen_end_us[i] > model.base_us:
            running.append((model.frozen_start_us[i], model.frozen_end_us[i], amount))
    for start_us, end_us, amount in _steps(running, model.base_us):
        intervals.append(model.fixed_interval(start_us, end_us))
        # Running work may demand more than the capacity: it then leaves nothing, and goes on.
        amounts.append(min(amount, capacity))
    if sum(amounts) > capacity:
        model.cp.add_cumulative(intervals, amounts, capacity)


def _steps(running: list[tuple[int, int, int]], base_us: int) -> list[tuple[int, int, int]]:
    """Sum of demands between each two moments at which it changes, from the base on."""
    times = sorted({max(t - base_us, 0) for start, end, _ in running for t in (start, end)})
    steps = []
    for first_us, last_us in itertools.pairwise(times):
        taken = [a for start, end, a in running if start - base_us <= first_us < end - base_us]
        if taken:
            steps.append((first_us, last_us, sum(taken)))
    return steps


def add_budget(model: Model, resource: int, demand: Demands) -> None:
    """Let all operations together demand no more than the capacity."""
    spent, terms = 0, []
    for i, k, amount in demand:
        if model.state[i] == OPEN:
            terms.append(amount * model.present[k])
        else:
            spent += amount
    if terms:
        left = int(model.form.resource_capacity[resource]) - spent
        model.cp.add(sum(terms) <= max(left, 0))
