"""The independent judge of schedules. It shares no code with any solver, bound or index.

It reads a problem as its caller wrote it and does the obvious thing, rule by rule. A schedule
without violations keeps every rule; if it breaks a rule in many places, not all are listed. History
is not judged against rules that it can no longer keep: a started operation must stay as it was, and
its end and its resources count for others.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

from scheduler.model.problem import Edge, Machine, Mode, Operation, Problem, Resource
from scheduler.model.schedule import Assignment, Schedule

Placed = Mapping[str, Assignment]
"""A schedule by operation."""


class ViolationKind(StrEnum):
    """Rule that a schedule can break. A closed set."""

    MISSING = "missing"  # an operation of the problem is not placed
    DUPLICATE = "duplicate"  # an operation is placed more than once
    UNKNOWN = "unknown"  # a placement of no operation of the problem
    MODE = "mode"  # no such mode, or not the machine of that mode
    PROGRESS = "progress"  # a started operation was moved
    DURATION = "duration"  # the span differs from the duration of the mode
    PRECEDENCE = "precedence"  # starts before its input can arrive
    CONNECTIVITY = "connectivity"  # its input can never reach its device
    OVERLAP = "overlap"  # two operations at once on one exclusive machine
    SETUP = "setup"  # no time before it to load its session
    WINDOW = "window"  # runs while its machine is unavailable
    RELEASE = "release"  # starts before its job is released
    PAST = "past"  # starts before the present
    DEADLINE = "deadline"  # may end (95th percentile) after the deadline of its job
    COLOCATION = "colocation"  # a group is spread over devices
    MEMORY = "memory"  # its machine lacks memory for it beside all resident sessions
    RESOURCE = "resource"  # operations at one time demand more than the capacity
    BUDGET = "budget"  # all operations together demand more than the capacity


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, at one operation."""

    kind: ViolationKind
    operation: str
    message: str


def check(problem: Problem, schedule: Schedule) -> list[Violation]:
    """Judge a schedule: the rules it breaks, or an empty list.

    If placements are missing, doubled, unknown or without a mode, only that is reported, because
    the other rules need placements that exist.

    Examples
    --------
    >>> from scheduler.model.problem import Job
    >>> problem = Problem(
    ...     machines=(Machine(id="cpu0"),),
    ...     jobs=(Job(id="frame"),),
    ...     operations=(
    ...         Operation(id="detect", job="frame", modes=(Mode(machine="cpu0", duration_us=5),)),
    ...     ),
    ... )
    >>> [violation.kind.value for violation in check(problem, Schedule(assignments=()))]
    ['missing']
    """
    # A plain dictionary, because every rule reads it per operation, twice as fast as a schedule.
    placed = {assignment.operation: assignment for assignment in schedule}
    return list(_placements(problem, schedule)) or list(_rules(problem, placed))


def _violation(kind: ViolationKind, operation: str, message: str) -> Violation:
    return Violation(kind=kind, operation=operation, message=f"{operation}: {message}")


def _placements(problem: Problem, schedule: Schedule) -> Iterator[Violation]:
    operations = {operation.id: operation for operation in problem.operations}
    times = dict.fromkeys(operations, 0)
    for placed in schedule:
        operation = operations.get(placed.operation)
        if operation is None:
            yield _violation(ViolationKind.UNKNOWN, placed.operation, "is not in the problem")
            continue
        times[placed.operation] += 1
        if not 0 <= placed.mode < len(operation.modes):
            message = f"has {len(operation.modes)} modes; got mode {placed.mode}"
            yield _violation(ViolationKind.MODE, placed.operation, message)
        elif placed.machine != operation.modes[placed.mode].machine:
            message = f"mode {placed.mode} does not run on {placed.machine!r}"
            yield _violation(ViolationKind.MODE, placed.operation, message)
    for name, count in times.items():
        if count == 0:
            yield _violation(ViolationKind.MISSING, name, "is not placed")
        elif count > 1:
            yield _violation(ViolationKind.DUPLICATE, name, f"is placed {count} times")


class _Row(NamedTuple):
    """An operation and its placement, sorted by start."""

    start_us: int
    end_us: int
    position: int
    operation: Operation
    mode: Mode

    @property
    def is_open(self) -> bool:
        """True if it has not started, so that a planner can still move it."""
        return self.operation.progress is None


