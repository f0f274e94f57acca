"""Warm start: planned operations stay, new ones find their place."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.model.checker import check
from scheduler.model.problem import Band, Problem, Progress
from scheduler.model.schedule import Limits, Schedule, Status
from scheduler.portfolio import placer, solve
from scheduler.portfolio.carrying import carried_over
from scheduler.solvers.translating import arrays, schedule_of
from tests.builders import job, machine, mode, operation, problem
from tests.builders import schedule as schedule_from


def carried(p: Problem, plan: Schedule) -> Schedule:
    form = arrays(p)
    solution = carried_over(p, form, plan)
    assert solution is not None
    made = schedule_of(p, form, solution)
    assert check(p, made) == []
    return made


def pair() -> Problem:
    return problem(
        [operation(name, durations={"a": 4, "b": 6}) for name in ("x", "y")],
        machines=[machine("a"), machine("b")],
    )


def test_modes_and_order_stay_and_start_as_early_as_they_can() -> None:
    plan = schedule_from(pair(), {"x": (0, 14), "y": (0, 10)})
    made = carried(replace(pair(), now_us=3), plan)
    assert [(a.mode, a.start_us) for a in made] == [(0, 7), (0, 3)]


def test_what_is_new_ends_first_without_delaying_what_was_there() -> None:
    old = pair()
    plan = schedule_from(old, {"x": (0, 0), "y": (0, 4)})
    new = operation("new", durations={"a": 4, "b": 6})
    made = carried(replace(old, operations=(new, *old.operations)), plan)
    assert made["new"].machine == "b"
    assert (made["x"].start_us, made["y"].start_us) == (0, 4)


def test_a_more_urgent_arrival_goes_first() -> None:
    old = problem([operation("x", durations={"a": 4})], jobs=[job(), job("urgent", band=Band.HIGH)])
    plan = schedule_from(old, {"x": (0, 0)})
    new = operation("new", job="urgent", durations={"a": 3})
    made = carried(replace(old, operations=(*old.operations, new)), plan)
    assert (made["new"].start_us, made["x"].start_us) == (0, 3)


def test_what_runs_or_has_gone_or_lost_its_mode_is_no_obstacle() -> None:
    plan = schedule_from(pair(), {"x": (0, 0), "y": (1, 0)})
    running = replace(pair().operations[0], progress=Progress(mode=1, start_us=0))
    later = problem(
        [running, operation("y", durations={"a": 4}), operation("z", durations={"a": 1})],
        machines=[machine("a"), machine("b")],
        edges=[("y", "z")],
    )
    made = carried(later, plan)
    assert [(a.machine, a.start_us) for a in made] == [("b", 0), ("a", 0), ("a", 4)]


def test_a_warm_start_is_the_first_plan_of_a_search() -> None:
    p = problem(
        [
            operation(name, durations={"a": us, "b": us})
            for name, us in zip("vwxyz", (3, 3, 2, 2, 2), strict=True)
        ]
    )
    plan = schedule_from(p, {"v": (0, 0), "w": (0, 3), "x": (1, 0), "y": (1, 2), "z": (1, 4)})
    result = solve(p, "heft", Limits(time_s=0), warm_start=plan)
    assert (result.value, result.found_by) == (6, "warm_start")
    assert (placer("heft")(p, Limits(), 0).value or 0) > 6


@pytest.mark.parametrize("ids", ["ab", "ba", "b", "abc"])
@pytest.mark.parametrize("name", ["auto", "heft", "cp_sat", "simulated_annealing"])
def test_a_plan_to_begin_with_is_no_plan_where_an_operation_fits_nowhere(
    name: str, ids: str
) -> None:
    roomy = problem(
        [operation(i, modes=[mode(peak_bytes=9 if i == "b" else 0)]) for i in ids],
        machines=[machine()],
    )
    plan = solve(roomy, "heft").schedule
    tight = replace(roomy, machines=(machine(memory_bytes=7),))
    found = solve(tight, name, warm_start=plan)
    assert (found.status, found.schedule) == (Status.INFEASIBLE, None)
