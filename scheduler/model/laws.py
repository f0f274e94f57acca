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
from collections.abc import Sequence

from scheduler.model.fields import MAX_INTEGER, flag, number, optional, refuse, text, unique
from scheduler.model.machines import Link, Machine, Resource
from scheduler.model.operations import Band, Demand, Edge, Job, Mode, Operation, Progress


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
    number(now_us, 0, "now_us")
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


def _check_machines(machines: Sequence[Machine]) -> None:
    unique((machine.id for machine in machines), "machines[{}].id")
    for i, machine in enumerate(machines):
        optional(machine.memory_bytes, 0, "machines[{}].memory_bytes", i)
        text(machine.family, "machines[{}].family", i)
        flag(machine.exclusive, "machines[{}].exclusive", i)
        flag(machine.keeps_setups, "machines[{}].keeps_setups", i)
        if machine.kept:
            _check_kept(machine, i)
        free_from = 0
        for j, window in enumerate(machine.unavailable):
            # Each starts at the end of the one before, or later: ordered and disjoint.
            number(window.start_us, free_from, "machines[{}].unavailable[{}].start_us", i, j)
            number(window.end_us, window.start_us + 1, "machines[{}].unavailable[{}].end_us", i, j)
            free_from = window.end_us


def _check_kept(machine: Machine, i: int) -> None:
    if not machine.keeps_setups:
        refuse("must be empty unless setups are kept", machine.kept, "machines[{}].kept", i)
    if type(machine.kept) is not tuple:
        refuse("must be a tuple of families", machine.kept, "machines[{}].kept", i)
    unique(machine.kept, f"machines[{i}].kept[{{}}]")


def _check_resources(resources: Sequence[Resource]) -> None:
    unique((resource.id for resource in resources), "resources[{}].id")
    for i, resource in enumerate(resources):
        number(resource.capacity, 0, "resources[{}].capacity", i)
        flag(resource.renewable, "resources[{}].renewable", i)


def _check_links(links: Sequence[Link], machines: Sequence[Machine]) -> None:
    devices = {machine.device_id for machine in machines}
    seen: set[tuple[str, str]] = set()
    for i, link in enumerate(links):
        if link.source not in devices:
            refuse("must be a device of a machine", link.source, "links[{}].source", i)
        if link.target not in devices:
            refuse("must be a device of a machine", link.target, "links[{}].target", i)
        pair = (link.source, link.target)
        if link.source == link.target:
            refuse("must join two distinct devices", pair, "links[{}]", i)
        if pair in seen:
            refuse("must be the only link of its direction", pair, "links[{}]", i)
        seen.add(pair)
        number(link.latency_us, 0, "links[{}].latency_us", i)
        number(link.bandwidth_bytes_per_s, 0, "links[{}].bandwidth_bytes_per_s", i)


def _check_jobs(jobs: Sequence[Job]) -> None:
    unique((job.id for job in jobs), "jobs[{}].id")
    for i, job in enumerate(jobs):
        number(job.release_us, 0, "jobs[{}].release_us", i)
        optional(job.due_us, 0, "jobs[{}].due_us", i)
        optional(job.deadline_us, job.release_us, "jobs[{}].deadline_us", i)
        number(job.weight, 0, "jobs[{}].weight", i)
        if not isinstance(job.band, Band):
            refuse("must be a Band", job.band, "jobs[{}].band", i)


def _check_operations(
    operations: Sequence[Operation],
    *,
    machines: dict[str, Machine],
    jobs: set[str],
    resources: set[str],
    now_us: int,
) -> None:
    unique((operation.id for operation in operations), "operations[{}].id")
    for i, operation in enumerate(operations):
        if operation.job not in jobs:
            refuse("must be the id of a job", operation.job, "operations[{}].job", i)
        if not operation.modes:
            refuse("must not be empty", operation.modes, "operations[{}].modes", i)
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
        refuse(choices, mode.machine, "operations[{}].modes[{}].machine", i, j)
    number(mode.duration_us, 1, "operations[{}].modes[{}].duration_us", i, j)
    if mode.duration_p95_us is not None:
        path = "operations[{}].modes[{}].duration_p95_us"
        number(mode.duration_p95_us, mode.duration_us, path, i, j)
    number(mode.peak_bytes, 0, "operations[{}].modes[{}].peak_bytes", i, j)
    number(mode.energy_uj, 0, "operations[{}].modes[{}].energy_uj", i, j)
    text(mode.family, "operations[{}].modes[{}].family", i, j)
    number(mode.resident_bytes, 0, "operations[{}].modes[{}].resident_bytes", i, j)
    number(mode.setup_us, 0, "operations[{}].modes[{}].setup_us", i, j)
    if mode.setup_us:
        path = "operations[{}].modes[{}].setup_us"
        if not mode.family:
            refuse("must be 0 without a family", mode.setup_us, path, i, j)
        if not machines[mode.machine].exclusive:
            law = f"must be 0 on {mode.machine!r}, which is not exclusive"
            refuse(law, mode.setup_us, path, i, j)


def _check_demands(demands: Sequence[Demand], i: int, j: int, resources: set[str]) -> None:
    seen: set[str] = set()
    for k, demand in enumerate(demands):
        path = "operations[{}].modes[{}].demands[{}].resource"
        if demand.resource not in resources:
            choices = f"must be the id of a resource, one of {sorted(resources)}"
            refuse(choices, demand.resource, path, i, j, k)
        if demand.resource in seen:
            refuse("must be named once", demand.resource, path, i, j, k)
        seen.add(demand.resource)
        number(demand.amount, 0, "operations[{}].modes[{}].demands[{}].amount", i, j, k)


def _check_progress(progress: Progress, i: int, modes: int, now_us: int) -> None:
    number(progress.mode, 0, "operations[{}].progress.mode", i)
    if progress.mode >= modes:
        refuse(f"must be < {modes}", progress.mode, "operations[{}].progress.mode", i)
    number(progress.start_us, 0, "operations[{}].progress.start_us", i)
    optional(progress.end_us, progress.start_us, "operations[{}].progress.end_us", i)
    if progress.start_us > now_us:
        law = f"must be <= now_us ({now_us}), because it has begun"
        refuse(law, progress.start_us, "operations[{}].progress.start_us", i)
    if progress.end_us is not None and progress.end_us > now_us:
        law = f"must be <= now_us ({now_us}), because it has ended"
        refuse(law, progress.end_us, "operations[{}].progress.end_us", i)


def _check_edges(edges: Sequence[Edge], operations: Sequence[Operation]) -> None:
    operation_by_id = {operation.id: operation for operation in operations}
    for i, edge in enumerate(edges):
        if edge.source not in operation_by_id:
            refuse("must be the id of an operation", edge.source, "edges[{}].source", i)
        if edge.target not in operation_by_id:
            refuse("must be the id of an operation", edge.target, "edges[{}].target", i)
        number(edge.size_bytes, 0, "edges[{}].size_bytes", i)
        if operation_by_id[edge.target].progress is not None:
            before = operation_by_id[edge.source].progress
            # Exact times are not compared, because different clocks measured them.
            if before is None or before.end_us is None:
                law = f"must have ended, because {edge.target!r} has started"
                refuse(law, edge.source, "edges[{}].source", i)
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
        refuse("must form no cycle", cycle, "edges")


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
            refuse(law, operation.id, "operations[{}].progress", i)
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
            refuse(law, operation.colocation, "operations[{}].colocation", i)
        common[operation.colocation] = devices
