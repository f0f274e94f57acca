"""Each way to spoil a good schedule is caught, and by its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.model.checker import ViolationKind, check
from scheduler.model.problem import Problem, Progress
from scheduler.model.schedule import Assignment, Schedule
from tests.builders import (
    all_links,
    job,
    link,
    machine,
    mode,
    operation,
    problem,
    resource,
    schedule,
)

MACHINES = [
    machine("a", memory_bytes=100, unavailable=[(50, 60)]),
    machine("b"),
    machine("far"),
]


def plant() -> Problem:
    """Two chained operations, colocated, and a third on its own; `far` is joined to nothing."""
    return problem(
        [
            operation("x", modes=[mode("a", 10), mode("b", 5), mode("a", 9, peak_bytes=101)]),
            operation("y", modes=[mode("a", 10, duration_p95_us=20), mode("b", 5), mode("far", 1)]),
            operation("z", job="late", durations={"a": 10}, colocation="g"),
            operation("w", job="late", durations={"a": 10, "b": 10}, colocation="g"),
            operation("ran", progress=Progress(mode=0, start_us=0), durations={"a": 4}),
        ],
        machines=MACHINES,
        jobs=[job("j0", deadline_us=45), job("late", release_us=30)],
        edges=[("x", "y", 3)],
        links=[link("a", "b", 1, 1_000_000), link("b", "a", 1, 1_000_000)],
        now_us=5,
    )


GOOD = {"x": (0, 5), "y": (0, 15), "z": (0, 30), "w": (0, 40), "ran": (0, 0)}


def placed(**changes: tuple[int, int]) -> Schedule:
    """The good schedule with changes; the running operation lasts until the present."""
    made = schedule(plant(), {**GOOD, **changes})
    return edited("ran", end_us=5, base=made)


def edited(name: str, *, base: Schedule | None = None, **fields: Any) -> Schedule:
    base = placed() if base is None else base
    changed = (replace(a, **fields) if a.operation == name else a for a in base)
    return Schedule(assignments=tuple(changed))


def without(name: str) -> Schedule:
    return Schedule(assignments=tuple(a for a in placed() if a.operation != name))


def with_more(name: str, like: str) -> Schedule:
    extra: Assignment = replace(placed()[like], operation=name)
    return Schedule(assignments=(*placed(), extra))


MUTATIONS: list[tuple[ViolationKind, str, Callable[[], Schedule]]] = [
    (ViolationKind.MISSING, "x", lambda: without("x")),
    (ViolationKind.DUPLICATE, "x", lambda: with_more("x", "x")),
    (ViolationKind.UNKNOWN, "ghost", lambda: with_more("ghost", "x")),
    (ViolationKind.MODE, "x", lambda: edited("x", mode=7)),
    (ViolationKind.MODE, "x", lambda: edited("x", machine="b")),
    (ViolationKind.PROGRESS, "ran", lambda: edited("ran", start_us=1)),
    (ViolationKind.DURATION, "ran", lambda: edited("ran", end_us=4)),
    (ViolationKind.DURATION, "x", lambda: edited("x", end_us=14)),
    (ViolationKind.PRECEDENCE, "y", lambda: placed(y=(1, 18))),
    (ViolationKind.CONNECTIVITY, "y", lambda: placed(y=(2, 40))),
    (ViolationKind.OVERLAP, "w", lambda: placed(w=(0, 39))),
    (ViolationKind.OVERLAP, "x", lambda: edited("ran", end_us=6)),
    (ViolationKind.WINDOW, "w", lambda: placed(w=(0, 41))),
    (ViolationKind.WINDOW, "w", lambda: placed(w=(0, 59))),
    (ViolationKind.RELEASE, "z", lambda: placed(z=(0, 29))),
    (ViolationKind.PAST, "x", lambda: placed(x=(1, 4))),
    (ViolationKind.DEADLINE, "y", lambda: placed(y=(0, 26), z=(0, 60), w=(0, 70))),
    (ViolationKind.COLOCATION, "w", lambda: placed(w=(1, 40))),
    (ViolationKind.MEMORY, "x", lambda: placed(x=(2, 5))),
]


@pytest.mark.parametrize(("kind", "operation", "mutant"), MUTATIONS)
def test_each_mutation_is_caught_by_its_name(
    kind: ViolationKind, operation: str, mutant: Callable[[], Schedule]
) -> None:
    assert (kind, operation) in [(v.kind, v.operation) for v in check(plant(), mutant())]


def test_the_schedule_that_is_mutated_is_good() -> None:
    assert check(plant(), placed()) == []


def test_a_window_may_be_touched_at_both_ends() -> None:
    assert check(plant(), placed(w=(0, 60))) == []


def test_a_deadline_is_kept_by_the_95th_percentile_not_by_the_median() -> None:
    # y takes 10 but may take 20: from 25 it keeps the deadline at 45, from 26 it does not.
    assert check(plant(), placed(y=(0, 25), z=(0, 35), w=(0, 60))) == []


def test_transfers_count_from_the_end_of_the_source() -> None:
    lanes = [machine("a"), machine("b")]
    two = problem(
        [operation("x", durations={"a": 2}), operation("y", durations={"b": 2})],
        edges=[("x", "y", 3)],
        links=all_links(lanes),
    )
    assert check(two, schedule(two, {"x": (0, 0), "y": (0, 5)})) == []
    assert [v.kind for v in check(two, schedule(two, {"x": (0, 0), "y": (0, 4)}))] == [
        ViolationKind.PRECEDENCE
    ]


def test_what_has_ended_is_not_judged_by_rules_that_nobody_can_mend() -> None:
    past = problem(
        [
            operation("x", progress=Progress(mode=0, start_us=0, end_us=9)),
            operation("y", progress=Progress(mode=0, start_us=8, end_us=12)),
        ],
        jobs=[job(release_us=3)],
        machines=[machine(unavailable=[(4, 6)])],
        edges=[("x", "y")],
        now_us=20,
    )
    made = Schedule(
        assignments=(
            Assignment(operation="x", mode=0, machine="m0", start_us=0, end_us=9),
            Assignment(operation="y", mode=0, machine="m0", start_us=8, end_us=12),
        )
    )
    assert check(past, made) == []


def kinds(problem: Problem, placed: dict[str, tuple[int, int]]) -> list[tuple[str, str]]:
    return [(v.kind.value, v.operation) for v in check(problem, schedule(problem, placed))]


def sessions(**fields: Any) -> Problem:
    """Two operations of family f and one of g, each 2 us after a setup of 3."""
    names = {"a": "f", "b": "f", "c": "g"}
    ops = [
        operation(name, modes=[mode(duration_us=2, family=family, setup_us=3)])
        for name, family in names.items()
    ]
    return problem(ops, machines=[machine(**fields)], now_us=1)


def test_a_session_is_loaded_once_for_operations_in_a_row() -> None:
    good = {"a": (0, 4), "b": (0, 6), "c": (0, 11)}
    assert kinds(sessions(), good) == []
    assert kinds(sessions(), good | {"a": (0, 3)}) == [("setup", "a")]  # begins in the past
    assert kinds(sessions(), good | {"c": (0, 10)}) == [("setup", "c")]  # b still runs
    # After c, the machine has lost f.
    assert kinds(sessions(), good | {"b": (0, 15)}) == [("setup", "b")]
    assert kinds(sessions(), good | {"b": (0, 16)}) == []


def test_a_machine_can_begin_with_a_session() -> None:
    assert kinds(sessions(family="f"), {"a": (0, 1), "b": (0, 3), "c": (0, 8)}) == []
    assert kinds(sessions(family="g"), {"c": (0, 1), "a": (0, 5), "b": (0, 8)}) == [("setup", "a")]


def test_a_machine_that_keeps_setups_loads_each_session_once() -> None:
    keeps = sessions(keeps_setups=True)
    # f before a, g before c, and f is still there for b.
    assert kinds(keeps, {"a": (0, 4), "c": (0, 9), "b": (0, 11)}) == []
    assert kinds(keeps, {"a": (0, 4), "c": (0, 8), "b": (0, 11)}) == [("setup", "c")]
    # The first operation loads it, whichever it is.
    assert kinds(keeps, {"b": (0, 4), "c": (0, 9), "a": (0, 11)}) == []
    assert kinds(keeps, {"b": (0, 3), "c": (0, 9), "a": (0, 11)}) == [("setup", "b")]


def test_a_machine_that_keeps_setups_can_begin_with_several() -> None:
    placed = {"a": (0, 1), "c": (0, 3), "b": (0, 5)}
    assert kinds(sessions(keeps_setups=True, kept=("f", "g")), placed) == []
    assert kinds(sessions(keeps_setups=True, family="g", kept=("f",)), placed) == []
    assert kinds(sessions(keeps_setups=True, kept=("f",)), placed) == [("setup", "c")]


def test_what_has_ended_leaves_its_session_on_a_machine_that_keeps_setups() -> None:
    one = mode(duration_us=2, family="f", setup_us=3)
    ops = [
        operation("ran", modes=[one], progress=Progress(mode=0, start_us=0, end_us=2)),
        operation("other", modes=[mode(family="g")], progress=Progress(mode=0, start_us=2)),
        operation("warm", modes=[one]),
    ]
    p = problem(ops, machines=[machine(keeps_setups=True)], now_us=3)
    assert kinds(p, {"ran": (0, 0), "other": (0, 2), "warm": (0, 3)}) == []


def test_no_session_is_loaded_within_a_window() -> None:
    closed = sessions(unavailable=[(8, 9)])
    placed = {"a": (0, 4), "b": (0, 6), "c": (0, 11)}
    assert kinds(closed, placed) == [("setup", "c")]
    assert kinds(closed, placed | {"c": (0, 12)}) == []


def test_what_runs_keeps_its_session_on_the_machine() -> None:
    ops = [
        operation(
            "ran", modes=[mode(duration_us=9, family="f")], progress=Progress(mode=0, start_us=0)
        ),
        operation("warm", modes=[mode(family="f", setup_us=3)]),
    ]
    assert kinds(problem(ops), {"ran": (0, 0), "warm": (0, 9)}) == []


def test_sessions_stay_resident_once_per_family_and_each_without_one_holds_its_own() -> None:
    ops = [
        operation("a", modes=[mode(family="f", resident_bytes=3, peak_bytes=5)]),
        operation("b", modes=[mode(family="f", resident_bytes=4, peak_bytes=5)]),
        operation("c", modes=[mode(resident_bytes=2)]),
        operation("d", modes=[mode(resident_bytes=2, peak_bytes=4)]),
    ]
    placed = {name: (0, i) for i, name in enumerate("abcd")}
    # max(3, 4) + 2 + 2 stay; a and d need two more at their peak, b one.
    for limit, over in ((10, []), (9, ["a", "d"]), (8, ["a", "b", "d"]), (7, ["a", "b", "c", "d"])):
        full = problem(ops, machines=[machine(memory_bytes=limit)])
        assert kinds(full, placed) == [("memory", name) for name in over]


def cores(*started: str) -> Problem:
    """Three operations of 4 us on a shared machine with two cores; those that have started run."""
    ops = [
        operation(
            name,
            modes=[mode(duration_us=4, demands={"cores": amount})],
            progress=Progress(mode=0, start_us=0) if name in started else None,
        )
        for name, amount in {"a": 1, "b": 1, "c": 2}.items()
    ]
    shared = [machine(exclusive=False)]
    return problem(ops, machines=shared, resources=[resource("cores", 2)])


def test_a_shared_machine_runs_what_its_resources_allow() -> None:
    assert kinds(cores(), {"a": (0, 0), "b": (0, 1), "c": (0, 5)}) == []
    assert kinds(cores(), {"a": (0, 0), "b": (0, 2), "c": (0, 5)}) == [("resource", "c")]
    assert kinds(cores(), {"c": (0, 0), "b": (0, 3), "a": (0, 4)}) == [("resource", "b")]


def test_too_much_that_runs_already_is_nobodys_fault_but_nothing_joins_it() -> None:
    running = cores("a", "c")
    assert kinds(running, {"a": (0, 0), "c": (0, 0), "b": (0, 4)}) == []
    assert kinds(running, {"a": (0, 0), "c": (0, 0), "b": (0, 3)}) == [("resource", "b")]


def test_a_budget_counts_all_operations_also_those_that_have_ended() -> None:
    ops = [
        operation("ran", progress=Progress(mode=0, start_us=0, end_us=1)),
        operation("a"),
        operation("b"),
    ]
    modes = (mode(demands={"joules": 2}), mode(demands={"joules": 1}))
    for capacity, over in (
        (5, []),
        (4, [("budget", "b")]),
        (1, [("budget", "a"), ("budget", "b")]),
    ):
        spending = problem(
            [replace(op, modes=modes) for op in ops],
            resources=[resource("joules", capacity, renewable=False)],
            now_us=1,
        )
        assert kinds(spending, {"ran": (0, 0), "a": (0, 1), "b": (1, 2)}) == over
