"""The second opinion: values and rules of schedules, judged as the documents state them.

Written from docs/solving.md and the docstrings of `scheduler.model.problem`, `.operations` and
`.machines`; of the code it takes nothing but those data classes. The semantics:

- An operation that has started keeps mode and start. It ended when its progress says, or runs until
  its start plus the duration of its mode, or until now if that is later. No rule is asked of it
  but the deadline of its job; what it holds counts for the others.
- An open operation starts neither before now nor before the release of its job, nor before what
  each of its edges brings: the end of the source, plus latency and bytes by bandwidth (rounded up)
  where the two devices differ. Without any link all is free; else a missing link is no way.
- An exclusive machine runs one operation at a time. A mode with a setup needs the machine to itself
  for that long right before its start, from now on at the earliest, unless the operation before it
  there, by start, is of its family. Where setups are kept, any operation before it counts, and all
  that the machine begins with. Nothing open runs, and no setup happens, in a window.
- Memory of a machine: the sessions of all that is planned or was run on it stay (per family the
  largest, each of those without a family); on top of them, each open operation needs the part of
  its own peak that is more than its session.
- At no moment does what runs demand more of a renewable resource than there is, if something open
  is among it that demands a part. Of a budget all together take no more than there is, if something
  open takes a part. What has ended counts for budgets alone.
- A group is on one device, what has started included.
- A deadline is kept if the 95th percentile keeps it. `DEADLINE_MISSES` counts jobs instead, and is
  the only objective for which a late schedule is one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from scheduler.model.objectives import Objective
from scheduler.model.problem import Band, Machine, Mode, Operation, Problem, Resource
from scheduler.model.schedule import Assignment, Schedule

Row = tuple[int, int, int, Operation, Mode]
"""Start, end, position, operation and its mode."""


def values(problem: Problem, schedule: Schedule, objective: Objective) -> dict[Band, int]:
    """Value of each band that has operations."""
    found: dict[Band, int] = {}
    for band in Band:
        jobs = [j.id for j in problem.jobs if j.band is band]
        operations = [o for o in problem.operations if o.job in jobs]
        if operations:
            found[band] = value(problem, schedule, objective, operations)
    return found


def value(
    problem: Problem,
    schedule: Schedule,
    objective: Objective,
    operations: Sequence[Operation] | None = None,
) -> int:
    """Value of a schedule, or of the given operations of it."""
    if operations is None:
        operations = problem.operations
    at = {placed.operation: placed for placed in schedule}
    per_job = [
        (next(j for j in problem.jobs if j.id == name), list(found))
        for name, found in groupby(sorted(operations, key=lambda o: o.job), key=lambda o: o.job)
    ]
    ends = [(job, max(at[o.id].end_us for o in found)) for job, found in per_job]
    late = [(job, end_us - job.due_us) for job, end_us in ends if job.due_us is not None]
    if objective is Objective.MAKESPAN:
        return max((end_us for _, end_us in ends), default=0)
    if objective is Objective.WEIGHTED_COMPLETION:
        return sum(job.weight * end_us for job, end_us in ends)
    if objective is Objective.WEIGHTED_TARDINESS:
        return sum(job.weight * late_us for job, late_us in late if late_us > 0)
    if objective is Objective.MAX_LATENESS:
        return max((late_us for _, late_us in late), default=0)
    if objective is Objective.ENERGY:
        return sum(o.modes[at[o.id].mode].energy_uj for o in operations)
    return sum(any(_is_late(problem, o, at[o.id]) for o in found) for _, found in per_job)


def faults(problem: Problem, schedule: Schedule, *, late: bool = False) -> list[str]:
    """Rules that a schedule breaks; deadlines are none of them if it may be `late`."""
    at = {placed.operation: placed for placed in schedule}
    names = [placed.operation for placed in schedule]
    if sorted(names) != sorted(o.id for o in problem.operations):
        return ["not each operation is placed once"]
    found = [f for o in problem.operations for f in _own_faults(problem, o, at[o.id])]
    if found:
        return found
    found += _early(problem, at)
    found += _apart(problem, at)
    for machine in problem.machines:
        rows = _rows(problem, at, machine)
        found += _crowded(machine, rows, problem.now_us) if machine.exclusive else []
        found += _blocked(machine, rows)
        found += _full(machine, rows)
    rows = [row for machine in problem.machines for row in _rows(problem, at, machine)]
    for resource in problem.resources:
        found += (_scarce if resource.renewable else _overspent)(resource, rows)
    if not late:
        found += [f"{o.id} is late" for o in problem.operations if _is_late(problem, o, at[o.id])]
    return found


def _own_faults(problem: Problem, operation: Operation, placed: Assignment) -> Iterator[str]:
    if not 0 <= placed.mode < len(operation.modes):
        yield f"{operation.id} has no such mode"
        return
    mode, progress = operation.modes[placed.mode], operation.progress
    if placed.machine != mode.machine:
        yield f"{operation.id} is not where its mode is"
    if progress is not None:
        end_us = progress.end_us
        if end_us is None:
            end_us = max(progress.start_us + mode.duration_us, problem.now_us)
        if (placed.mode, placed.start_us, placed.end_us) != (
            progress.mode,
            progress.start_us,
            end_us,
        ):
            yield f"{operation.id} has started otherwise"
        return
    job = next(j for j in problem.jobs if j.id == operation.job)
    if placed.end_us - placed.start_us != mode.duration_us:
        yield f"{operation.id} takes another time"
    if placed.start_us < max(problem.now_us, job.release_us):
        yield f"{operation.id} starts too early"


def _is_late(problem: Problem, operation: Operation, placed: Assignment) -> bool:
    deadline_us = next(j.deadline_us for j in problem.jobs if j.id == operation.job)
    if deadline_us is None:
        return False
    latest_us = placed.end_us
    if operation.progress is None or operation.progress.end_us is None:
        mode = operation.modes[placed.mode]
        p95_us = mode.duration_us if mode.duration_p95_us is None else mode.duration_p95_us
        latest_us = max(latest_us, placed.start_us + p95_us)
    return latest_us > deadline_us


def _early(problem: Problem, at: dict[str, Assignment]) -> Iterator[str]:
    device = {m.id: m.device or m.id for m in problem.machines}
    ways = {(link.source, link.target): link for link in problem.links}
    started = {o.id for o in problem.operations if o.progress is not None}
    for edge in problem.edges:
        source, target = at[edge.source], at[edge.target]
        here, there = device[source.machine], device[target.machine]
        ready_us = source.end_us
        if edge.target in started:
            continue
        if ways and here != there:
            link = ways.get((here, there))
            if link is None:
                yield f"nothing goes from {edge.source} to {edge.target}"
                continue
            ready_us += link.latency_us
            if link.bandwidth_bytes_per_s:
                whole, part = divmod(edge.size_bytes * 1_000_000, link.bandwidth_bytes_per_s)
                ready_us += whole + (part > 0)
        if target.start_us < ready_us:
            yield f"{edge.target} starts before what {edge.source} gives"


def _apart(problem: Problem, at: dict[str, Assignment]) -> Iterator[str]:
    device = {m.id: m.device or m.id for m in problem.machines}
    for group in {o.colocation for o in problem.operations} - {""}:
        if len({device[at[o.id].machine] for o in problem.operations if o.colocation == group}) > 1:
            yield f"group {group} is apart"


def _rows(problem: Problem, at: dict[str, Assignment], machine: Machine) -> list[Row]:
    """Operations on a machine, in order of start."""
    found = []
    for i, operation in enumerate(problem.operations):
        placed = at[operation.id]
        if placed.machine == machine.id:
            mode = operation.modes[placed.mode]
            found.append((placed.start_us, placed.end_us, i, operation, mode))
    return sorted(found, key=lambda row: row[:3])


def _crowded(machine: Machine, rows: Sequence[Row], now_us: int) -> Iterator[str]:
    """Spans of open operations, setups in front, that meet another span, or begin in the past."""
    for n, (start_us, end_us, _, operation, mode) in enumerate(rows):
        if operation.progress is not None:
            continue
        if machine.keeps_setups:
            loaded = {machine.family, *machine.kept, *(row[4].family for row in rows[:n])}
        else:
            loaded = {rows[n - 1][4].family if n else machine.family}
        setup_us = 0 if mode.family in loaded else mode.setup_us
        begin_us = start_us - setup_us
        if setup_us and begin_us < now_us:
            yield f"{operation.id} is set up in the past"
        if any(w.start_us < end_us and begin_us < w.end_us for w in machine.unavailable):
            yield f"{operation.id} runs or is set up in a window"
        for other in (*rows[:n], *rows[n + 1 :]):
            if other[0] < end_us and begin_us < other[1]:
                yield f"{operation.id} meets {other[3].id}"


def _blocked(machine: Machine, rows: Sequence[Row]) -> Iterator[str]:
    for start_us, end_us, _, operation, _ in rows:
        meets = any(w.start_us < end_us and start_us < w.end_us for w in machine.unavailable)
        if meets and operation.progress is None:
            yield f"{operation.id} runs in a window"


def _full(machine: Machine, rows: Sequence[Row]) -> Iterator[str]:
    if machine.memory_bytes is None:
        return
    modes = [row[4] for row in rows]
    resident = sum(mode.resident_bytes for mode in modes if not mode.family)
    for family in {mode.family for mode in modes} - {""}:
        resident += max(mode.resident_bytes for mode in modes if mode.family == family)
    for _, _, _, operation, mode in rows:
        extra = max(mode.peak_bytes - mode.resident_bytes, 0)
        if operation.progress is None and resident + extra > machine.memory_bytes:
            yield f"{operation.id} has no memory on {machine.id}"


def _amount(resource: Resource, row: Row) -> int:
    return sum(d.amount for d in row[4].demands if d.resource == resource.id)


def _scarce(resource: Resource, rows: Sequence[Row]) -> Iterator[str]:
    for at_us in sorted({row[0] for row in rows}):
        using = [
            row
            for row in rows
            if row[0] <= at_us < row[1]
            and _amount(resource, row)
            and (row[3].progress is None or row[3].progress.end_us is None)
        ]
        total = sum(_amount(resource, row) for row in using)
        if total > resource.capacity and any(row[3].progress is None for row in using):
            yield f"{total} of {resource.capacity} of {resource.id} at {at_us}"


def _overspent(resource: Resource, rows: Sequence[Row]) -> Iterator[str]:
    total = sum(_amount(resource, row) for row in rows)
    taking = [row for row in rows if row[3].progress is None and _amount(resource, row)]
    if total > resource.capacity and taking:
        yield f"{total} of {resource.capacity} of budget {resource.id}"
