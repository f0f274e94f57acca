"""Large numbers: times of the epoch, weights of thousands, sums beyond what a float tells apart."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.model.errors import InvalidProblem
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.objectives import Objective, evaluate
from scheduler.model.problem import Job, Mode, Problem, Progress, Window
from scheduler.model.schedule import Limits, Status
from scheduler.portfolio import SearchProgress, solve
from scheduler.solvers.exact.engine import whole
from tests.builders import all_links, job, machine, mode, operation, problem

EPOCH_US = 1_764_500_000_000_000
BRIEF = Limits(time_s=20, deterministic_s=0.05)


def pair(weight: int, **dates: int) -> Problem:
    """Two jobs of one weight on one machine, 3 us and 1 us."""
    ops = [operation(n, job=n, durations={"m0": us}) for n, us in (("a", 3), ("b", 1))]
    return problem(ops, jobs=[job(n, weight=weight, **dates) for n in "ab"], now_us=EPOCH_US)


@pytest.mark.parametrize("weight", [1, 5_000, 5_300, 1_000_000, 10**12])
@pytest.mark.parametrize("name", ["auto", "cp_sat", "milp", "tabu_search", "simulated_annealing"])
def test_a_weight_times_a_time_of_the_epoch_is_what_it_is(name: str, weight: int) -> None:
    p = pair(weight)
    found = solve(p, name, BRIEF, objective=Objective.WEIGHTED_COMPLETION)
    best = weight * (2 * EPOCH_US + 5)
    assert found.value == best
    assert found.bound is not None
    assert weight * (2 * EPOCH_US + 4) <= found.bound <= best
    assert found.schedule is not None
    assert evaluate(p, found.schedule, Objective.WEIGHTED_COMPLETION) == best
    assert found.trace[-1].value == best


@pytest.mark.parametrize("objective", [o for o in Objective if o is not Objective.DEADLINE_MISSES])
def test_values_and_bounds_that_are_told_on_the_way_have_their_origin(objective: Objective) -> None:
    told: list[SearchProgress] = []
    found = solve(
        pair(5_300, due_us=EPOCH_US + 1), "cp_sat", BRIEF, objective=objective, listener=told.append
    )
    assert found.status is Status.OPTIMAL
    assert (told[-1].value, told[-1].bound) == (found.value, found.bound)


def test_history_of_the_epoch_stays_where_it_was() -> None:
    ran, runs = (
        Progress(mode=0, start_us=EPOCH_US - 9, end_us=EPOCH_US - 5),
        Progress(mode=0, start_us=EPOCH_US - 4),
    )
    p = problem(
        [
            operation("ran", durations={"m0": 4}, progress=ran),
            operation("runs", durations={"m0": 6}, progress=runs),
            operation("next", durations={"m0": 2}),
        ],
        machines=[machine(unavailable=[(0, 5), (EPOCH_US - 7, EPOCH_US + 3)])],
        edges=[("ran", "next")],
        now_us=EPOCH_US,
    )
    found = solve(p, "auto", BRIEF)
    assert (found.status, found.value) == (Status.OPTIMAL, EPOCH_US + 5)
    assert found.schedule is not None
    assert found.schedule["ran"].start_us == EPOCH_US - 9


def test_sums_that_no_float_tells_apart_are_proven_to_the_last_unit() -> None:
    # Beyond 2**53 the bound of CP-SAT as a float is one too high.
    ops = [operation(n, job=j) for n, j in (("x", "b"), ("y", "a"), ("z", "a"))]
    jobs = [Job(id="a", due_us=4_503_599_627_369_995), Job(id="b", due_us=0)]
    p = problem(ops, jobs=jobs, now_us=MAX_INTEGER - 1_000)
    found = solve(p, "cp_sat", BRIEF, objective=Objective.WEIGHTED_TARDINESS)
    best = 2 * (MAX_INTEGER - 1_000) - 4_503_599_627_369_995 + 4
    assert (found.status, found.value, found.bound) == (Status.OPTIMAL, best, best)


@pytest.mark.parametrize("bound", [2.0**52, 2.0**53 + 2, 2.0**60, -(2.0**53)])
def test_a_bound_that_is_a_coarse_float_is_rounded_to_the_safe_side(bound: float) -> None:
    assert int(bound) - 2**9 < whole(bound) < int(bound)


def test_a_bound_that_is_a_fine_float_is_rounded_up_to_a_whole_number() -> None:
    assert [whole(bound) for bound in (2.5, 3.0, 3.0001, -6.5)] == [3, 3, 3, -6]


def test_weights_that_no_search_could_add_up_are_refused_by_name() -> None:
    p = pair(MAX_INTEGER, due_us=0)
    with pytest.raises(InvalidProblem, match=r"jobs\[0\]\.weight times the longest .* <= 2\*\*61"):
        solve(p, "auto", BRIEF, objective=Objective.WEIGHTED_TARDINESS)
    assert solve(p, "auto", BRIEF).value == EPOCH_US + 4


@pytest.mark.parametrize(
    ("huge", "field"),
    [
        (mode(energy_uj=MAX_INTEGER), r"modes\[\]\.energy_uj in sum"),
        (mode(resident_bytes=MAX_INTEGER), r"modes\[\]\.resident_bytes in sum"),
        (mode(duration_us=MAX_INTEGER), "operations must take at most"),
    ],
)
def test_other_sums_beyond_64_bits_are_refused_too(huge: Mode, field: str) -> None:
    ops = [operation(f"o{i}", modes=[huge]) for i in range(300)]
    with pytest.raises(InvalidProblem, match=field):
        solve(problem(ops), "heft", BRIEF, objective=Objective.ENERGY)


def test_without_a_plan_a_search_that_ended_at_once_proves_nothing_of_negative_values() -> None:
    # The engine says that its bound is 0 where it has none.
    p = problem(jobs=[job(due_us=50)], operations=[operation(durations={"m0": 4})])
    found = solve(
        p, "cp_sat", Limits(time_s=20, deterministic_s=1e-9), objective=Objective.MAX_LATENESS
    )
    assert found.bound is None or found.bound <= -46


def test_windows_before_the_origin_are_over() -> None:
    p = replace(pair(1), machines=(machine(unavailable=[(0, 4), (6, 9)]),))
    assert isinstance(p.machines[0].unavailable[0], Window)
    assert solve(p, "auto", BRIEF).value == EPOCH_US + 4


def test_a_job_without_operations_is_never_late() -> None:
    jobs = [job("j0"), job("idle", due_us=0)]
    p = problem(jobs=[replace(jobs[0], due_us=9), jobs[1]], now_us=4)
    for name in ("auto", "heft", "cp_sat", "milp"):
        found = solve(p, name, BRIEF, objective=Objective.WEIGHTED_TARDINESS)
        assert (found.value, found.bound) == (0, 0)


def test_a_transfer_that_takes_longer_than_any_time_is_refused_by_name() -> None:
    lanes = [machine("a"), machine("b")]
    p = problem(
        [operation("x", durations={"a": 1}), operation("y", durations={"b": 1})],
        machines=lanes,
        edges=[("x", "y", MAX_INTEGER)],
        links=all_links(lanes, bandwidth_bytes_per_s=1),
    )
    with pytest.raises(InvalidProblem, match=r"edges\[0\]\.size_bytes must take at most"):
        solve(p, "heft")
