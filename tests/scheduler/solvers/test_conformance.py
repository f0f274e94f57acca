"""One contract for every solver that the registry knows, found by discovery."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from scheduler.model.checker import ViolationKind, check
from scheduler.model.errors import InvalidInput
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Edge, Job, Machine, Operation, Problem, Progress, Window
from scheduler.model.schedule import Limits, Schedule
from scheduler.portfolio import solve
from scheduler.solvers import registry
from scheduler.solvers.features import features
from scheduler.solvers.registry import Feature, SolverKind
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays, schedule_of
from tests.builders import all_links, job, machine, mode, operation, problem, resource
from tests.scheduler.solvers.published import arabnejad, topcuoglu
from tests.scheduler.strategies import problems

ROOT = Path(__file__).parents[3]
NAMES = registry.names()
CONSTRUCTIVE = registry.names(SolverKind.CONSTRUCTIVE)
EXACT = registry.names(SolverKind.EXACT)
WORK = 2e-3 * WORK_PER_S
PROOF = WORK_PER_S
PROVER = "cp_sat"
# No shrinking: a failing example is small already, and engines are slow.
few = settings(
    max_examples=6,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
)
every_solver = pytest.mark.parametrize("name", NAMES)
every_constructive_solver = pytest.mark.parametrize("name", CONSTRUCTIVE)
every_beginner = pytest.mark.parametrize("name", [*CONSTRUCTIVE, *EXACT])
every_exact_solver = pytest.mark.parametrize("name", EXACT)


def searched(
    name: str,
    p: Problem,
    objective: Objective = Objective.MAKESPAN,
    *,
    seed: int = 0,
    work: float = 0.0,
) -> Search:
    """A search with one solver, from the plan of HEFT if it improves."""
    search = Search(arrays(p), lambda: 0.0, objective)
    if registry.entry(name).kind is SolverKind.IMPROVEMENT:
        registry.solver("heft")(search, seed)
    exact = registry.entry(name).kind is SolverKind.EXACT
    registry.solver(name)(search.part(work=work or (PROOF if exact else WORK)), seed)
    return search


def plan_of(p: Problem, search: Search) -> Schedule | None:
    return None if search.best is None else schedule_of(p, search.form, search.best.solution)


def value_of(search: Search) -> int:
    assert search.best is not None
    return search.best.score[1]


def suited(data: st.DataObject, name: str, *, deadlines: bool = False) -> Problem:
    """A problem with no features but those that the solver declares."""
    return data.draw(problems(registry.entry(name).features, deadlines=deadlines))


@every_solver
@few
@given(data=st.data(), deadlines=st.booleans())
def test_every_plan_passes_the_checker_and_is_worth_what_is_said(
    name: str, data: st.DataObject, deadlines: bool
) -> None:
    p = suited(data, name, deadlines=deadlines)
    objective = data.draw(st.sampled_from(registry.entry(name).objectives))
    search = searched(name, p, objective)
    plan = plan_of(p, search)
    if plan is None:
        return
    assert search.best is not None
    late_us, value = search.best.score
    assert value == (evaluate(p, plan, objective) or 0) or not _speaks(p, objective)
    assert search.bound is None or late_us or search.bound <= value
    broken = {violation.kind for violation in check(p, plan)}
    assert broken <= ({ViolationKind.DEADLINE} if late_us or _forgives(objective) else set())


def _forgives(objective: Objective) -> bool:
    return objective is Objective.DEADLINE_MISSES


def _speaks(p: Problem, objective: Objective) -> bool:
    return objective is not Objective.MAX_LATENESS or any(j.due_us is not None for j in p.jobs)


@every_solver
@few
@given(data=st.data(), seed=st.integers(0, 2**40))
def test_the_same_seed_gives_the_same_plan_and_leaves_the_problem_as_it_was(
    name: str, data: st.DataObject, seed: int
) -> None:
    p = suited(data, name)
    before = pickle.dumps([getattr(p, f) for f in p.__dataclass_fields__])
    search = searched(name, p, seed=seed)
    assert plan_of(p, search) == plan_of(p, searched(name, p, seed=seed))
    assert pickle.dumps([getattr(p, f) for f in p.__dataclass_fields__]) == before
    for column, untouched in zip(search.form, arrays(p), strict=True):
        np.testing.assert_array_equal(column, untouched)


@every_solver
@few
@given(data=st.data())
def test_no_solver_beats_a_proven_optimum(name: str, data: st.DataObject) -> None:
    p = suited(data, name)
    objective = data.draw(st.sampled_from(registry.entry(name).objectives))
    proof, search = searched(PROVER, p, objective), searched(name, p, objective)
    assert not search.infeasible
    if search.best is not None and search.best.score[0] == 0 and proof.bound is not None:
        assert value_of(search) >= proof.bound


@every_constructive_solver
@few
@given(data=st.data(), factor=st.sampled_from([2, 4]))
def test_doubling_every_time_doubles_the_value(name: str, data: st.DataObject, factor: int) -> None:
    p = suited(data, name)
    search = searched(name, p)
    if search.best is not None:
        assert value_of(searched(name, times(factor, p))) == factor * value_of(search)


@every_solver
@few
@given(data=st.data())
def test_renaming_operations_keeps_the_plan(name: str, data: st.DataObject) -> None:
    p = suited(data, name)
    ours, theirs = searched(name, p).best, searched(name, renamed(p)).best
    assert (ours is None) == (theirs is None)
    if ours is not None and theirs is not None:
        assert ours.score == theirs.score


@every_exact_solver
@few
@given(data=st.data())
def test_exact_solvers_prove_tiny_problems_and_agree(name: str, data: st.DataObject) -> None:
    p = suited(data, name)
    objective = data.draw(st.sampled_from(registry.entry(name).objectives))
    search, proof = searched(name, p, objective), searched(PROVER, p, objective)
    assert search.proven
    assert search.bound == proof.bound


@every_exact_solver
@few
@given(data=st.data())
def test_dropping_deadlines_never_turns_feasible_into_infeasible(
    name: str, data: st.DataObject
) -> None:
    p = suited(data, name, deadlines=True)
    bounded = searched(name, p)
    free = searched(name, replace(p, jobs=tuple(replace(j, deadline_us=None) for j in p.jobs)))
    assert not free.infeasible
    if bounded.proven:
        assert value_of(bounded) >= value_of(free)


@every_solver
def test_a_missed_deadline_counts_for_more_than_the_value(name: str) -> None:
    late = problem([operation(durations={"m0": 5})], jobs=[job(deadline_us=4)])
    search = searched(name, late)
    assert search.infeasible or search.best is None or search.best.score[0] == 1


@every_solver
def test_what_a_solver_does_not_take_into_account_is_refused(name: str) -> None:
    entry = registry.entry(name)
    for p in featured():
        if features(arrays(p)) <= entry.features:
            assert solve(p, name, Limits(time_s=5, deterministic_s=0.01)).schedule is not None
        else:
            with pytest.raises(InvalidInput, match=f"solver '{name}' must support all features"):
                solve(p, name)


@every_beginner
def test_an_operation_that_fits_no_memory_gets_no_plan(name: str) -> None:
    lanes = [machine("m0", memory_bytes=9)]
    p = problem([operation(modes=[mode(peak_bytes=10)])], machines=lanes)
    search = Search(arrays(p), lambda: 0.0)
    registry.solver(name)(search.part(work=WORK), 0)
    assert search.best is None


@every_beginner
def test_devices_that_are_not_joined_get_no_plan(name: str) -> None:
    if Feature.TRANSFERS not in registry.entry(name).features:
        return
    lanes = [machine("a"), machine("b"), machine("c")]
    pair = [operation("x", durations={"a": 1}), operation("y", durations={"b": 1})]
    p = problem(pair, machines=lanes, edges=[("x", "y")], links=all_links(lanes[1:]))
    search = Search(arrays(p), lambda: 0.0)
    registry.solver(name)(search.part(work=WORK), 0)
    assert search.best is None


@every_constructive_solver
def test_a_choice_looks_ahead_to_what_it_rules_out(name: str) -> None:
    # x is fastest on b, but only a is joined to where z must run, two edges away.
    lanes = [machine("a"), machine("b"), machine("c")]
    p = problem(
        [
            operation("x", durations={"a": 9, "b": 1}),
            operation("y", durations={"a": 9, "b": 1}),
            operation("z", durations={"c": 1}),
        ],
        machines=lanes,
        edges=[("x", "y"), ("y", "z")],
        links=all_links([lanes[0], lanes[2]]),
    )
    assert value_of(searched(name, p)) == 19


@every_solver
def test_nothing_to_do_takes_no_time(name: str) -> None:
    result = solve(Problem(machines=(), jobs=(), operations=()), name)
    assert (result.value, result.bound) == (0, 0)


@every_solver
def test_what_has_all_been_done_stays_as_it_was(name: str) -> None:
    if Feature.STARTED not in registry.entry(name).features:
        return
    done = operation(progress=Progress(mode=0, start_us=3, end_us=9))
    assert value_of(searched(name, problem([done], now_us=20))) == 9


@every_solver
def test_epoch_times_are_no_burden(name: str) -> None:
    if Feature.TRANSFERS not in registry.entry(name).features:
        return
    epoch_us = 1_760_000_000_000_000
    late = value_of(searched(name, replace(topcuoglu(), now_us=epoch_us)))
    assert late - epoch_us == value_of(searched(name, topcuoglu()))


@every_solver
def test_a_search_that_is_over_is_left_at_once(name: str) -> None:
    search = Search(arrays(tie_rich()), lambda: 0.0)
    registry.solver("heft")(search, 0)
    search.cancel()
    registry.solver(name)(search, 0)
    assert search.worked <= WORK


def test_plans_do_not_depend_on_the_hash_seed() -> None:
    first, second = (
        subprocess.Popen(
            [sys.executable, "-m", "tests.scheduler.solvers.test_conformance"],
            env={**os.environ, "PYTHONHASHSEED": hash_seed},
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for hash_seed in ("1", "2")
    )
    plans, same = first.communicate()[0], second.communicate()[0]
    assert (first.returncode, second.returncode) == (0, 0)
    assert plans
    assert plans == same


def times(factor: int, p: Problem) -> Problem:
    """The same problem with every time multiplied. Links here need 1 us per byte."""
    return replace(
        p,
        machines=tuple(_slower_machine(m, factor) for m in p.machines),
        jobs=tuple(_later_job(j, factor) for j in p.jobs),
        operations=tuple(_slower_operation(o, factor) for o in p.operations),
        edges=tuple(replace(e, size_bytes=e.size_bytes * factor) for e in p.edges),
        links=tuple(replace(k, latency_us=k.latency_us * factor) for k in p.links),
        now_us=p.now_us * factor,
    )


def _slower_machine(m: Machine, factor: int) -> Machine:
    windows = (
        Window(start_us=w.start_us * factor, end_us=w.end_us * factor) for w in m.unavailable
    )
    return replace(m, unavailable=tuple(windows))


def _later_job(j: Job, factor: int) -> Job:
    due_us = None if j.due_us is None else j.due_us * factor
    return replace(j, release_us=j.release_us * factor, due_us=due_us)


def _slower_operation(o: Operation, factor: int) -> Operation:
    modes = tuple(
        replace(
            m,
            duration_us=m.duration_us * factor,
            duration_p95_us=m.p95_us * factor,
            setup_us=m.setup_us * factor,
        )
        for m in o.modes
    )
    progress = o.progress
    if progress is not None:
        end_us = None if progress.end_us is None else progress.end_us * factor
        progress = replace(progress, start_us=progress.start_us * factor, end_us=end_us)
    return replace(o, modes=modes, progress=progress)


def renamed(p: Problem) -> Problem:
    """The same problem with ids that sort the other way round."""
    names = [o.id for o in p.operations]
    other = {name: f"z{len(names) - i}" for i, name in enumerate(names)}
    return replace(
        p,
        operations=tuple(replace(o, id=other[o.id]) for o in p.operations),
        edges=tuple(
            Edge(source=other[e.source], target=other[e.target], size_bytes=e.size_bytes)
            for e in p.edges
        ),
    )


def featured() -> list[Problem]:
    """Small problems with a feature each."""
    pair = [operation("x", durations={"a": 2, "b": 3}), operation("y", durations={"a": 2})]
    lanes = [machine("a"), machine("b")]
    joined = all_links(lanes)
    needing = [operation(modes=[mode("a", 3, demands={"r": 1}), mode("b", 4)])]
    heavy = [operation(modes=[mode("a", 3, resident_bytes=2), mode("b", 4)])]
    setups = [operation(modes=[mode("a", 3, family="f", setup_us=2), mode("b", 9)])]
    return [
        problem(pair, edges=[("x", "y", 1)], machines=lanes, links=joined),
        problem(pair, machines=[machine("a", unavailable=[(1, 2)]), lanes[1]]),
        problem([operation(progress=Progress(mode=0, start_us=0)), operation("z")], now_us=1),
        problem(setups, machines=lanes),
        problem(setups, machines=[machine("a", keeps_setups=True), lanes[1]]),
        problem(heavy, machines=[machine("a", memory_bytes=5), lanes[1]]),
        problem([replace(o, colocation="g") for o in pair], machines=lanes),
        problem(needing, machines=lanes, resources=[resource("r", 1)]),
        problem(needing, machines=lanes, resources=[resource("r", 1, renewable=False)]),
        problem(pair, machines=[machine("a", exclusive=False), lanes[1]]),
    ]


def tie_rich() -> Problem:
    """Many equal operations on equal machines: every choice is a tie."""
    lanes = [machine(f"lane-{n}", device=f"box-{n % 2}") for n in range(4)]
    found = [
        operation(f"op-{i}", job=f"job-{i % 3}", modes=[mode(lane.id, 3) for lane in lanes])
        for i in range(12)
    ]
    return problem(found, machines=lanes, edges=[(f"op-{i}", f"op-{i + 3}") for i in range(9)])


def _print_plans() -> None:
    examples = (topcuoglu(), arabnejad(), tie_rich())
    for p in examples:
        print("auto", solve(p, limits=Limits(time_s=60, deterministic_s=0.05)).schedule)
    for name in NAMES:
        for p in examples:
            if features(arrays(p)) <= registry.entry(name).features:
                print(name, plan_of(p, searched(name, p, work=WORK)))


if __name__ == "__main__":
    _print_plans()
