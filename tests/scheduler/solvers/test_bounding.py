"""Bounds on arrays hold for every schedule, and use rules that the model's bounds leave out."""

from __future__ import annotations

import numpy as np
from hypothesis import given, settings

from scheduler.model.bounds import lower_bound as model_bound
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Problem
from scheduler.solvers.bounding import lower_bound
from scheduler.solvers.translating import arrays
from tests.builders import all_links, chain, job, link, machine, mode, operation, problem
from tests.scheduler.reference import home_schedule, optima
from tests.scheduler.strategies import Size, problems


def bound(problem: Problem, objective: Objective = Objective.MAKESPAN) -> int:
    return lower_bound(arrays(problem), objective)


@settings(max_examples=40)
@given(problems(deadlines=True, size=Size(operations=3, modes=3)))
def test_no_schedule_is_better_than_any_bound(p: Problem) -> None:
    for objective, value in optima(p).items():
        assert bound(p, objective) <= value


@settings(max_examples=50)
@given(problems(size=Size(operations=9)))
def test_no_larger_schedule_is_better_either(p: Problem) -> None:
    made = home_schedule(p)
    for objective in Objective:
        assert bound(p, objective) <= evaluate(p, made, objective)


def test_a_bound_that_is_stopped_is_the_longest_path() -> None:
    form = arrays(problem([operation(name, durations={"m0": 3}) for name in "abc"]))
    assert lower_bound(form, Objective.MAKESPAN) == 9
    assert lower_bound(form, Objective.MAKESPAN, np.ones(1, np.int8)) == 3


def test_a_path_pays_for_transfers_or_for_slower_modes() -> None:
    # y is quick only where x is not; staying costs 9, moving 5.
    lanes = [machine("a"), machine("b")]
    ops = [operation("x", durations={"a": 2}), operation("y", durations={"a": 9, "b": 2})]
    near = problem(ops, machines=lanes, edges=[("x", "y", 5)], links=all_links(lanes))
    assert (model_bound(near), bound(near)) == (4, 9)


def test_a_session_that_no_machine_has_yet_is_loaded_first() -> None:
    cold = problem([operation(modes=[mode(duration_us=2, family="f", setup_us=3)])])
    assert bound(cold) == 5
    warm = problem(cold.operations, machines=[machine(family="f")])
    assert bound(warm) == 2


def test_a_session_that_is_kept_is_loaded_first_once() -> None:
    cold = [operation(f"o{i}", modes=[mode(duration_us=2, family="f", setup_us=3)]) for i in "ab"]
    assert bound(problem(cold, machines=[machine(keeps_setups=True)])) == 7
    assert bound(problem(cold, machines=[machine(keeps_setups=True, kept=("f",))])) == 4


def test_the_load_of_a_machine_counts_for_those_that_come_late_too() -> None:
    # All three together end at 1 + 9 = 10 at least, the two late ones alone at 8 + 8 = 16.
    ops = [
        operation("early", durations={"m0": 1}),
        *(operation(name, job="late", durations={"m0": 4}) for name in ("x", "y")),
    ]
    assert bound(problem(ops, jobs=[job(release_us=1), job("late", release_us=8)])) == 16


def test_machines_that_are_not_alike_share_by_weight() -> None:
    # Each operation takes 2 on one machine or 8 on the other: 10 of work at least on a, b needs
    # four times as long for any of it. With weights 0.8 and 0.2, each adds 1.6: 5 x 1.6 = 8.
    ops = [operation(f"o{i}", durations={"a": 2, "b": 8}) for i in range(5)]
    assert bound(problem(ops)) == 8


def test_lateness_counts_the_load_before_due_dates() -> None:
    ops = [operation(name, job=name, durations={"m0": 5}) for name in "ab"]
    due = [job("a", due_us=4), job("b", due_us=4)]
    assert bound(problem(ops, jobs=due), Objective.MAX_LATENESS) == 6


def test_there_is_no_bound_where_there_is_no_plan() -> None:
    lanes = [machine("a"), machine("b"), machine("c")]
    ops = [operation("x", durations={"a": 2}), operation("y", durations={"b": 2})]
    cut = problem(ops, machines=lanes, edges=[("x", "y")], links=[link("a", "c")])
    assert {
        bound(cut, objective) for objective in Objective if objective is not Objective.ENERGY
    } == {0}
    full = problem([operation(modes=[mode(peak_bytes=2)])], machines=[machine(memory_bytes=1)])
    assert bound(full) == 0
    assert bound(Problem(machines=(), jobs=(), operations=())) == 0


def test_a_chain_is_as_long_as_its_parts() -> None:
    assert bound(chain(3, 4, 5)) == 12
