"""The laws of `Problem`. Each refusal names the field, the law and the value.

History is not judged: started operations may overlap, hold more memory than there is, have spent
more than a budget had, and be late. They bind open operations only by what they take: machine and
shares until they end, memory and budgets for good. Two cases are contradictions, not history, and
are refused: a running operation that begins after the present, and one that has ended after it. A
caller that measures by several clocks sets such times to the present.

Validation runs on the brain's hot path, so a path is formatted only when its law is broken.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import NoReturn

from scheduler.model.errors import InvalidProblem
from scheduler.model.machines import Link, Machine, Resource
from scheduler.model.operations import Band, Demand, Edge, Job, Mode, Operation, Progress

MAX_INTEGER = 2**53 - 1
"""Largest time or size, which every reader of JSON keeps exactly; 285 years in microseconds."""


def validate(
    *,
    machines: Sequence[Machine],
    jobs: Sequence[Job],
    operations: Sequence[Operation],
    edges: Sequence[Edge],
    links: Sequence[Link],
    resources: Sequence[Resource],
    now_us: int,
) -> None:
    """Check every law on the fields of a problem; the first broken one raises.

    Raises
    ------
    InvalidProblem
        With the path of the offending field as `field`.
    """
    _number(now_us, 0, "now_us")
    machine_by_id = {machine.id: machine for machine in machines}
    _check_machines(machines)
    _check_resources(resources)
    _check_links(links, machines)
    _check_jobs(jobs)
    _check_operations(
        operations,
        machines=machine_by_id,
        jobs={job.id for job in jobs},
        resources={resource.id for resource in resources},
        now_us=now_us,
    )
    _check_edges(edges, operations)
    _check_running(operations, machine_by_id)
    _check_colocation(operations, machine_by_id)


def _refuse(law: str, got: object, path: str, *index: int) -> NoReturn:
    """Raise with the path filled in: each ``{}`` of `path` takes the next index."""
    field = path.format(*index)
    raise InvalidProblem(f"{field} {law}; got {got!r}", field=field)


def _number(value: object, least: int, path: str, *index: int) -> None:
    """Refuse all but integers within ``[least, MAX_INTEGER]``; booleans, floats, NaN are none."""
    # The exact type, because True is an instance of int.
    if type(value) is not int:
        _refuse("must be an integer", value, path, *index)
    if value < least:
        _refuse(f"must be >= {least}", value, path, *index)
    if value > MAX_INTEGER:
        _refuse(f"must be <= {MAX_INTEGER}", value, path, *index)


def _optional(value: object, least: int, path: str, *index: int) -> None:
    """Refuse all but `None` and numbers."""
    if value is not None:
        _number(value, least, path, *index)


def _text(value: object, path: str, *index: int) -> None:
    if type(value) is not str:
        _refuse("must be a string", value, path, *index)


def _flag(value: object, path: str, *index: int) -> None:
    if type(value) is not bool:
        _refuse("must be true or false", value, path, *index)


def _unique(ids: Iterable[object], path: str) -> None:
    """Refuse all but distinct, non-empty strings."""
    seen: set[object] = set()
    for i, name in enumerate(ids):
        if type(name) is not str or not name:
            _refuse("must be a non-empty string", name, path, i)
        if name in seen:
            _refuse("must be unique", name, path, i)
        seen.add(name)


def _check_machines(machines: Sequence[Machine]) -> None:
    _unique((machine.id for machine in machines), "machines[{}].id")
    for i, machine in enumerate(machines):
        _optional(machine.memory_bytes, 0, "machines[{}].memory_bytes", i)
        _text(machine.family, "machines[{}].family", i)
        _flag(machine.exclusive, "machines[{}].exclusive", i)
        _flag(machine.keeps_setups, "machines[{}].keeps_setups", i)
        if machine.kept:
            _check_kept(machine, i)
        free_from = 0
        for j, window in enumerate(machine.unavailable):
            # Each starts at the end of the one before, or later: ordered and disjoint.
            _number(window.start_us, free_from, "machines[{}].unavailable[{}].start_us", i, j)
            _number(window.end_us, window.start_us + 1, "machines[{}].unavailable[{}].end_us", i, j)
            free_from = window.end_us


def _check_kept(machine: Machine, i: int) -> None:
    if not machine.keeps_setups:
        _refuse("must be empty unless setups are kept", machine.kept, "machines[{}].kept", i)
    if type(machine.kept) is not tuple:
        _refuse("must be a tuple of families", machine.kept, "machines[{}].kept", i)
    _unique(machine.kept, f"machines[{i}].kept[{{}}]")


def _check_resources(resources: Sequence[Resource]) -> None:
    _unique((resource.id for resource in resources), "resources[{}].id")
    for i, resource in enumerate(resources):
        _number(resource.capacity, 0, "resources[{}].capacity", i)
        _flag(resource.renewable, "resources[{}].renewable", i)


def _check_links(links: Sequence[Link], machines: Sequence[Machine]) -> None:
    devices = {machine.device_id for machine in machines}
    seen: set[tuple[str, str]] = set()
    for i, link in enumerate(links):
        if link.source not in devices:
            _refuse("must be a device of a machine", link.source, "links[{}].source", i)
        if link.target not in devices:
            _refuse("must be a device of a machine", link.target, "links[{}].target", i)
        pair = (link.source, link.target)
        if link.source == link.target:
            _refuse("must join two distinct devices", pair, "links[{}]", i)
        if pair in seen:
            _refuse("must be the only link of its direction", pair, "links[{}]", i)
        seen.add(pair)
        _number(link.latency_us, 0, "links[{}].latency_us", i)
        _number(link.bandwidth_bytes_per_s, 0, "links[{}].bandwidth_bytes_per_s", i)


def _check_jobs(jobs: Sequence[Job]) -> None:
    _unique((job.id for job in jobs), "jobs[{}].id")
    for i, job in enumerate(jobs):
        _number(job.release_us, 0, "jobs[{}].release_us", i)
        _optional(job.due_us, 0, "jobs[{}].due_us", i)
        _optional(job.deadline_us, job.release_us, "jobs[{}].deadline_us", i)
        _number(job.weight, 0, "jobs[{}].weight", i)
        if not isinstance(job.band, Band):
            _refuse("must be a Band", job.band, "jobs[{}].band", i)


def _check_operations(
    operations: Sequence[Operation],
    *,
    machines: dict[str, Machine],
    jobs: set[str],
    resources: set[str],
    now_us: int,
) -> None:
    _unique((operation.id for operation in operations), "operations[{}].id")
    for i, operation in enumerate(operations):
        if operation.job not in jobs:
            _refuse("must be the id of a job", operation.job, "operations[{}].job", i)
        if not operation.modes:
            _refuse("must not be empty", operation.modes, "operations[{}].modes", i)
        for j, mode in enumerate(operation.modes):
            if not _is_plain(mode, machines):
                _check_mode(mode, i, j, machines)
            if mode.demands:
                _check_demands(mode.demands, i, j, resources)
        if operation.progress is not None:
            _check_progress(operation.progress, i, len(operation.modes), now_us)


def _is_plain(mode: Mode, machines: dict[str, Machine]) -> bool:
    """True if the mode is lawful at first sight, as nearly all are; takes a third of the time."""
    longest_us = mode.duration_p95_us
    return (
        mode.machine in machines
        and type(mode.family) is str
        and type(mode.duration_us) is type(mode.peak_bytes) is int
        and type(mode.energy_uj) is type(mode.resident_bytes) is type(mode.setup_us) is int
        and 1 <= mode.duration_us <= MAX_INTEGER
        and (
            longest_us is None
            or (type(longest_us) is int and mode.duration_us <= longest_us <= MAX_INTEGER)
        )
        and 0 <= mode.peak_bytes <= MAX_INTEGER
        and 0 <= mode.energy_uj <= MAX_INTEGER
        and 0 <= mode.resident_bytes <= MAX_INTEGER
        and (mode.setup_us == 0 or _is_plain_setup(mode, machines[mode.machine]))
    )


def _is_plain_setup(mode: Mode, machine: Machine) -> bool:
    return 0 < mode.setup_us <= MAX_INTEGER and mode.family != "" and machine.exclusive


def _check_mode(mode: Mode, i: int, j: int, machines: dict[str, Machine]) -> None:
    if mode.machine not in machines:
        choices = f"must be the id of a machine, one of {sorted(machines)}"
        _refuse(choices, mode.machine, "operations[{}].modes[{}].machine", i, j)
    _number(mode.duration_us, 1, "operations[{}].modes[{}].duration_us", i, j)
    if mode.duration_p95_us is not None:
        path = "operations[{}].modes[{}].duration_p95_us"
        _number(mode.duration_p95_us, mode.duration_us, path, i, j)
    _number(mode.peak_bytes, 0, "operations[{}].modes[{}].peak_bytes", i, j)
    _number(mode.energy_uj, 0, "operations[{}].modes[{}].energy_uj", i, j)
    _text(mode.family, "operations[{}].modes[{}].family", i, j)
    _number(mode.resident_bytes, 0, "operations[{}].modes[{}].resident_bytes", i, j)
    _number(mode.setup_us, 0, "operations[{}].modes[{}].setup_us", i, j)
    if mode.setup_us:
        path = "operations[{}].modes[{}].setup_us"
        if not mode.family:
            _refuse("must be 0 without a family", mode.setup_us, path, i, j)
        if not machines[mode.machine].exclusive:
            law = f"must be 0 on {mode.machine!r}, which is not exclusive"
            _refuse(law, mode.setup_us, path, i, j)


def _check_demands(demands: Sequence[Demand], i: int, j: int, resources: set[str]) -> None:
    seen: set[str] = set()
    for k, demand in enumerate(demands):
        path = "operations[{}].modes[{}].demands[{}].resource"
        if demand.resource not in resources:
            choices = f"must be the id of a resource, one of {sorted(resources)}"
            _refuse(choices, demand.resource, path, i, j, k)
        if demand.resource in seen:
            _refuse("must be named once", demand.resource, path, i, j, k)
        seen.add(demand.resource)
        _number(demand.amount, 0, "operations[{}].modes[{}].demands[{}].amount", i, j, k)


def _check_progress(progress: Progress, i: int, modes: int, now_us: int) -> None:
    _number(progress.mode, 0, "operations[{}].progress.mode", i)
    if progress.mode >= modes:
        _refuse(f"must be < {modes}", progress.mode, "operations[{}].progress.mode", i)
    _number(progress.start_us, 0, "operations[{}].progress.start_us", i)
    _optional(progress.end_us, progress.start_us, "operations[{}].progress.end_us", i)
    if progress.start_us > now_us:
        law = f"must be <= now_us ({now_us}), because it has begun"
        _refuse(law, progress.start_us, "operations[{}].progress.start_us", i)
    if progress.end_us is not None and progress.end_us > now_us:
        law = f"must be <= now_us ({now_us}), because it has ended"
        _refuse(law, progress.end_us, "operations[{}].progress.end_us", i)


def _check_edges(edges: Sequence[Edge], operations: Sequence[Operation]) -> None:
    operation_by_id = {operation.id: operation for operation in operations}
    for i, edge in enumerate(edges):
        if edge.source not in operation_by_id:
            _refuse("must be the id of an operation", edge.source, "edges[{}].source", i)
        if edge.target not in operation_by_id:
            _refuse("must be the id of an operation", edge.target, "edges[{}].target", i)
        _number(edge.size_bytes, 0, "edges[{}].size_bytes", i)
        if operation_by_id[edge.target].progress is not None:
            before = operation_by_id[edge.source].progress
            # Exact times are not compared, because different clocks measured them.
            if before is None or before.end_us is None:
                law = f"must have ended, because {edge.target!r} has started"
                _refuse(law, edge.source, "edges[{}].source", i)
    _check_acyclic(edges, operations)


def _check_acyclic(edges: Sequence[Edge], operations: Sequence[Operation]) -> None:
    targets: dict[str, list[str]] = {}
    for edge in edges:
        targets.setdefault(edge.source, []).append(edge.target)
    waiting = Counter(edge.target for edge in edges)
    ready = [operation.id for operation in operations if operation.id not in waiting]
    for operation in ready:
        for target in targets.get(operation, ()):
            waiting[target] -= 1
            if not waiting[target]:
                ready.append(target)
    if len(ready) < len(operations):
        stuck = {name: [t for t in targets.get(name, ()) if waiting[t]] for name in waiting}
        cycle = " -> ".join(_cycle({n: t for n, t in stuck.items() if waiting[n]}))
        _refuse("must form no cycle", cycle, "edges")


def _cycle(targets: dict[str, list[str]]) -> Sequence[str]:
    """Find a cycle, closed, in a graph whose every node has a predecessor in it."""
    sources = {target: source for source, found in targets.items() for target in found}
    path = [next(iter(targets))]
    while path[-1] not in path[:-1]:
        path.append(sources[path[-1]])
    return path[path.index(path[-1]) :][::-1]


def _check_running(operations: Sequence[Operation], machines: dict[str, Machine]) -> None:
    """Refuse two running operations on an exclusive machine. Ended ones are history, not judged."""
    running: dict[str, str] = {}
    for i, operation in enumerate(operations):
        progress = operation.progress
        if progress is None or progress.end_us is not None:
            continue
        machine = operation.modes[progress.mode].machine
        if not machines[machine].exclusive:
            continue
        if machine in running:
            law = f"must not run on {machine!r} while {running[machine]!r} does"
            _refuse(law, operation.id, "operations[{}].progress", i)
        running[machine] = operation.id


def _check_colocation(operations: Sequence[Operation], machines: dict[str, Machine]) -> None:
    """Refuse a group without a common device for its operations; a started one has its own."""
    common: dict[str, set[str]] = {}
    for i, operation in enumerate(operations):
        if not operation.colocation:
            continue
        modes = operation.modes
        if operation.progress is not None:
            modes = modes[operation.progress.mode :][:1]
        devices = {machines[mode.machine].device_id for mode in modes}
        devices &= common.get(operation.colocation, devices)
        if not devices:
            law = "must leave the group a device that all its operations can run on"
            _refuse(law, operation.colocation, "operations[{}].colocation", i)
        common[operation.colocation] = devices
