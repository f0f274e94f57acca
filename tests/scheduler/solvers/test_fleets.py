"""Problems that come as arrays: the same form, the same plans, whatever their size."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from scheduler.model.checker import ViolationKind
from scheduler.model.errors import InvalidInput, InvalidProblem
from scheduler.solvers.arrays import Arrays, Solution
from scheduler.solvers.building import Modes, build, modes_from_table
from scheduler.solvers.fleets import Fleet, FleetPlan, heft_fleet, least_us
from scheduler.solvers.heuristics.ranked import heft
from scheduler.solvers.search import Search
from scheduler.solvers.translating import arrays
from scheduler.solvers.verifying import verify, verify_on
from tests.builders import all_links, job, machine, operation, problem


def fleet(seed: int, *, operations: int = 120, kinds: int = 3, each: int = 4) -> Fleet:
    """Jobs that follow their own last few operations; some kinds lack some modes."""
    random = np.random.default_rng(seed)
    table = random.integers(1, 60, (operations, kinds))
    table[random.random(table.shape) < 0.2] = 0
    table[:, 0] += 1
    target = np.repeat(np.arange(operations), random.integers(0, 3, operations))
    source = target - random.integers(1, 12, len(target))
    pairs = np.unique(np.stack([source, target], axis=1)[source >= 0], axis=0)
    form = build(
        modes_from_table(table),
        machines=kinds,
        sources=pairs[:, 0],
        targets=pairs[:, 1],
        job=np.arange(operations) // 40,
        job_band=np.array([2, 0, 1]),
        release_us=np.array([0, 30, 5]),
        edge_us=random.integers(0, 80, len(pairs)),
        link_latency_us=random.integers(0, 9, (kinds, kinds)),
    )
    return Fleet(form, (np.arange(kinds + 1) * each).astype(np.int32))


def expanded(fleet: Fleet) -> Arrays:
    """Give the form in which each machine is one; for what is small enough."""
    form, kind = fleet.kinds, np.repeat(np.arange(len(fleet.first) - 1), np.diff(fleet.first))
    wide = np.diff(fleet.first)[form.mode_machine]
    owner = np.repeat(np.arange(len(form.mode_us)), wide)
    offset = np.arange(len(owner)) - np.repeat(np.cumsum(wide) - wide, wide)
    total = np.concatenate(([0], np.cumsum(wide)))
    machine = (fleet.first[form.mode_machine[owner]] + offset).astype(np.int32)
    modes = Modes(total[form.mode_first].astype(np.int32), machine, form.mode_us[owner])
    latency_us = form.link_latency_us[np.ix_(kind, kind)].copy()
    np.fill_diagonal(latency_us, 0)
    target = np.repeat(np.arange(len(form.state)), np.diff(form.source_first))
    edge = np.argsort(form.source_edge)
    return build(
        modes,
        machines=len(kind),
        sources=form.source_op[edge],
        targets=target[edge],
        job=form.job,
        job_band=form.job_band,
        job_due_us=form.job_due_us,
        job_deadline_us=form.job_deadline_us,
        job_weight=form.job_weight,
        now_us=form.now_us,
        edge_us=form.edge_us,
        link_latency_us=latency_us,
        link_rate=form.link_rate[np.ix_(kind, kind)],
    )._replace(earliest_us=form.earliest_us)


def solution_on(plan: FleetPlan, form: Arrays) -> Solution:
    """Give a plan for a fleet as a solution of its expanded form."""
    owner = np.repeat(np.arange(len(form.state)), np.diff(form.mode_first))
    mode = np.flatnonzero(form.mode_machine == plan.machine[owner]).astype(np.int32)
    return Solution(mode=mode, start_us=plan.start_us)


@pytest.mark.parametrize("seed", range(8))
def test_the_plan_for_kinds_is_that_for_all_machines_one_by_one(seed: int) -> None:
    many = fleet(seed)
    form = expanded(many)
    search = Search(form, lambda: 0.0)
    heft(search, 0)
    plan = heft_fleet(many)
    assert plan is not None
    assert search.best is not None
    solution = solution_on(plan, form)
    np.testing.assert_array_equal(solution.mode, search.best.solution.mode)
    np.testing.assert_array_equal(solution.start_us, search.best.solution.start_us)
    assert verify(form, solution) is None
    own = Solution(plan.mode, plan.start_us)
    assert verify_on(many.kinds, own, plan.machine, many.first) is None
    assert least_us(many) <= (plan.start_us + many.kinds.mode_us[plan.mode]).max()


def test_a_machine_of_another_kind_or_one_that_is_taken_is_refused() -> None:
    many = fleet(0)
    plan = heft_fleet(many)
    assert plan is not None
    own = Solution(plan.mode, plan.start_us)
    one = np.zeros_like(plan.machine)
    assert verify_on(many.kinds, own, one, many.first) is ViolationKind.MODE
    crowded = many.first[many.kinds.mode_machine[plan.mode]]
    assert verify_on(many.kinds, own, crowded, many.first) in {
        ViolationKind.OVERLAP,
        ViolationKind.PRECEDENCE,
    }


def test_a_stopped_plan_is_none() -> None:
    assert heft_fleet(fleet(1), stop=np.ones(1, np.int8)) is None


def test_what_a_fleet_does_not_take_into_account_is_refused() -> None:
    many = fleet(2)
    grouped = many._replace(kinds=many.kinds._replace(group=np.zeros(120, np.int32)))
    with pytest.raises(InvalidInput, match="colocation"):
        heft_fleet(grouped)


def test_built_from_arrays_it_is_the_form_of_the_same_problem_in_objects() -> None:
    lanes = [machine("a"), machine("b")]
    p = problem(
        [
            operation("x", durations={"a": 3, "b": 5}),
            operation("y", job="j1", durations={"b": 4}),
            operation("z", durations={"a": 2, "b": 2}),
        ],
        machines=lanes,
        jobs=[job("j0", release_us=2), job("j1", due_us=9, weight=3)],
        edges=[("x", "y", 7), ("x", "z", 1)],
        links=all_links(lanes, latency_us=4),
        now_us=1,
    )
    form = arrays(p)
    built = build(
        modes_from_table(np.array([[3, 5], [0, 4], [2, 2]])),
        machines=2,
        sources=np.array([0, 0]),
        targets=np.array([1, 2]),
        release_us=np.array([2, 0]),
        job=np.array([0, 1, 0]),
        job_band=form.job_band,
        job_due_us=form.job_due_us,
        job_weight=form.job_weight,
        now_us=1,
        edge_us=np.array([7, 1]),
        link_latency_us=form.link_latency_us,
        link_rate=form.link_rate,
    )
    for name, expected in form._asdict().items():
        np.testing.assert_array_equal(getattr(built, name), expected, name)
        assert np.asarray(getattr(built, name)).dtype == np.asarray(expected).dtype, name


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sources": [0], "targets": [2]}, "targets must be within 0 and 1; got 0 to 2"),
        ({"sources": [-1], "targets": [1]}, "sources must be within 0 and 1; got -1 to -1"),
        ({"job": [0, 1], "job_band": [2]}, "job must be within 0 and 0; got 0 to 1"),
        ({"machines": 1}, "modes.machine must be within 0 and 0; got 0 to 1"),
    ],
)
def test_a_number_of_nothing_that_there_is_is_refused(wrong: dict[str, Any], message: str) -> None:
    given: dict[str, Any] = {"machines": 2} | {
        name: np.array(found) if name != "machines" else found for name, found in wrong.items()
    }
    with pytest.raises(InvalidProblem) as caught:
        build(modes_from_table(np.array([[3, 5], [4, 0]])), **given)
    assert caught.value.message == message


def test_edges_that_form_a_cycle_are_refused() -> None:
    modes = modes_from_table(np.ones((2, 1), np.int64))
    with pytest.raises(InvalidProblem, match="no cycle; got 2"):
        build(modes, machines=1, sources=np.array([0, 1]), targets=np.array([1, 0]))


def test_a_table_by_kind_gives_each_machine_the_modes_of_its_kind() -> None:
    modes = modes_from_table(np.array([[3, 0], [4, 5]]), np.array([0, 1, 1]))
    assert (modes.first.tolist(), modes.machine.tolist()) == ([0, 1, 4], [0, 0, 1, 2])
    assert modes.duration_us.tolist() == [3, 4, 5, 5]
    assert isinstance(build(modes, machines=3), Arrays)
