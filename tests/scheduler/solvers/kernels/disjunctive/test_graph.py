from __future__ import annotations

import numpy as np
import pytest

from scheduler.model.checker import check
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
from scheduler.solvers.kernels.disjunctive.paths import outside_windows, value
from scheduler.solvers.kernels.disjunctive.sinks import FAR_US
from scheduler.solvers.kernels.randomness import below, seeded
from scheduler.solvers.translating import arrays, schedule_of
from tests.scheduler.solvers.flexible import flexible, one_after_another

NEVER = 2**62
KINDS: list[dict[str, bool]] = [
    {},
    {"lagged": True},
    {"setups": True},
    {"windows": True},
    {"started": True},
    {"lagged": True, "setups": True, "windows": True, "started": True},
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=lambda k: "+".join(k) or "plain")


def loaded(problem: Problem) -> tuple[Arrays, Graph]:
    form = arrays(problem)
    g = graph(form)
    load(g, form, one_after_another(form))
    return form, g


def wander(g: Graph, steps: int, seed: int = 1) -> None:
    """Random moves out of the neighbourhood, each checked."""
    c, random = choice(g), seeded(seed)
    until = np.zeros(len(g.mode), np.int64)
    for _ in range(steps):
        i = below(random, len(g.operation))
        clear(c)
        if g.operation[i].movable:
            insertions(g, c, random, i, until, 0, NEVER)
        if c.best[OPERATION] >= 0:
            move(g, i, int(c.best[MODE]), int(c.best[PLACE]))
            assert_paths_are_right(g)


def lag_us(g: Graph, edge: int, source: int, target: int) -> int:
    devices = g.machine[source].device_number, g.machine[target].device_number
    return int(g.latency_us[devices] + g.edge_us[edge, g.rate[devices]])


def setup_us(g: Graph, before: int, i: int) -> int:
    o, row = g.operation[i], g.mode[g.operation[i].mode]
    family = g.mode[g.operation[before].mode].family if before >= 0 else g.machine[o.machine].family
    return int(row.setup_us) if family != row.family else 0


def assert_paths_are_right(g: Graph) -> None:
    """Compare with the longest paths of a graph that is built anew."""
    rows = list(g.operation)
    arcs = {i: incoming(g, i) if o.movable else [] for i, o in enumerate(rows)}
    head: dict[int, int] = {}
    while len(head) < len(rows):
        i = next(i for i in arcs if i not in head and all(j in head for j, _ in arcs[i]))
        o = rows[i]
        setup = setup_us(g, o.before, i)
        starts = [head[j] + int(rows[j].us) + lag for j, lag in arcs[i]]
        free_us = g.machine[o.machine].free_us + setup if o.before < 0 else 0
        first_us = max(int(o.earliest_us), int(free_us), *starts)
        first_us = outside_windows(g, int(o.machine), first_us, setup, int(o.us))
        head[i] = first_us if o.movable else int(o.head_us)
    assert [head[i] for i in arcs] == list(g.operation.head_us)
    tail = [int(o.goal_us) for o in rows]
    for i in arcs:
        for j, lag in arcs[i]:
            tail[j] = max(tail[j], lag + int(rows[i].us + rows[i].tail_us))
    assert tail == list(g.operation.tail_us)


def incoming(g: Graph, i: int) -> list[tuple[int, int]]:
    """Operations that one waits for, with the lag after the end of each."""
    o = g.operation[i]
    found = []
    for row in g.source[o.source_first : o.source_last]:
        source = g.operation[row.operation]
        found.append((int(row.operation), lag_us(g, row.edge, source.machine, o.machine)))
    return found + ([(int(o.before), setup_us(g, o.before, i))] if o.before >= 0 else [])


@every_kind
def test_heads_and_tails_after_moves_are_those_of_a_graph_built_anew(kind: dict[str, bool]) -> None:
    _, g = loaded(flexible(3, **kind))
    assert_paths_are_right(g)
    wander(g, 30)


@every_kind
def test_every_plan_on_the_way_passes_the_checker(kind: dict[str, bool]) -> None:
    for seed in range(4):
        problem = flexible(seed, **kind)
        form, g = loaded(problem)
        wander(g, 15, seed)
        plan = Solution(g.operation.mode.copy(), g.operation.head_us.copy())
        assert check(problem, schedule_of(problem, form, plan)) == []


@pytest.mark.parametrize("kind", [{}, {"lagged": True}, {"setups": True}], ids=str)
def test_an_estimate_is_never_below_the_path_through_the_operation(kind: dict[str, bool]) -> None:
    _, g = loaded(flexible(5, **kind))
    c, random = choice(g), seeded(2)
    until = np.zeros(len(g.mode), np.int64)
    for _ in range(80):
        clear(c)
        before_us = value(g)
        for i in c.path[: critical_path(g, random, before_us, c.path)]:
            insertions(g, c, random, int(i), until, 0, NEVER)
        if c.best[OPERATION] < 0:
            break
        i = int(c.best[OPERATION])
        move(g, i, int(c.best[MODE]), int(c.best[PLACE]))
        o = g.operation[i]
        assert o.head_us + o.us + o.tail_us <= c.best[ESTIMATE]
        if not kind.get("setups"):
            # Without setups, what does not pass through the operation is not longer than before.
            assert value(g) <= max(c.best[ESTIMATE], before_us)


def test_a_critical_path_is_as_long_as_the_plan() -> None:
    _, g = loaded(flexible(4))
    path = np.zeros(len(g.operation), np.int32)
    found = path[: critical_path(g, seeded(1), value(g), path)]
    assert sum(g.operation.us[found]) + g.operation.head_us[found[-1]] == value(g)


def test_the_goal_of_a_job_can_be_its_due_date() -> None:
    form, g = loaded(flexible(4))
    g.operation.goal_us = np.where(form.job == 0, -50, FAR_US)
    ends = g.operation.head_us + g.operation.us
    assert value(g) == ends[form.job == 0].max() - 50