def _rules(problem: Problem, schedule: Placed) -> Iterator[Violation]:
    yield from _operations(problem, schedule)
    yield from _inputs(problem, schedule)
    yield from _colocation(problem, schedule)
    rows: dict[str, list[_Row]] = {machine.id: [] for machine in problem.machines}
    for i, operation in enumerate(problem.operations):
        at = schedule[operation.id]
        mode = operation.modes[at.mode]
        rows[at.machine].append(_Row(at.start_us, at.end_us, i, operation, mode))
    for machine in problem.machines:
        found = rows[machine.id]
        found.sort()  # positions differ, so operations are never compared
        yield from _windows(machine, found)
        yield from _memory(machine, found)
        if machine.exclusive:
            yield from _overlaps(machine, found)
            yield from _setups(machine, found, problem.now_us)
    if problem.resources:
        yield from _resources(problem, [row for found in rows.values() for row in found])


def _operations(problem: Problem, schedule: Placed) -> Iterator[Violation]:
    """Judge each operation by itself: progress, duration, dates of its job."""
    jobs = {job.id: job for job in problem.jobs}
    now_us = problem.now_us
    for operation in problem.operations:
        placed, job = schedule[operation.id], jobs[operation.job]
        if operation.progress is not None:
            yield from _started(problem, operation, placed)
        else:
            taken_us, start_us = placed.end_us - placed.start_us, placed.start_us
            duration_us = operation.modes[placed.mode].duration_us
            if taken_us != duration_us:
                message = f"must take {duration_us} us; got {taken_us}"
                yield _violation(ViolationKind.DURATION, operation.id, message)
            if start_us < job.release_us:
                message = f"starts at {start_us} us, before its release at {job.release_us}"
                yield _violation(ViolationKind.RELEASE, operation.id, message)
            if start_us < now_us:
                message = f"starts at {start_us} us, before the present at {now_us}"
                yield _violation(ViolationKind.PAST, operation.id, message)
        if job.deadline_us is not None:
            yield from _deadline(job.deadline_us, operation, placed)


def _started(problem: Problem, operation: Operation, placed: Assignment) -> Iterator[Violation]:
    progress = operation.progress
    assert progress is not None
    if placed.mode != progress.mode or placed.start_us != progress.start_us:
        message = f"started in mode {progress.mode} at {progress.start_us} us and must stay there"
        yield _violation(ViolationKind.PROGRESS, operation.id, message)
        return
    end_us = progress.end_us
    if end_us is None:
        duration_us = operation.modes[progress.mode].duration_us
        end_us = max(progress.start_us + duration_us, problem.now_us)
    if placed.end_us != end_us:
        message = f"must end at {end_us} us; got {placed.end_us}"
        yield _violation(ViolationKind.DURATION, operation.id, message)


def _deadline(deadline_us: int, operation: Operation, placed: Assignment) -> Iterator[Violation]:
    late_us = placed.end_us
    if operation.progress is None or operation.progress.end_us is None:
        # Makespans use the median; deadlines are kept even by an execution that takes its p95.
        late_us = max(late_us, placed.start_us + operation.modes[placed.mode].p95_us)
    if late_us > deadline_us:
        message = f"may end at {late_us} us, after the deadline at {deadline_us}"
        yield _violation(ViolationKind.DEADLINE, operation.id, message)


def _inputs(problem: Problem, schedule: Placed) -> Iterator[Violation]:
    devices = {machine.id: machine.device_id for machine in problem.machines}
    started = {operation.id for operation in problem.operations if operation.progress is not None}
    for edge in problem.edges:
        if edge.target in started:
            continue
        source, target = schedule[edge.source], schedule[edge.target]
        here, there, ready_us = devices[source.machine], devices[target.machine], source.end_us
        if here != there:
            if not problem.connected(here, there):
                message = f"nothing goes from {here!r} to {there!r}"
                yield _violation(ViolationKind.CONNECTIVITY, edge.target, message)
                continue
            ready_us += problem.transfer_us(edge, here, there)
        if target.start_us < ready_us:
            yield _violation(ViolationKind.PRECEDENCE, edge.target, _early(edge, target, ready_us))


def _early(edge: Edge, target: Assignment, ready_us: int) -> str:
    started = f"starts at {target.start_us} us"
    return f"{started}, before the data of {edge.source!r} are there at {ready_us}"


def _colocation(problem: Problem, schedule: Placed) -> Iterator[Violation]:
    first: dict[str, str] = {}
    for operation in problem.operations:
        if not operation.colocation:
            continue
        device = problem.machine(schedule[operation.id].machine).device_id
        home = first.setdefault(operation.colocation, device)
        if device != home:
            message = f"group {operation.colocation!r} is on {home!r}; got {device!r}"
            yield _violation(ViolationKind.COLOCATION, operation.id, message)


def _windows(machine: Machine, rows: Sequence[_Row]) -> Iterator[Violation]:
    if not machine.unavailable:
        return
    ends_us = [window.end_us for window in machine.unavailable]
    for row in rows:
        window_us = _blocked_us(machine, ends_us, row.start_us, row.end_us)
        if row.is_open and window_us is not None:
            message = f"runs while {machine.id!r} is unavailable from {window_us} us"
            yield _violation(ViolationKind.WINDOW, row.operation.id, message)


