"""The portfolio: judged schedules, strict bands, bounds that are kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from hypothesis import given, settings

from scheduler import portfolio
from scheduler.model.checker import check
from scheduler.model.errors import InvalidSchedule, UnknownName
from scheduler.model.ports import Solver
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Limits, Result, Schedule, Status
from scheduler.portfolio import SOLVED, solve
from scheduler.solvers import registry
from tests.builders import chain, job, machine, operation, problem
from tests.builders import schedule as schedule_of
from tests.scheduler.solvers.published import arabnejad, topcuoglu
from tests.scheduler.strategies import problems

LIMITS = Limits(time_s=60, deterministic_s=2)


def one_band(p: Problem) -> Problem:
    return replace(p, jobs=tuple(replace(j, band=Band.NORMAL) for j in p.jobs))


@pytest.mark.parametrize(("build", "optimum"), [(topcuoglu, 73), (arabnejad, 113)])
def test_auto_proves_the_optimum_of_small_problems(
    build: Callable[[], Problem], optimum: int
) -> None:
    result = solve(build(), limits=LIMITS)
    assert (result.status, result.value, result.gap) == (Status.OPTIMAL, optimum, 0)


def test_a_heuristic_that_meets_the_bound_needs_no_search() -> None:
    result = solve(chain(3, 4), limits=Limits(time_s=0))
    assert (result.status, result.solver, result.value) == (Status.OPTIMAL, "heft", 7)


def test_without_time_the_heuristic_schedule_and_the_bound_are_left() -> None:
    result = solve(topcuoglu(), limits=Limits(time_s=0))
    assert (result.status, result.solver, result.value) == (Status.FEASIBLE, "heft", 80)
    assert result.bound is not None
    assert 0 < result.bound <= 73


@settings(max_examples=40)
@given(problems())
def test_auto_is_feasible_reproducible_and_no_worse_than_a_heuristic(p: Problem) -> None:
    result = solve(p, limits=LIMITS)
    assert result.status in SOLVED
    assert result.schedule is not None
    assert check(p, result.schedule) == []
    assert solve(p, limits=LIMITS).schedule == result.schedule
    same = one_band(p)
    value = solve(same, limits=LIMITS).value
    assert value is not None
    assert all(value <= (solve(same, name).value or 0) for name in portfolio.HEURISTICS)


@settings(max_examples=40)
@given(problems())
def test_lower_bands_do_not_cost_the_highest_band_anything(p: Problem) -> None:
    result = solve(p, limits=LIMITS)
    assert result.schedule is not None
    bands = {o.id: p.job(o.job).band for o in p.operations}
    top = min(bands.values(), default=Band.NORMAL)
    # What a top operation waits for is as urgent; what runs already is a fact for all.
    kept = {n for n, band in bands.items() if band == top or p.operation(n).progress}
    for edge in reversed(sorted(p.edges, key=lambda e: e.target)):
        kept |= {edge.source} if edge.target in kept else set()
    groups = {p.operation(n).colocation for n in kept} - {""}
    if any(o.colocation in groups and o.id not in kept for o in p.operations):
        return
    alone = replace(
        p,
        operations=tuple(o for o in p.operations if o.id in kept),
        edges=tuple(e for e in p.edges if e.source in kept and e.target in kept),
    )
    best = solve(one_band(alone), limits=LIMITS).value
    assert max(result.schedule[name].end_us for name in kept) == best


def test_a_band_is_planned_around_what_runs_in_a_lower_one() -> None:
    ran = operation("ran", job="low", durations={"m0": 9}, progress=Progress(mode=0, start_us=0))
    p = problem(
        [ran, operation("urgent", job="high"), operation("later", job="low")],
        jobs=[job("low", band=Band.BACKGROUND), job("high", band=Band.CRITICAL)],
        now_us=2,
    )
    result = solve(p, limits=LIMITS)
    assert result.schedule is not None
    assert [a.start_us for a in result.schedule] == [0, 9, 10]


def test_search_does_not_leave_operations_waiting_for_nothing() -> None:
    # The chain fixes the makespan; the single operation could start anywhere below it.
    p = problem(
        [
            *(operation(f"o{i}", durations={"a": 3, "b": 2}) for i in range(5)),
            operation("free", durations={"c": 1}),
        ],
        edges=[("o0", "o2"), ("o1", "o2")],
    )
    result = solve(p, limits=LIMITS)
    assert result.schedule is not None
    assert result.schedule["free"].start_us == 0


def test_a_missed_deadline_is_never_called_feasible() -> None:
    late = replace(chain(5), jobs=(job(deadline_us=4),))
    assert solve(late, "heft").status is Status.LIMIT
    assert solve(late, "heft").schedule is not None
    assert solve(late, limits=LIMITS).status is Status.INFEASIBLE
    assert solve(late, limits=Limits(time_s=0)).status is not Status.FEASIBLE


def test_search_finds_the_schedule_that_keeps_a_deadline_which_heuristics_miss() -> None:
    p = problem(
        [operation("long", job="a", durations={"m0": 9}), operation("short", job="b")],
        jobs=[job("a"), job("b", deadline_us=2)],
    )
    result = solve(p, limits=LIMITS)
    assert result.status is Status.OPTIMAL
    assert result.schedule is not None
    assert check(p, result.schedule) == []


def test_a_late_lower_band_leaves_the_schedule_with_the_status_limit() -> None:
    p = problem(
        [operation("high", job="high", durations={"m0": 5}), operation("low", job="low")],
        jobs=[job("high", band=Band.HIGH), job("low", band=Band.NORMAL, deadline_us=3)],
    )
    result = solve(p, limits=LIMITS)
    assert result.status is Status.LIMIT
    assert result.schedule is not None
    assert result.schedule["high"].start_us == 0


def test_a_group_across_bands_stays_together() -> None:
    p = problem(
        [
            operation("x", job="high", durations={"a": 1, "b": 2}, colocation="g"),
            operation("y", job="low", durations={"b": 1}, colocation="g"),
        ],
        jobs=[job("high", band=Band.HIGH), job("low", band=Band.NORMAL)],
        machines=[machine("a"), machine("b")],
    )
    assert solve(p, limits=LIMITS).status in SOLVED


def test_an_unknown_solver_is_refused_with_the_choices() -> None:
    with pytest.raises(UnknownName, match="one of auto, cp_sat, fastest_machine, heft; got 'x'"):
        solve(chain(1), "x")


def answering(value: int, bound: int, start_us: int) -> Solver:
    """A solver that answers a chain of one with the same thing every time."""

    def answer(problem: Problem, limits: Limits, seed: int) -> Result:
        made: Schedule = schedule_of(problem, {"o0": (0, start_us)})
        return Result(status=Status.FEASIBLE, solver="odd", schedule=made, value=value, bound=bound)

    return answer


def test_a_schedule_that_the_checker_refuses_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "solver", lambda name: answering(5, 5, start_us=0))
    with pytest.raises(InvalidSchedule, match="starts at 0 us, before the present at 3"):
        solve(replace(chain(5), now_us=3), "heft")


def test_a_bound_above_the_value_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "solver", lambda name: answering(5, 6, start_us=0))
    with pytest.raises(InvalidSchedule, match="bound of 'odd' must be <= 5; got 6"):
        solve(chain(5), "heft")
