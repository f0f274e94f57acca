"""Small problems with keyword defaults, for the tests of every room."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
from scheduler.model.schedule import Assignment, Schedule


def machine(
    id: str = "m0",
    *,
    device: str = "",
    memory_bytes: int | None = None,
    unavailable: Iterable[tuple[int, int]] = (),
    **fields: Any,
) -> Machine:
    windows = tuple(Window(start_us=start, end_us=end) for start, end in unavailable)
    return Machine(id=id, device=device, memory_bytes=memory_bytes, unavailable=windows, **fields)


def mode(
    machine: str = "m0",
    duration_us: int = 1,
    *,
    demands: Mapping[str, int] | None = None,
    **fields: Any,
) -> Mode:
    """One mode; demands are given as ``resource: amount``."""
    found = tuple(Demand(resource=name, amount=n) for name, n in (demands or {}).items())
    return Mode(machine=machine, duration_us=duration_us, demands=found, **fields)


def resource(id: str = "r0", capacity: int = 1, *, renewable: bool = True) -> Resource:
    return Resource(id=id, capacity=capacity, renewable=renewable)


def job(id: str = "j0", **fields: Any) -> Job:
    return Job(id=id, **fields)


def operation(
    id: str = "o0",
    *,
    job: str = "j0",
    durations: Mapping[str, int] | None = None,
    modes: Sequence[Mode] | None = None,
    colocation: str = "",
    progress: Progress | None = None,
) -> Operation:
    """One operation: by its modes, or by the duration on each machine (1 us on m0 by default)."""
    if modes is None:
        modes = [mode(name, us) for name, us in (durations or {"m0": 1}).items()]
    return Operation(id=id, job=job, modes=tuple(modes), colocation=colocation, progress=progress)


def link(source: str, target: str, latency_us: int = 0, bandwidth_bytes_per_s: int = 0) -> Link:
    return Link(
        source=source,
        target=target,
        latency_us=latency_us,
        bandwidth_bytes_per_s=bandwidth_bytes_per_s,
    )


def all_links(
    machines: Iterable[Machine], *, latency_us: int = 0, bandwidth_bytes_per_s: int = 1_000_000
) -> tuple[Link, ...]:
    """Links between all devices; by default a byte takes a microsecond."""
    devices = list(dict.fromkeys(machine.device_id for machine in machines))
    return tuple(
        link(a, b, latency_us, bandwidth_bytes_per_s) for a in devices for b in devices if a != b
    )


def problem(
    operations: Sequence[Operation] | None = None,
    *,
    machines: Sequence[Machine] | None = None,
    jobs: Sequence[Job] | None = None,
    edges: Iterable[tuple[str, str] | tuple[str, str, int]] = (),
    links: Iterable[Link] = (),
    resources: Iterable[Resource] = (),
    **fields: Any,
) -> Problem:
    """One operation on one machine, unless told otherwise.

    Machines and jobs that are not given are those that the operations name.
    """
    if operations is None:
        operations = [operation()]
    if machines is None:
        named = dict.fromkeys(m.machine for op in operations for m in op.modes)
        machines = [machine(name) for name in named]
    if jobs is None:
        jobs = [job(name) for name in dict.fromkeys(op.job for op in operations)]
    return Problem(
        machines=tuple(machines),
        jobs=tuple(jobs),
        operations=tuple(operations),
        edges=tuple(Edge(source=e[0], target=e[1], size_bytes=(*e, 0)[2]) for e in edges),
        links=tuple(links),
        resources=tuple(resources),
        **fields,
    )


def chain(*durations_us: int, **fields: Any) -> Problem:
    """Operations o0, o1, ... of one job, each after the one before, all on machine m0."""
    operations = [operation(f"o{i}", durations={"m0": us}) for i, us in enumerate(durations_us)]
    edges = [(f"o{i}", f"o{i + 1}") for i in range(len(operations) - 1)]
    return problem(operations, edges=edges, **fields)


def schedule(problem: Problem, placed: Mapping[str, tuple[int, int]]) -> Schedule:
    """A schedule from ``operation: (mode, start)``; ends follow from the durations."""
    assignments = []
    for name, (index, start_us) in placed.items():
        chosen = problem.operation(name).modes[index]
        assignments.append(
            Assignment(
                operation=name,
                mode=index,
                machine=chosen.machine,
                start_us=start_us,
                end_us=start_us + chosen.duration_us,
            )
        )
    return Schedule(assignments=tuple(assignments))
