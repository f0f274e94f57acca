"""Random small problems. Tiny on purpose: an optimum takes CP-SAT milliseconds."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from scheduler.model.problem import Band, Job, Link, Machine, Mode, Operation, Problem, Progress
from tests import builders

DURATIONS = st.integers(1, 9)


@st.composite
def machines(draw: st.DrawFn) -> list[Machine]:
    count = draw(st.integers(1, 3))
    window = st.tuples(st.integers(0, 20), st.integers(1, 9)).map(lambda w: (w[0], w[0] + w[1]))
    return [
        builders.machine(
            f"m{i}",
            device=f"d{draw(st.integers(0, 1))}",
            memory_bytes=draw(st.sampled_from([None, 50])),
            unavailable=draw(st.lists(window, max_size=1)),
        )
        for i in range(count)
    ]


@st.composite
def jobs(draw: st.DrawFn) -> list[Job]:
    return [
        builders.job(
            f"j{i}",
            release_us=draw(st.integers(0, 9)),
            due_us=draw(st.none() | st.integers(0, 20)),
            weight=draw(st.integers(0, 3)),
            band=draw(st.sampled_from(Band)),
        )
        for i in range(draw(st.integers(1, 3)))
    ]


@st.composite
def operations(draw: st.DrawFn, machines: list[Machine], jobs: list[Job]) -> list[Operation]:
    """Every operation has a mode on the first machine, so that groups are satisfiable."""
    found = []
    for i in range(draw(st.integers(1, 6))):
        others = draw(st.lists(st.sampled_from(machines), max_size=3))
        modes = [
            builders.mode(m.id, us := draw(DURATIONS), duration_p95_us=us + draw(st.integers(0, 5)))
            for m in [machines[0], *others]
        ]
        found.append(
            builders.operation(
                f"o{i}",
                job=draw(st.sampled_from(jobs)).id,
                modes=draw(st.permutations(modes)),
                colocation=draw(st.sampled_from(["", "", "", "a", "b"])),
            )
        )
    return found


@st.composite
def edges(draw: st.DrawFn, count: int) -> list[tuple[str, str, int]]:
    pairs = [(i, j) for j in range(count) for i in range(j)]
    chosen = draw(st.lists(st.sampled_from(pairs), max_size=8, unique=True)) if pairs else []
    return [(f"o{i}", f"o{j}", draw(st.integers(0, 9))) for i, j in chosen]


@st.composite
def links(draw: st.DrawFn, machines: list[Machine]) -> tuple[Link, ...]:
    if draw(st.booleans()):
        return ()
    return builders.all_links(machines, latency_us=draw(st.integers(0, 3)))


@st.composite
def problems(draw: st.DrawFn) -> Problem:
    """Any problem that has a schedule: all devices joined, no deadlines."""
    lanes, requests = draw(machines()), draw(jobs())
    found = draw(operations(lanes, requests))
    problem = builders.problem(
        found,
        machines=lanes,
        jobs=requests,
        edges=draw(edges(len(found))),
        links=draw(links(lanes)),
        now_us=draw(st.integers(0, 9)),
    )
    return draw(started(problem)) if draw(st.booleans()) else problem


@st.composite
def started(draw: st.DrawFn, problem: Problem) -> Problem:
    """The problem some time later: operations ran one after another on the first machine."""
    at_us, now_us, progress = 0, draw(st.integers(0, 20)), {}
    for operation in problem.topological_order():
        if at_us >= now_us:
            break
        mode = next(i for i, m in enumerate(operation.modes) if m.machine == "m0")
        took_us = draw(DURATIONS)
        end_us = at_us + took_us if at_us + took_us <= now_us else None
        progress[operation.id] = Progress(mode=mode, start_us=at_us, end_us=end_us)
        at_us += took_us
    changed = tuple(replace(o, progress=progress.get(o.id)) for o in problem.operations)
    return replace(problem, operations=changed, now_us=now_us)


def modes_of(problem: Problem) -> list[Mode]:
    return [mode for operation in problem.operations for mode in operation.modes]
