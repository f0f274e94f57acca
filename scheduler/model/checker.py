"""The independent judge of schedules. It shares no code with any solver, bound or index.

It reads a problem only as its caller wrote it, does the obvious thing slowly enough to be plainly
right, and lists every broken rule. What has already happened is not judged against rules that
nobody can mend any more: a started operation must stay as it was, and its end counts for others.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from scheduler.model.problem import Edge, Operation, Problem
from scheduler.model.schedule import Assignment, Schedule


class ViolationKind(StrEnum):
    """What a schedule can do wrong. A closed set."""

    MISSING = "missing"  # an operation of the problem is not placed
    DUPLICATE = "duplicate"  # an operation is placed more than once
    UNKNOWN = "unknown"  # what is placed is no operation of the problem
    MODE = "mode"  # no such mode, or not the machine of that mode
    PROGRESS = "progress"  # a started operation was moved
    DURATION = "duration"  # the span is not as long as the mode says
    PRECEDENCE = "precedence"  # starts before its input can be there
    CONNECTIVITY = "connectivity"  # its input cannot come to its device at all
    OVERLAP = "overlap"  # two operations at once on one machine
    WINDOW = "window"  # runs while its machine is unavailable
    RELEASE = "release"  # starts before its job is released
    PAST = "past"  # starts before the present
    DEADLINE = "deadline"  # may end (95th percentile) after the deadline of its job
    COLOCATION = "colocation"  # a group is spread over devices
    MEMORY = "memory"  # needs more memory than its machine has


@dataclass(frozen=True, slots=True, kw_only=True)
class Violation:
    """One broken rule, at one operation."""

    kind: ViolationKind
    operation: str
    message: str


def check(problem: Problem, schedule: Schedule) -> list[Violation]:
    """Judge a schedule: every rule it breaks, or an empty list.

    When placements are missing, doubled, unknown or without a mode, only that is reported: the
    other rules speak of placements that exist.

    Examples
    --------
    >>> from scheduler.model.problem import Job, Machine, Mode
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
    return list(_placements(problem, schedule)) or list(_rules(problem, schedule))


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


def _rules(problem: Problem, schedule: Schedule) -> Iterator[Violation]:
    for operation in problem.operations:
        placed = schedule[operation.id]
        if operation.progress is not None:
            yield from _started(problem, operation, placed)
        else:
            yield from _duration(operation, placed)
            yield from _times(problem, operation, placed)
            yield from _windows(problem, placed)
            yield from _memory(problem, operation, placed)
            for edge in problem.edges_in(operation.id):
                yield from _input(problem, edge, schedule)
        yield from _deadline(problem, operation, placed)
    yield from _overlaps(problem, schedule)
    yield from _colocation(problem, schedule)


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


def _duration(operation: Operation, placed: Assignment) -> Iterator[Violation]:
    duration_us = operation.modes[placed.mode].duration_us
    if placed.end_us - placed.start_us != duration_us:
        message = f"must take {duration_us} us; got {placed.end_us - placed.start_us}"
        yield _violation(ViolationKind.DURATION, operation.id, message)


def _times(problem: Problem, operation: Operation, placed: Assignment) -> Iterator[Violation]:
    release_us = problem.job(operation.job).release_us
    if placed.start_us < release_us:
        message = f"starts at {placed.start_us} us, before its release at {release_us}"
        yield _violation(ViolationKind.RELEASE, operation.id, message)
    if placed.start_us < problem.now_us:
        message = f"starts at {placed.start_us} us, before the present at {problem.now_us}"
        yield _violation(ViolationKind.PAST, operation.id, message)


def _windows(problem: Problem, placed: Assignment) -> Iterator[Violation]:
    for window in problem.machine(placed.machine).unavailable:
        if placed.start_us < window.end_us and window.start_us < placed.end_us:
            message = f"runs while {placed.machine!r} is unavailable from {window.start_us} us"
            yield _violation(ViolationKind.WINDOW, placed.operation, message)


def _memory(problem: Problem, operation: Operation, placed: Assignment) -> Iterator[Violation]:
    limit = problem.machine(placed.machine).memory_bytes
    peak = operation.modes[placed.mode].peak_bytes
    if limit is not None and peak > limit:
        message = f"needs {peak} bytes of the {limit} that {placed.machine!r} has"
        yield _violation(ViolationKind.MEMORY, operation.id, message)


def _input(problem: Problem, edge: Edge, schedule: Schedule) -> Iterator[Violation]:
    source, target = schedule[edge.source], schedule[edge.target]
    source_device = problem.machine(source.machine).device_id
    target_device = problem.machine(target.machine).device_id
    if not problem.connected(source_device, target_device):
        message = f"nothing goes from {source_device!r} to {target_device!r}"
        yield _violation(ViolationKind.CONNECTIVITY, edge.target, message)
        return
    ready_us = source.end_us + problem.transfer_us(edge, source_device, target_device)
    if target.start_us < ready_us:
        message = (
            f"starts at {target.start_us} us, before what {edge.source!r} gives is there at"
            f" {ready_us}"
        )
        yield _violation(ViolationKind.PRECEDENCE, edge.target, message)


def _deadline(problem: Problem, operation: Operation, placed: Assignment) -> Iterator[Violation]:
    deadline_us = problem.job(operation.job).deadline_us
    if deadline_us is None:
        return
    late_us = placed.end_us
    if operation.progress is None or operation.progress.end_us is None:
        # Makespans use the median; deadlines are kept even by an execution that takes its p95.
        late_us = max(late_us, placed.start_us + operation.modes[placed.mode].p95_us)
    if late_us > deadline_us:
        message = f"may end at {late_us} us, after the deadline at {deadline_us}"
        yield _violation(ViolationKind.DEADLINE, operation.id, message)


def _overlaps(problem: Problem, schedule: Schedule) -> Iterator[Violation]:
    """Report each operation that starts while an earlier one still has the machine."""
    for machine in problem.machines:
        latest: Assignment | None = None
        for placed in schedule.on_machine(machine.id):
            if latest is not None and placed.start_us < latest.end_us:
                both = (problem.operation(latest.operation), problem.operation(placed.operation))
                # Two that have started are history, measured and not planned.
                if any(operation.progress is None for operation in both):
                    message = f"runs on {machine.id!r} together with {latest.operation!r}"
                    yield _violation(ViolationKind.OVERLAP, placed.operation, message)
            if latest is None or placed.end_us > latest.end_us:
                latest = placed


def _colocation(problem: Problem, schedule: Schedule) -> Iterator[Violation]:
    first: dict[str, str] = {}
    for operation in problem.operations:
        if not operation.colocation:
            continue
        device = problem.machine(schedule[operation.id].machine).device_id
        home = first.setdefault(operation.colocation, device)
        if device != home:
            message = f"group {operation.colocation!r} is on {home!r}; got {device!r}"
            yield _violation(ViolationKind.COLOCATION, operation.id, message)
