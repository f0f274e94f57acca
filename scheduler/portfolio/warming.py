"""Compile every kernel once, so that nobody waits for the compiler later."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial

from scheduler.model.objectives import Objective
from scheduler.model.problem import (
    Demand,
    Edge,
    Job,
    Link,
    Machine,
    Mode,
    Operation,
    Problem,
    Progress,
    Resource,
    Window,
)
from scheduler.solvers import registry
from scheduler.solvers.arrays import Arrays
from scheduler.solvers.bounding import lower_bound
from scheduler.solvers.features import features
from scheduler.solvers.heuristics.left_shift import left_shifted
from scheduler.solvers.registry import SolverKind
from scheduler.solvers.search import WORK_PER_S, Search
from scheduler.solvers.translating import arrays

WORK = 1e-2 * WORK_PER_S
"""Steps for each solver and problem: enough to stall, and to begin anew elsewhere."""


def warm_up(
    progress: Callable[[str], None] | None = None, names: Iterable[str] | None = None
) -> None:
    """Run solvers on tiny problems, so that all they need is compiled and loaded.

    Compiled code stays on disk: it takes minutes once per installation, and seconds afterwards.

    Parameters
    ----------
    progress
        Called with the name of each solver before it runs.
    names
        Names of the solvers to run; by default all.
    """
    forms = [arrays(problem) for problem in problems()]
    for form in forms:
        lower_bound(form, Objective.MAKESPAN)
    for name in registry.names() if names is None else names:
        if progress is not None:
            progress(name)
        for form in forms:
            _run(name, form)


def problems() -> tuple[Problem, ...]:
    """The tiny problems: one with everything that a problem can have, one with nothing special."""
    return _pipelines(), _shop()


def _run(name: str, form: Arrays) -> None:
    if not features(form) <= registry.entry(name).features:
        return
    for objective in (Objective.MAKESPAN, Objective.WEIGHTED_TARDINESS):
        if objective not in registry.entry(name).objectives:
            continue
        # Work is counted, so no clock is needed.
        search = Search(form, lambda: 0.0, objective)
        if registry.entry(name).kind is not SolverKind.CONSTRUCTIVE:
            registry.solver("heft")(search, 0)
        registry.solver(name)(search.part(work=WORK), 0)
        if search.best is not None:
            left_shifted(form, search.best.solution)


def _shop() -> Problem:
    """Three jobs of three operations on three machines: nothing but modes and precedence."""
    jobs, machines = range(3), range(3)
    return Problem(
        machines=tuple(Machine(id=f"m{k}") for k in machines),
        jobs=tuple(Job(id=f"j{j}", due_us=4) for j in jobs),
        operations=tuple(
            Operation(
                id=f"{j}.{k}",
                job=f"j{j}",
                modes=tuple(
                    Mode(machine=f"m{m}", duration_us=2 + (j * k + m) % 5)
                    for m in machines
                    if (j + k + m) % 3
                ),
            )
            for j in jobs
            for k in machines
        ),
        edges=tuple(Edge(source=f"{j}.{k}", target=f"{j}.{k + 1}") for j in jobs for k in (0, 1)),
    )


def _pipelines() -> Problem:
    """Two pipelines with one of everything that a problem can have."""
    devices = ("host", "card")
    return Problem(
        machines=(
            Machine(id="cpu", device="host", exclusive=False),
            Machine(id="gpu", device="card", memory_bytes=90, family="det"),
            Machine(
                id="npu",
                device="card",
                unavailable=(Window(start_us=8, end_us=9),),
                keeps_setups=True,
            ),
        ),
        jobs=(Job(id="a", due_us=20, deadline_us=200), Job(id="b", release_us=1, weight=2)),
        operations=tuple(
            Operation(
                id=f"{job}.{stage}",
                job=job,
                modes=_modes(stage),
                colocation="" if stage != 2 else "tails",
                progress=Progress(mode=0, start_us=0) if (job, stage) == ("a", 0) else None,
            )
            for job in ("a", "b")
            for stage in range(3)
        ),
        edges=tuple(
            Edge(source=f"{job}.{stage}", target=f"{job}.{stage + 1}", size_bytes=1_000)
            for job in ("a", "b")
            for stage in (0, 1)
        ),
        links=tuple(
            Link(source=a, target=b, latency_us=1, bandwidth_bytes_per_s=10**9)
            for a, b in (devices, devices[::-1])
        ),
        resources=(
            Resource(id="cores", capacity=2),
            Resource(id="joules", capacity=100, renewable=False),
        ),
    )


def _modes(stage: int) -> tuple[Mode, ...]:
    needs = (Demand(resource="cores", amount=1), Demand(resource="joules", amount=2))
    card = partial(Mode, family=("det", "rec")[stage % 2], setup_us=2, resident_bytes=10)
    return (
        Mode(machine="cpu", duration_us=6, duration_p95_us=7, energy_uj=3, demands=needs),
        card(machine="gpu", duration_us=2 + stage, energy_uj=5, peak_bytes=20),
        card(machine="npu", duration_us=3, energy_uj=4, demands=needs[1:]),
    )
