"""The portfolio: judged schedules, strict bands, bounds that are kept, limits that hold."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from threading import Timer

import numpy as np
import pytest
from hypothesis import Phase, given, settings

from scheduler.instances import parse
from scheduler.model.checker import check
from scheduler.model.errors import Defect, InvalidInput, InvalidSchedule, UnknownName
from scheduler.model.objectives import Objective
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Limits, Status
from scheduler.portfolio import SOLVED, Cancellation, SearchProgress, judging, names, placers, solve
from scheduler.solvers import registry
from scheduler.solvers.arrays import Solution
from scheduler.solvers.search import Search
from tests.builders import chain, job, machine, mode, operation, problem
from tests.scheduler.solvers.flexible import flexible
from tests.scheduler.solvers.published import arabnejad, topcuoglu
from tests.scheduler.strategies import problems

LIMITS = Limits(time_s=60, deterministic_s=1)
AMPLE = 1_000_000
REGRESSIONS = Path(__file__).parents[2] / "data" / "regressions"
# No shrinking: a failing example is small already, and engines are slow.
few = settings(max_examples=15, phases=[Phase.explicit, Phase.reuse, Phase.generate])


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
    assert (result.status, result.found_by, result.value) == (Status.OPTIMAL, "heft", 7)


def test_without_time_the_best_heuristic_schedule_and_the_bound_are_left() -> None:
    result = solve(topcuoglu(), limits=Limits(time_s=0))
    assert (result.status, result.solver) == (Status.FEASIBLE, "auto")
    assert result.found_by in placers()
    assert result.value is not None
    assert result.bound is not None
    assert 0 < result.bound <= 73 <= result.value <= 80


def test_auto_is_no_worse_than_any_heuristic_that_it_has_the_time_for() -> None:
    for p in (topcuoglu(), arabnejad()):
        value = solve(p, limits=Limits(time_s=60, deterministic_s=0.02)).value
        assert value is not None
        assert value <= min(solve(p, name).value or 0 for name in placers())


@few
@given(problems())
def test_auto_is_feasible_reproducible_and_no_worse_than_a_heuristic(p: Problem) -> None:
    limits = Limits(time_s=60, deterministic_s=0.02)
    result = solve(p, limits=limits)
    assert result.status in SOLVED
    assert result.schedule is not None
    assert check(p, result.schedule) == []
    assert solve(p, limits=limits).schedule == result.schedule
    same = one_band(p)
    value = solve(same, limits=limits).value
    assert value is not None
    known = [solve(same, name).value for name in placers()]
    assert all(value <= other for other in known if other is not None)


def roomy(p: Problem) -> Problem:
    """Without what may run out: where a lower band would find no room, a higher one gives way."""
    return replace(
        p,
        machines=tuple(replace(machine, memory_bytes=None) for machine in p.machines),
        resources=tuple(
            resource if resource.renewable else replace(resource, capacity=AMPLE)
            for resource in p.resources
        ),
    )


@few
@given(problems().map(roomy))
def test_lower_bands_do_not_cost_the_highest_band_anything(p: Problem) -> None:
    result = solve(p, limits=LIMITS)
    assert result.schedule is not None
    bands = {o.id: p.job(o.job).band for o in p.operations}
    top = min(bands.values(), default=Band.NORMAL)
    # Predecessors of a top operation are as urgent; running operations are a fact for all.
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


def test_higher_band_gives_way_where_its_best_plan_leaves_no_room_for_the_rest() -> None:
    file = REGRESSIONS / "room_for_lower_bands.json"
    p = parse(file.read_bytes(), file.name).problem
    alone = 14

    result = solve(p, limits=LIMITS)

    assert result.schedule is not None
    assert result.schedule["o2"].end_us == alone + 1


@pytest.mark.parametrize("name", ["auto", "heft", "large_neighbourhood", "cp_sat", "genetic"])
def test_a_lower_band_leaves_what_a_higher_one_has_planned_the_memory_it_needs(name: str) -> None:
    # `b` has the gpu for itself: what `a` would keep there, and the peak of `b`, are too much.
    high, elsewhere = mode("gpu", peak_bytes=4), mode("cpu", 9)
    low = mode("gpu", resident_bytes=4, peak_bytes=4)
    jobs = [job("low"), job("high", band=Band.HIGH)]
    lanes = [machine("gpu", memory_bytes=7), machine("cpu")]
    for modes, value in (([low, elsewhere], 9), ([low], None)):
        p = problem(
            [operation("a", job="low", modes=modes), operation("b", job="high", modes=[high])],
            machines=lanes,
            jobs=jobs,
        )
        assert solve(p, name, Limits(time_s=20, deterministic_s=0.02)).value == value


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
    with pytest.raises(UnknownName, match=f"one of {', '.join(names())}; got 'x'"):
        solve(chain(1), "x")


def test_what_is_due_must_be_due_some_time() -> None:
    for objective in (Objective.MAX_LATENESS, Objective.WEIGHTED_TARDINESS):
        with pytest.raises(InvalidInput, match="must have a job with a due date; got none"):
            solve(chain(1), objective=objective)
    with pytest.raises(InvalidInput, match="must have a job with a deadline; got none"):
        solve(chain(1), objective=Objective.DEADLINE_MISSES)


@pytest.mark.parametrize("objective", Objective)
def test_every_objective_can_be_asked_for(objective: Objective) -> None:
    # Due at 2 with weight 5 goes first: the other is then 6 late. The other way round costs 5 x 4.
    two = problem(
        [
            operation("x", job="a", durations={"m0": 4}),
            operation("y", job="b", durations={"m0": 2}),
        ],
        jobs=[job("a", due_us=0), job("b", due_us=2, weight=5, deadline_us=2)],
    )
    result = solve(two, limits=LIMITS, objective=objective)
    best = {"weighted_tardiness": 6, "weighted_completion": 16, "energy": 0, "deadline_misses": 0}
    assert result.status is Status.OPTIMAL
    assert result.value == best.get(objective.value, 6)


def test_a_plan_that_misses_deadlines_is_an_answer_if_misses_are_what_counts() -> None:
    late = replace(chain(5), jobs=(job(deadline_us=4),))
    result = solve(late, limits=LIMITS, objective=Objective.DEADLINE_MISSES)
    assert (result.status, result.value) == (Status.OPTIMAL, 1)


def test_improvements_are_told_and_kept() -> None:
    told: list[SearchProgress] = []
    result = solve(topcuoglu(), limits=LIMITS, listener=told.append)
    assert (told[-1].value, told[-1].bound) == (73, 73)
    assert [point.value for point in result.trace] == sorted(
        {known.value for known in told if known.value is not None}, reverse=True
    )


def hard(jobs: int = 15) -> Problem:
    """A job shop that nobody proves in a second."""
    rng = np.random.default_rng(1)
    steps = range(10)
    found = [
        operation(f"{j}.{k}", job=f"j{j}", durations={f"m{m}": int(rng.integers(1, 99))})
        for j in range(jobs)
        for k, m in zip(steps, rng.permutation(10), strict=True)
    ]
    return problem(
        found, edges=[(f"{j}.{k}", f"{j}.{k + 1}") for j in range(jobs) for k in range(9)]
    )


def test_another_thread_can_end_a_search() -> None:
    cancel = Cancellation()
    Timer(0.2, cancel.cancel).start()
    result = solve(hard(), limits=Limits(time_s=60, workers=2), cancel=cancel)
    assert result.status is Status.CANCELLED
    assert result.schedule is not None


def test_what_is_cancelled_before_it_begins_has_no_plan() -> None:
    cancel = Cancellation()
    cancel.cancel()
    result = solve(hard(), cancel=cancel)
    assert (result.status, result.schedule, result.bound) == (Status.CANCELLED, None, None)


def test_one_worker_counts_work_and_not_time() -> None:
    def slow() -> float:
        return time.monotonic() / 1000

    limits = Limits(time_s=0.1)
    assert solve(hard(), limits=limits, clock=slow).schedule == (
        solve(hard(), limits=limits, clock=slow).schedule
    )


def offering(start_us: Sequence[int], bound: int | None = None) -> registry.Searcher:
    """A solver that offers one plan, whatever it is asked; starts count from the present."""

    def offer(search: Search, seed: int) -> None:
        search.offer(Solution(search.form.mode_first[:-1], np.array(start_us)), "odd")
        if bound is not None:
            search.raise_bound(bound)

    return offer


def test_a_schedule_that_the_checker_refuses_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "solver", lambda name: offering([-3]))
    with pytest.raises(InvalidSchedule, match="starts at 0 us, before the present at 3"):
        solve(replace(chain(5), now_us=3), "heft")


@pytest.mark.parametrize("hasty", [0, 9])
def test_a_plan_is_judged_though_the_search_was_cancelled(
    monkeypatch: pytest.MonkeyPatch, hasty: int
) -> None:
    cancel = Cancellation()

    def offer(search: Search, seed: int) -> None:
        offering([-3])(search, seed)
        cancel.cancel()

    monkeypatch.setattr(registry, "solver", lambda name: offer)
    monkeypatch.setattr(judging, "HASTY", hasty)
    with pytest.raises(InvalidSchedule, match="schedule of 'odd' is refused"):
        solve(replace(chain(5), now_us=3), "heft", cancel=cancel)


def test_a_bound_above_the_value_is_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "solver", lambda name: offering([0], bound=6))
    with pytest.raises(InvalidSchedule, match="bound must be <= 5, the value of 'odd'; got 6"):
        solve(chain(5), "heft")


@pytest.mark.parametrize("band", [Band.NORMAL, Band.HIGH])
def test_an_answer_names_each_member_that_broke_once(
    monkeypatch: pytest.MonkeyPatch, band: Band
) -> None:
    def broken(search: Search, seed: int) -> None:
        raise ZeroDivisionError("no load")

    found = registry.solver
    monkeypatch.setattr(registry, "solver", lambda name: broken if name == "heft" else found(name))
    one, *others = flexible(1).jobs
    asked = replace(flexible(1), jobs=(replace(one, band=band), *others))
    result = solve(asked, limits=Limits(time_s=60, deterministic_s=0.1))
    assert result.schedule is not None
    assert result.broken == ("heft: ZeroDivisionError('no load')",)
    assert solve(asked, "spt").broken == ()


def test_solvers_that_all_break_are_a_defect(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(search: Search, seed: int) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(registry, "solver", lambda name: broken)
    with pytest.raises(Defect, match="every solver failed"):
        solve(chain(5))
