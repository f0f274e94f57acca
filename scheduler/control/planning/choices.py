"""Choices of a schedule, or of the plan in force: modes and an order, to be decoded anew."""

from __future__ import annotations

from collections.abc import Callable

from scheduler.control.planning.snapshot import Snapshot
from scheduler.control.state.operations import LiveOperation
from scheduler.model.problem import Problem
from scheduler.model.schedule import Assignment, Schedule


def choice_of(problem: Problem, schedule: Schedule) -> tuple[dict[str, int], dict[str, int]]:
    """Modes and ranks of the unstarted operations of a schedule, as `decode` takes them."""
    open_ops = [op for op in problem.operations if op.progress is None]
    return (
        {op.id: schedule[op.id].mode for op in open_ops},
        ranks(open_ops_ids=[op.id for op in open_ops], start=lambda name: schedule[name].start_us),
    )


def ranks(*, open_ops_ids: list[str], start: Callable[[str], int]) -> dict[str, int]:
    """Position of each operation when sorted by start; ties in the given order."""
    return {name: i for i, name in enumerate(sorted(open_ops_ids, key=start))}


def current_choice(snapshot: Snapshot, fallback: Schedule) -> tuple[dict[str, int], dict[str, int]]:
    """Modes and ranks of the plan in force; of another schedule for the rest."""
    modes: dict[str, int] = {}
    starts: dict[str, int] = {}
    for op in snapshot.planned:
        kept = _mode_index(snapshot, op)
        modes[op.id] = fallback[op.id].mode if kept is None else kept
        if op.placement is None:
            starts[op.id] = fallback[op.id].start_us
        else:
            starts[op.id] = op.placement.start_us - snapshot.origin_us
    return modes, ranks(open_ops_ids=list(starts), start=starts.__getitem__)


def in_force(snapshot: Snapshot) -> Schedule:
    """The plan in force as a schedule of the operations that still have their mode."""
    assignments: list[Assignment] = []
    for op in snapshot.planned:
        index = _mode_index(snapshot, op)
        if index is not None and op.placement is not None:
            at = op.placement
            assignments.append(
                Assignment(
                    operation=op.id,
                    mode=index,
                    machine=at.mode.machine,
                    start_us=at.start_us + at.load_us - snapshot.origin_us,
                    end_us=at.end_us - snapshot.origin_us,
                )
            )
    return Schedule(assignments=tuple(assignments))


def has_choice(snapshot: Snapshot, op: LiveOperation) -> bool:
    """True if the plan in force has a mode for the operation that it can still run in."""
    return _mode_index(snapshot, op) is not None


def _mode_index(snapshot: Snapshot, op: LiveOperation) -> int | None:
    if op.placement is None:
        return None
    wanted = op.placement.mode
    return mode_index(snapshot, op, (wanted.machine, wanted.provider, wanted.variant))


def mode_index(snapshot: Snapshot, op: LiveOperation, wanted: tuple[str, str, str]) -> int | None:
    """Index of the mode on that machine, provider and variant, if the operation still has it."""
    for i, mode in enumerate(snapshot.options[op.id].modes):
        if (mode.machine, mode.provider, mode.variant) == wanted:
            return i
    return None
