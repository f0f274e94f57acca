"""CP-SAT under the search contract: published optima, proofs, starts, stops, limits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from threading import Timer

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ortools.sat.python import cp_model

from scheduler.instances import parse
from scheduler.model.errors import UnmappedStatus
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.objectives import Objective
from scheduler.model.problem import Problem
from scheduler.solvers.exact.cp_sat import CpSat, cp_sat
from scheduler.solvers.exact.engine import status_of
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays
from tests.builders import chain, job, machine, mode, operation, problem
from tests.scheduler.solvers.exact.solving import expect_sound, optimum, searched
from tests.scheduler.solvers.published import arabnejad, topcuoglu
from tests.scheduler.strategies import problems

REGRESSIONS = Path(__file__).parents[3] / "data" / "regressions"


@pytest.mark.parametrize(("example", "best_us"), [(topcuoglu(), 73), (arabnejad(), 113)])
def test_the_optimum_of_a_published_example_is_proven(example: Problem, best_us: int) -> None:
    assert optimum(searched(example, work_s=1)) == best_us


# Values from brute force; OR-Tools 9.15 claimed to prove that 20 and 32 are optimal.
@pytest.mark.parametrize(("name", "best_us"), [("shared_resource", 19), ("two_lanes", 30)])
def test_a_proof_holds_where_machines_and_resources_meet(name: str, best_us: int) -> None:
    file = REGRESSIONS / f"{name}_{best_us}.json"
    assert optimum(searched(parse(file.read_bytes(), file.name).problem)) == best_us


# A plan of that value exists; OR-Tools 9.14 claimed a larger bound, with many seeds, while the
# intervals of modes shared their ends.
@pytest.mark.parametrize(
    ("name", "best_us"),
    [("three_lanes", 8), ("shared_ends", 21), ("shared_ends_unrelaxed", 21)],
)
@pytest.mark.parametrize("seed", range(16))
def test_no_seed_proves_more_than_what_is_possible(name: str, best_us: int, seed: int) -> None:
    file = REGRESSIONS / f"{name}_{best_us}.json"
    search = searched(parse(file.read_bytes(), file.name).problem, work_s=20, seed=seed)
    assert optimum(search) == best_us


def test_it_starts_from_the_best_plan_of_the_search() -> None:
    best = searched(topcuoglu()).best
    assert best is not None
    again = searched(topcuoglu(), start=[best.solution])
    assert optimum(again) == 73
    assert again.best is not None
    assert again.best.by == "start"


def test_a_start_that_misses_a_deadline_is_no_limit_on_better_plans() -> None:
    p = problem(
        [operation("long", job="a", durations={"m0": 9}), operation("short", job="b")],
        jobs=[job("a"), job("b", deadline_us=2)],
    )
    late = searched(replace(p, jobs=(job("a"), job("b", release_us=9)))).best
    assert late is not None
    assert optimum(searched(p, start=[late.solution])) == 10


def test_no_work_still_leaves_a_bound() -> None:
    search = searched(topcuoglu(), work_s=0)
    assert search.best is None
    # The quickest path t1 t2 t9 t10: 9 + 13 + 12 + 7.
    assert search.bound == 41


def test_times_too_large_for_the_engine_are_a_limit_not_a_crash() -> None:
    search = searched(chain(*[MAX_INTEGER] * 9))
    assert (search.best, search.bound) == (None, 9 * MAX_INTEGER)


def test_a_deadline_that_has_passed_is_infeasible() -> None:
    late = replace(chain(5), jobs=(job(deadline_us=9),), now_us=5)
    assert searched(late).infeasible


def test_a_slow_mode_that_never_takes_longer_may_end_at_the_deadline_itself() -> None:
    sure, quick = mode("m0", 8, energy_uj=0), mode("m0", 1, duration_p95_us=2, energy_uj=1)
    p = problem([operation(modes=[quick, sure])], jobs=[job(deadline_us=8)])
    assert optimum(searched(p, objective=Objective.ENERGY)) == 0


def test_the_same_seed_and_work_give_the_same_plan() -> None:
    first, second = (searched(topcuoglu(), work_s=0.02, seed=3).best for _ in range(2))
    assert first is not None
    assert second is not None
    assert first.solution.start_us.tolist() == second.solution.start_us.tolist()


def hard() -> Problem:
    """Far more than can be proven: forty jobs of ten operations on ten unlike machines."""
    lanes = [machine(f"m{n}") for n in range(10)]
    found = [
        operation(
            f"{j}.{i}",
            job=f"j{j}",
            modes=[
                mode(f"m{(i * 3 + j + n) % 10}", 50 + (i * j * 7 + n * 11) % 40) for n in (0, 4)
            ],
        )
        for j in range(40)
        for i in range(10)
    ]
    edges = [(f"{j}.{i}", f"{j}.{i + 1}") for j in range(40) for i in range(9)]
    return problem(found, machines=lanes, edges=edges)


def test_it_ends_when_the_search_is_stopped() -> None:
    search = Search(arrays(hard()), lambda: 0.0)
    stop = Timer(0.3, search.cancel)
    stop.start()
    cp_sat(search, 0)  # there is no other limit: it would not return for hours
    stop.join()
    assert search.cancelled
    assert not search.proven


def test_a_bound_is_kept_without_a_plan() -> None:
    search = searched(hard(), work_s=0.001)
    assert search.best is None
    assert (search.bound or 0) > 500


def test_two_workers_prove_the_same() -> None:
    assert optimum(searched(topcuoglu(), CpSat(workers=2))) == 73


def test_a_member_that_takes_turns_lets_others_work_between_slices() -> None:
    search = Search(arrays(hard()), lambda: 0.0, work=0.6 * WORK_PER_S)
    turns: list[float] = []
    cp_sat(search.part(turn=turns.append), 0)
    expect_sound(hard(), search)
    assert len(turns) > 5
    assert max(turns) <= 0.05 * WORK_PER_S


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(
    p=problems(deadlines=True),
    objective=st.sampled_from(Objective),
)
def test_every_problem_is_solved_or_refuted(p: Problem, objective: Objective) -> None:
    search = searched(p, cp_sat, objective)
    assert search.infeasible != search.proven


def test_an_answer_that_is_not_in_the_table_raises() -> None:
    with pytest.raises(UnmappedStatus, match=r"one of OPTIMAL, .*; got MODEL_INVALID$"):
        status_of(cp_model.MODEL_INVALID)


def test_only_an_invalid_model_is_not_in_the_table() -> None:
    answers = [cp_model.OPTIMAL, cp_model.FEASIBLE, cp_model.INFEASIBLE, cp_model.UNKNOWN]
    assert [status_of(answer).value for answer in answers] == [
        "optimal",
        "feasible",
        "infeasible",
        "limit",
    ]
