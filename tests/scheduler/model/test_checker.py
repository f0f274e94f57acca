"""Each way to spoil a good schedule is caught, and by its own name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.model.checker import ViolationKind, check
from scheduler.model.problem import Problem, Progress
from scheduler.model.schedule import Assignment, Schedule
from tests.builders import all_links, job, link, machine, mode, operation, problem, schedule

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


def test_every_kind_of_violation_has_a_mutation() -> None:
    assert {kind for kind, _, _ in MUTATIONS} == set(ViolationKind)


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
