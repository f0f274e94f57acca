"""History binds open operations only by the machine, resources and memory that it takes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scheduler.model.checker import check
from scheduler.model.objectives import Objective
from scheduler.model.problem import Mode, Operation, Problem, Progress
from scheduler.model.schedule import Limits, Result, Status
from scheduler.portfolio import names, solve
from scheduler.solvers import registry
from scheduler.solvers.features import features
from scheduler.solvers.translating import arrays
from tests.builders import machine, mode, operation, problem, resource

COMPLETION = Objective.WEIGHTED_COMPLETION
BRIEF = Limits(time_s=20, deterministic_s=0.02)


def able(p: Problem) -> list[str]:
    """Names of everything that takes into account what the problem has."""
    needed = features(arrays(p))
    return [n for n in names() if n == "auto" or needed <= registry.entry(n).features]


def answers(p: Problem, objective: Objective) -> dict[str, Result]:
    return {name: solve(p, name, BRIEF, objective=objective) for name in able(p)}


def began(start_us: int, end_us: int | None = None) -> Progress:
    return Progress(mode=0, start_us=start_us, end_us=end_us)


def beside(*history: Operation, now_us: int, modes: list[Mode] | None = None) -> Problem:
    """History, and two operations of 1 us that are to come, on one machine."""
    modes = [mode()] if modes is None else modes
    ahead = [operation(name, modes=modes) for name in ("next1", "next2")]
    return problem([*history, *ahead], now_us=now_us)


OVERLAPPING = {
    "ended began after the running one": beside(
        operation("running", durations={"m0": 10}, progress=began(4)),
        operation("ended", durations={"m0": 5}, progress=began(5, 6)),
        now_us=6,
    ),
    "both began together": beside(
        operation("ended", durations={"m0": 5}, progress=began(4, 4)),
        operation("running", durations={"m0": 10}, progress=began(4)),
        now_us=6,
    ),
    "what ended last began first": beside(
        operation("long", durations={"m0": 5}, progress=began(0, 14)),
        operation("short", durations={"m0": 5}, progress=began(5, 6)),
        now_us=14,
    ),
}


@pytest.mark.parametrize("p", OVERLAPPING.values(), ids=OVERLAPPING)
def test_a_machine_is_free_when_the_last_of_its_overlapping_history_has_ended(p: Problem) -> None:
    found = answers(p, COMPLETION)
    assert {name: result.value for name, result in found.items()} == dict.fromkeys(found, 16)


def test_of_two_that_began_together_the_one_that_ends_later_leaves_its_session() -> None:
    warm, other = (mode(family=name, setup_us=9) for name in "fg")
    p = beside(
        operation("running", modes=[replace(warm, duration_us=10)], progress=began(0)),
        operation("ended", modes=[other], progress=began(0, 1)),
        now_us=6,
        modes=[warm],
    )
    found = answers(p, Objective.MAKESPAN)
    assert {name: result.value for name, result in found.items()} == dict.fromkeys(found, 12)


@pytest.mark.parametrize("renewable", [True, False])
def test_more_than_there_was_costs_nothing_to_those_who_need_none_of_it(renewable: bool) -> None:
    taken = [mode("m1", 9, demands={"r": 3})]
    p = problem(
        [
            operation("running", modes=taken, progress=began(0)),
            operation("a", modes=[mode(demands={"r": 0})]),
            operation("b", modes=[mode(), mode(demands={"r": 1})]),
        ],
        machines=[machine("m0"), machine("m1")],
        resources=[resource("r", 2, renewable=renewable)],
    )
    found = answers(p, COMPLETION)
    assert {name: result.value for name, result in found.items()} == dict.fromkeys(found, 9)
    completions = {
        n: max(r.schedule[o].end_us for o in "ab") for n, r in found.items() if r.schedule
    }
    assert completions == dict.fromkeys(found, 2)


def test_who_needs_what_is_overspent_has_no_plan() -> None:
    p = problem(
        [
            operation("ran", modes=[mode(demands={"r": 3})], progress=began(0, 1)),
            operation("a", modes=[mode(demands={"r": 1})]),
        ],
        resources=[resource("r", 2, renewable=False)],
        now_us=1,
    )
    assert solve(p, "cp_sat", BRIEF).status is Status.INFEASIBLE


def test_what_runs_may_need_more_memory_than_there_is_as_long_as_it_fits_who_joins() -> None:
    p = problem(
        [
            operation("running", modes=[mode(duration_us=4, peak_bytes=9)], progress=began(0)),
            operation("a", modes=[mode(peak_bytes=7)]),
        ],
        machines=[machine(memory_bytes=7)],
    )
    found = answers(p, Objective.MAKESPAN)
    assert {name: result.value for name, result in found.items()} == dict.fromkeys(found, 5)
    assert all(r.schedule is not None and not check(p, r.schedule) for r in found.values())
