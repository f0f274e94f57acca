"""Each law of the problem refuses what breaks it, and says where, which law and what came."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from scheduler.model.errors import InvalidInput, InvalidProblem
from scheduler.model.fields import MAX_INTEGER
from scheduler.model.problem import Demand, Problem, Progress
from scheduler.model.schedule import Limits
from tests.builders import chain, job, link, machine, mode, operation, problem, resource

TWO = [machine("a"), machine("b")]


def with_mode(**fields: Any) -> Problem:
    return problem([operation(modes=[mode(**fields)])])


def with_progress(progress: Progress) -> Problem:
    return problem([operation(progress=progress)], now_us=5)


def with_windows(*windows: tuple[int, int]) -> Problem:
    return problem(machines=[machine(unavailable=windows)])


def with_demands(*demands: tuple[str, int]) -> Problem:
    found = tuple(Demand(resource=name, amount=amount) for name, amount in demands)
    one = replace(mode(), demands=found)
    return problem([operation(modes=[one])], resources=[resource("cores", 2)])


def running(name: str) -> Any:
    return operation(name, progress=Progress(mode=0, start_us=0))


BROKEN: dict[str, Callable[[], object]] = {
    "now_us must be >= 0; got -1": lambda: problem(now_us=-1),
    "now_us must be an integer; got True": lambda: problem(now_us=True),
    "now_us must be an integer; got nan": lambda: problem(now_us=float("nan")),
    f"now_us must be <= {MAX_INTEGER}; got {MAX_INTEGER + 1}": lambda: problem(
        now_us=MAX_INTEGER + 1
    ),
    "machines[1].id must be unique; got 'm0'": lambda: problem(
        machines=[machine("m0"), machine("m0")]
    ),
    "machines[0].id must be a non-empty string; got ''": lambda: problem(machines=[machine("")]),
    "machines[0].memory_bytes must be >= 0; got -1": lambda: problem(
        machines=[machine(memory_bytes=-1)]
    ),
    "machines[0].unavailable[0].end_us must be >= 6; got 5": lambda: with_windows((5, 5)),
    "machines[0].unavailable[1].start_us must be >= 5; got 4": lambda: with_windows((0, 5), (4, 9)),
    "machines[0].family must be a string; got None": lambda: problem(
        machines=[machine(family=None)]
    ),
    "machines[0].exclusive must be true or false; got 1": lambda: problem(
        machines=[machine(exclusive=1)]
    ),
    "machines[0].keeps_setups must be true or false; got 1": lambda: problem(
        machines=[machine(keeps_setups=1)]
    ),
    "machines[0].kept must be empty unless setups are kept; got ('f',)": lambda: problem(
        machines=[machine(kept=("f",))]
    ),
    "machines[0].kept must be a tuple of families; got 'f'": lambda: problem(
        machines=[machine(keeps_setups=True, kept="f")]
    ),
    "machines[0].kept[1] must be unique; got 'f'": lambda: problem(
        machines=[machine(keeps_setups=True, kept=("f", "f"))]
    ),
    "machines[0].kept[0] must be a non-empty string; got ''": lambda: problem(
        machines=[machine(keeps_setups=True, kept=("",))]
    ),
    "resources[1].id must be unique; got 'r0'": lambda: problem(resources=[resource(), resource()]),
    "resources[0].id must be a non-empty string; got ''": lambda: problem(resources=[resource("")]),
    "resources[0].capacity must be >= 0; got -1": lambda: problem(
        resources=[resource(capacity=-1)]
    ),
    "resources[0].renewable must be true or false; got None": lambda: problem(
        resources=[resource(renewable=None)]  # type: ignore[arg-type]
    ),
    "links[0].source must be a device of a machine; got 'x'": lambda: problem(
        links=[link("x", "m0")]
    ),
    "links[0].target must be a device of a machine; got 'x'": lambda: problem(
        links=[link("m0", "x")]
    ),
    "links[0] must join two distinct devices; got ('m0', 'm0')": lambda: problem(
        links=[link("m0", "m0")]
    ),
    "links[1] must be the only link of its direction; got ('a', 'b')": lambda: problem(
        [operation(durations={"a": 1})], machines=TWO, links=[link("a", "b"), link("a", "b")]
    ),
    "links[0].latency_us must be >= 0; got -1": lambda: problem(
        [operation(durations={"a": 1})], machines=TWO, links=[link("a", "b", -1)]
    ),
    "links[0].bandwidth_bytes_per_s must be an integer; got 1.5": lambda: problem(
        [operation(durations={"a": 1})],
        machines=TWO,
        links=[link("a", "b", 0, 1.5)],  # type: ignore[arg-type]
    ),
    "jobs[1].id must be unique; got 'j0'": lambda: problem(jobs=[job(), job()]),
    "jobs[0].release_us must be >= 0; got -1": lambda: problem(jobs=[job(release_us=-1)]),
    "jobs[0].due_us must be >= 0; got -1": lambda: problem(jobs=[job(due_us=-1)]),
    "jobs[0].deadline_us must be >= 5; got 4": lambda: problem(
        jobs=[job(release_us=5, deadline_us=4)]
    ),
    "jobs[0].deadline_us must be an integer; got nan": lambda: problem(
        jobs=[job(deadline_us=float("nan"))]
    ),
    "jobs[0].weight must be >= 0; got -1": lambda: problem(jobs=[job(weight=-1)]),
    "jobs[0].band must be a Band; got 1": lambda: problem(jobs=[job(band=1)]),
    "operations[1].id must be unique; got 'o0'": lambda: problem([operation(), operation()]),
    "operations[0].job must be the id of a job; got 'x'": lambda: problem(
        [operation(job="x")], jobs=[job()]
    ),
    "operations[0].modes must not be empty; got ()": lambda: problem([operation(modes=[])]),
    "operations[0].modes[0].machine must be the id of a machine, one of ['m0']; got 'x'": (
        lambda: problem([operation(durations={"x": 1})], machines=[machine()])
    ),
    "operations[0].modes[0].duration_us must be >= 1; got 0": lambda: with_mode(duration_us=0),
    "operations[0].modes[0].duration_us must be an integer; got 2.0": lambda: with_mode(
        duration_us=2.0
    ),
    "operations[0].modes[0].duration_p95_us must be >= 5; got 4": lambda: with_mode(
        duration_us=5, duration_p95_us=4
    ),
    "operations[0].modes[0].duration_p95_us must be >= 1; got 0": lambda: with_mode(
        duration_p95_us=0
    ),
    "operations[0].modes[0].peak_bytes must be >= 0; got -1": lambda: with_mode(peak_bytes=-1),
    "operations[0].modes[0].energy_uj must be >= 0; got -1": lambda: with_mode(energy_uj=-1),
    "operations[0].modes[0].family must be a string; got None": lambda: with_mode(family=None),
    "operations[0].modes[0].resident_bytes must be >= 0; got -1": lambda: with_mode(
        resident_bytes=-1
    ),
    "operations[0].modes[0].setup_us must be >= 0; got -1": lambda: with_mode(
        family="f", setup_us=-1
    ),
    "operations[0].modes[0].setup_us must be 0 without a family; got 1": lambda: with_mode(
        setup_us=1
    ),
    "operations[0].modes[0].setup_us must be 0 on 'm0', which is not exclusive; got 1": (
        lambda: problem(
            [operation(modes=[mode(family="f", setup_us=1)])], machines=[machine(exclusive=False)]
        )
    ),
    "operations[0].modes[0].demands[0].resource must be the id of a resource, one of ['cores'];"
    " got 'x'": lambda: with_demands(("x", 1)),
    "operations[0].modes[0].demands[1].resource must be named once; got 'cores'": (
        lambda: with_demands(("cores", 1), ("cores", 1))
    ),
    "operations[0].modes[0].demands[0].amount must be >= 0; got -1": lambda: with_demands(
        ("cores", -1)
    ),
    "operations[0].modes[0].demands[0].amount must be an integer; got 0.5": lambda: with_demands(
        ("cores", 0.5)  # type: ignore[arg-type]
    ),
    "operations[0].progress.mode must be < 1; got 1": lambda: with_progress(
        Progress(mode=1, start_us=0)
    ),
    "operations[0].progress.start_us must be >= 0; got -1": lambda: with_progress(
        Progress(mode=0, start_us=-1)
    ),
    "operations[0].progress.end_us must be >= 5; got 4": lambda: with_progress(
        Progress(mode=0, start_us=5, end_us=4)
    ),
    "operations[0].progress.start_us must be <= now_us (5), because it has begun; got 6": lambda: (
        with_progress(Progress(mode=0, start_us=6))
    ),
    "operations[0].progress.end_us must be <= now_us (5), because it has ended; got 6": lambda: (
        with_progress(Progress(mode=0, start_us=5, end_us=6))
    ),
    "operations[1].progress must not run on 'm0' while 'o0' does; got 'o1'": lambda: problem(
        [running("o0"), running("o1")]
    ),
    "edges[0].source must have ended, because 'o1' has started; got 'o0'": lambda: problem(
        [operation("o0"), running("o1")], edges=[("o0", "o1")]
    ),
    "edges[0].source must be the id of an operation; got 'x'": lambda: problem(edges=[("x", "o0")]),
    "edges[0].target must be the id of an operation; got 'x'": lambda: problem(edges=[("o0", "x")]),
    "edges[0].size_bytes must be >= 0; got -1": lambda: problem(edges=[("o0", "o0", -1)]),
    "edges must form no cycle; got 'o0 -> o0'": lambda: problem(edges=[("o0", "o0")]),
    "edges must form no cycle; got 'b -> c -> b'": lambda: problem(
        [operation(name) for name in "abcd"],
        edges=[("a", "b"), ("b", "c"), ("c", "b"), ("c", "d")],
    ),
    "operations[1].colocation must leave the group a device that all its operations can run on;"
    " got 'g'": lambda: problem(
        [
            operation("o0", durations={"a": 1}, colocation="g"),
            operation("o1", durations={"b": 1}, colocation="g"),
        ]
    ),
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_law_is_named_with_its_field_and_what_came(message: str) -> None:
    with pytest.raises(InvalidProblem) as caught:
        BROKEN[message]()
    assert caught.value.message == message
    assert message.startswith(caught.value.field)
    assert caught.value.field


@pytest.mark.parametrize(
    "build",
    [
        lambda: Problem(machines=(), jobs=(), operations=()),
        lambda: with_mode(duration_us=1, duration_p95_us=1, peak_bytes=0),
        lambda: with_mode(duration_us=MAX_INTEGER),
        lambda: with_windows((0, 5), (5, 9)),
        lambda: problem(jobs=[job(release_us=5, deadline_us=5, due_us=0, weight=0)]),
        lambda: with_progress(Progress(mode=0, start_us=5, end_us=5)),
        lambda: with_progress(Progress(mode=0, start_us=5)),
        lambda: with_mode(family="f", setup_us=0, resident_bytes=9, peak_bytes=0),
        lambda: with_demands(("cores", 0)),
        lambda: with_demands(("cores", 3)),
        lambda: problem(resources=[resource(capacity=0)]),
        lambda: problem([running("o0"), running("o1")], machines=[machine(exclusive=False)]),
        lambda: chain(1, 1, 1),
    ],
)
def test_values_at_their_limits_are_lawful(build: Callable[[], Problem]) -> None:
    build()


def test_history_of_one_machine_may_overlap() -> None:
    # Two clocks measured them.
    past = [Progress(mode=0, start_us=0, end_us=5), Progress(mode=0, start_us=4, end_us=8)]
    problem([operation(f"o{i}", progress=p) for i, p in enumerate(past)], now_us=8)


def test_a_started_operation_settles_the_device_of_its_group() -> None:
    here = operation("o0", durations={"a": 1, "b": 1}, colocation="g")
    there = operation(
        "o1",
        durations={"a": 1, "b": 1},
        colocation="g",
        progress=Progress(mode=1, start_us=0),
    )
    problem([here, there])
    only_a = operation("o0", durations={"a": 1}, colocation="g")
    with pytest.raises(InvalidProblem, match="must leave the group a device"):
        problem([only_a, there])


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"time_s": -0.1}, "limits.time_s must be a finite number >= 0; got -0.1"),
        ({"time_s": float("inf")}, "limits.time_s must be a finite number >= 0; got inf"),
        ({"time_s": float("nan")}, "limits.time_s must be a finite number >= 0; got nan"),
        ({"time_s": True}, "limits.time_s must be a finite number >= 0; got True"),
        ({"deterministic_s": 0}, "limits.deterministic_s must be a finite number > 0; got 0"),
        ({"workers": 0}, "limits.workers must be an integer >= 1; got 0"),
        ({"workers": 1.0}, "limits.workers must be an integer >= 1; got 1.0"),
    ],
)
def test_limits_out_of_range_are_refused_by_name(fields: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Limits(**fields)
    assert caught.value.message == message
    assert message.startswith(caught.value.field)


@pytest.mark.parametrize(
    "fields", [{"time_s": 0}, {"deterministic_s": None}, {"deterministic_s": 0.1, "workers": 1}]
)
def test_limits_may_be_as_small_as_their_ranges_allow(fields: dict[str, Any]) -> None:
    Limits(**fields)
