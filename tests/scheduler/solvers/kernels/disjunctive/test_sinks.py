"""Ends that count: tails, values and estimates, against what is computed anew."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from scheduler.model.checker import check
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Problem
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.kernels.disjunctive.critical import critical_path
from scheduler.solvers.kernels.disjunctive.graph import Graph, graph
from scheduler.solvers.kernels.disjunctive.insertion import (
    ESTIMATE,
    MODE,
    OPERATION,
    PLACE,
    choice,
    clear,
    insertions,
)
from scheduler.solvers.kernels.disjunctive.moving import load, move
from scheduler.solvers.kernels.disjunctive.paths import value
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US, MISS, sinks
from scheduler.solvers.kernels.randomness import seeded
from scheduler.solvers.translating import arrays, schedule_of
from tests.scheduler.solvers.flexible import due, flexible, one_after_another

NEVER = 2**62
SUMS = [
    Objective.WEIGHTED_TARDINESS,
    Objective.WEIGHTED_COMPLETION,
    Objective.DEADLINE_MISSES,
]
each_sum = pytest.mark.parametrize("objective", SUMS)
KINDS: list[dict[str, bool]] = [
    {},
    {"lagged": True},
    {"setups": True},
    {"lagged": True, "setups": True, "windows": True, "started": True},
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: "+".join(k) or "plain")


def loaded(problem: Problem, objective: Objective) -> tuple[Arrays, Graph]:
    form = arrays(problem)
    g = graph(form, sinks(form, objective))
    load(g, form, one_after_another(form))
    return form, g


def walk(g: Graph, steps: int) -> list[tuple[int, int]]:
    """Best moves of operations on critical paths; of each, who moved, and what it was to cost."""
    c, random = choice(g), seeded(3)
    until = np.zeros(len(g.mode), np.int64)
    found = []
    for _ in range(steps):
        clear(c)
        before = value(g)
        for i in c.path[: critical_path(g, random, before, c.path)]:
            insertions(g, c, random, int(i), until, 0, NEVER)
        i = int(c.best[OPERATION])
        if i < 0:
            break
        move(g, i, int(c.best[MODE]), int(c.best[PLACE]))
        found.append((i, int(c.best[ESTIMATE])))
    return found


def plan(g: Graph) -> Solution:
    return Solution(g.operation.mode.copy(), g.operation.head_us.copy())


@each_sum
@every_kind
def test_tails_to_sinks_after_moves_are_those_of_a_graph_loaded_anew(
    kind: dict[str, bool], objective: Objective
) -> None:
    form, g = loaded(due(flexible(3, **kind)), objective)
    assert len(walk(g, 15)) > 3
    anew = graph(form, sinks(form, objective))
    load(anew, form, plan(g))
    assert (anew.operation.head_us == g.operation.head_us).all()
    assert (anew.beyond_us == g.beyond_us).all()


@each_sum
@every_kind
def test_the_value_of_a_plan_is_the_objective_and_the_plan_is_lawful(
    kind: dict[str, bool], objective: Objective
) -> None:
    dated = objective is Objective.DEADLINE_MISSES
    problem = due(flexible(4, **kind), deadlines=dated)
    form, g = loaded(problem, objective)
    for _ in range(5):
        walk(g, 3)
        schedule = schedule_of(problem, form, plan(g))
        told = value(g) // MISS if dated else value(g)
        assert told == evaluate(problem, schedule, objective)
        assert dated or check(problem, schedule) == []


@every_kind
def test_a_missed_deadline_costs_more_than_it_saves(kind: dict[str, bool]) -> None:
    problem = due(flexible(4, **kind), deadlines=True)
    form, g = loaded(problem, Objective.WEIGHTED_TARDINESS)
    walk(g, 5)
    schedule = schedule_of(problem, form, plan(g))
    overrun = value(g) - evaluate(problem, schedule, Objective.WEIGHTED_TARDINESS)
    assert (overrun > 0) == (evaluate(problem, schedule, Objective.DEADLINE_MISSES) > 0)


@each_sum
@pytest.mark.parametrize("kind", KINDS[:3], ids=str)
def test_an_estimate_is_never_below_the_paths_through_the_operation(
    kind: dict[str, bool], objective: Objective
) -> None:
    _, g = loaded(due(flexible(5, **kind)), objective)
    c, random = choice(g), seeded(2)
    until = np.zeros(len(g.mode), np.int64)
    for _ in range(30):
        clear(c)
        before = value(g)
        for i in c.path[: critical_path(g, random, before, c.path)]:
            insertions(g, c, random, int(i), until, 0, NEVER)
        if c.best[OPERATION] < 0:
            break
        i = int(c.best[OPERATION])
        move(g, i, int(c.best[MODE]), int(c.best[PLACE]))
        o = g.operation[i]
        late_us = o.head_us + o.us + g.beyond_us[i] - g.sinks.from_us
        least = (late_us > 0) @ (g.sinks.weight * late_us + g.sinks.step)
        assert least <= c.best[ESTIMATE]


def test_a_job_without_a_date_or_weight_has_no_sink() -> None:
    problem = due(flexible(1))
    some = [replace(problem.jobs[0], due_us=None), replace(problem.jobs[1], weight=0)]
    form = arrays(replace(problem, jobs=(*some, *problem.jobs[2:])))
    found = sinks(form, Objective.WEIGHTED_TARDINESS)
    assert len(found.from_us) == len(problem.jobs) - 2
    assert (found.of[form.job < 2] == -1).all()


def test_nobody_reaches_the_sink_of_another_job_without_a_path() -> None:
    form, g = loaded(due(flexible(2, jobs=2, machines=8)), Objective.WEIGHTED_COMPLETION)
    last = np.flatnonzero((form.target_first[1:] == form.target_first[:-1]) & (form.job == 0))
    alone = [i for i in last if g.operation[i].behind < 0]
    assert alone
    assert all(g.beyond_us[i, 1] == FAR_US and g.beyond_us[i, 0] == 0 for i in alone)