def _blocked_us(machine: Machine, ends_us: Sequence[int], start_us: int, end_us: int) -> int | None:
    """Start of the first window that meets the span, if any: the first that ends after its start.

    Windows are in ascending order and do not overlap.
    """
    following = bisect_right(ends_us, start_us)
    if following == len(ends_us):
        return None
    window_us = machine.unavailable[following].start_us
    return window_us if window_us < end_us else None


def _memory(machine: Machine, rows: Sequence[_Row]) -> Iterator[Violation]:
    """Judge memory: sessions stay resident, once per family; each operation adds its own peak."""
    limit = machine.memory_bytes
    if limit is None:
        return
    alone = 0
    families: dict[str, int] = {}
    for *_, mode in rows:
        if mode.family:
            largest = max(families.get(mode.family, 0), mode.resident_bytes)
            families[mode.family] = largest
        else:
            alone += mode.resident_bytes
    resident = alone + sum(families.values())
    for row in rows:
        needed = resident + max(row.mode.peak_bytes - row.mode.resident_bytes, 0)
        if needed > limit and row.is_open:
            message = f"needs {needed} bytes, resident ones included, of {limit} of {machine.id!r}"
            yield _violation(ViolationKind.MEMORY, row.operation.id, message)


def _overlaps(machine: Machine, rows: Sequence[_Row]) -> Iterator[Violation]:
    """Report each operation that starts while an earlier one still has the machine."""
    latest: _Row | None = None
    for row in rows:
        # Two started operations are history, measured and not planned.
        if latest is not None and row.start_us < latest.end_us and (row.is_open or latest.is_open):
            message = f"runs on {machine.id!r} together with {latest.operation.id!r}"
            yield _violation(ViolationKind.OVERLAP, row.operation.id, message)
        if latest is None or row.end_us > latest.end_us:
            latest = row


def _setups(machine: Machine, rows: Sequence[_Row], now_us: int) -> Iterator[Violation]:
    """Judge setups: free time to load a session, unless it is the machine's last or a kept one."""
    ends_us = [window.end_us for window in machine.unavailable]
    loaded, busy_us = {machine.family, *machine.kept}, 0
    for row in rows:
        # An overlap is reported as such, and not as a missing setup as well.
        if row.mode.family not in loaded and row.is_open and row.start_us >= busy_us:
            begin_us = row.start_us - row.mode.setup_us
            if row.mode.setup_us and (
                begin_us < max(busy_us, now_us)
                or _blocked_us(machine, ends_us, begin_us, row.start_us) is not None
            ):
                message = f"needs {machine.id!r} for its setup from {begin_us} us"
                yield _violation(ViolationKind.SETUP, row.operation.id, message)
        if not machine.keeps_setups:
            loaded.clear()
        loaded.add(row.mode.family)
        if row.end_us > busy_us:
            busy_us = row.end_us


def _resources(problem: Problem, rows: Sequence[_Row]) -> Iterator[Violation]:
    users: dict[str, list[tuple[_Row, int]]] = {resource.id: [] for resource in problem.resources}
    for row in rows:
        for demand in row.mode.demands:
            if demand.amount:
                users[demand.resource].append((row, demand.amount))
    for resource in problem.resources:
        judge = _renewable if resource.renewable else _budget
        yield from judge(resource, users[resource.id])


def _renewable(resource: Resource, users: Sequence[tuple[_Row, int]]) -> Iterator[Violation]:
    """Judge shares over time, ends before starts; ended operations are not judged."""
    events: list[tuple[int, int, int]] = []
    for i, (row, _) in enumerate(users):
        progress = row.operation.progress
        if progress is None or progress.end_us is None:
            events += [(row.start_us, 1, i), (row.end_us, -1, i)]
    used = movable = 0
    for _, sign, i in sorted(events):
        row, amount = users[i]
        used += sign * amount
        movable += sign * amount * row.is_open
        if sign > 0 and used > resource.capacity and movable:
            message = f"brings the demand for {resource.id!r} to {used} of {resource.capacity}"
            yield _violation(ViolationKind.RESOURCE, row.operation.id, message)


def _budget(resource: Resource, users: Sequence[tuple[_Row, int]]) -> Iterator[Violation]:
    """Judge a budget: started operations have taken their part, others follow in order of start."""
    used = 0
    for row, amount in sorted(users, key=lambda user: (user[0].is_open, user[0][:3])):
        used += amount
        if used > resource.capacity and row.is_open:
            message = f"brings the demand for {resource.id!r} to {used} of {resource.capacity}"
            yield _violation(ViolationKind.BUDGET, row.operation.id, message)
