"""Records of runs: whole for those who ask, and changes alone for the store."""

from __future__ import annotations

from dataclasses import replace

from scheduler.control.commands import KeepStory, RecordRun
from scheduler.control.forecast.deadlines import chance, late_us, spread_us
from scheduler.control.planning.explaining import Timetable, candidates, why_waiting
from scheduler.control.records import (
    Candidate,
    Cause,
    OperationRecord,
    OperationState,
    RunRecord,
)
from scheduler.control.state.delays import causes
from scheduler.control.state.fleet import Shapes
from scheduler.control.state.inputs import input_shapes
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun, Placement
from scheduler.control.state.state import State, Turn

_WAITS_SHOWN = 100


def run_record(
    state: State, run: LiveRun, table: Timetable | None = None, *, is_whole: bool = True
) -> RunRecord:
    """A run with all its operations, or with those that are still open."""
    table = table or Timetable(state)
    ops = (run.operations if is_whole else run.open).values()
    operations = tuple(operation_record(state, table, op) for op in ops)
    waited = run.waited if run.is_ended else causes.of_run(state, run)
    return replace(summary(state, run, table, operations), waited=waited)


def operation_record(state: State, table: Timetable, op: LiveOperation) -> OperationRecord:
    """An operation with its candidates, worked out anew where nothing is decided yet."""
    is_undecided = op.state in PENDING and not op.agent
    found = candidates(state, table, op) if is_undecided else op.candidates
    waited = causes.so_far(state, op)
    return replace(_whole(table, op, found), ready_us=causes.ready_us(op), waited=waited)


def _decided(op: LiveOperation) -> tuple[Candidate, ...]:
    return () if op.state in PENDING and not op.agent else op.candidates


def changed_record(state: State, table: Timetable, run: LiveRun) -> RunRecord:
    """A run with those of its operations that its stored record does not say yet.

    Choices that are not made yet are not worked out: somebody who asks is told them.
    """
    operations = tuple(
        _whole(table, op, _decided(op)) for op in (run.operations[name] for name in run.changed)
    )
    return summary(state, run, table, operations)


def _whole(table: Timetable, op: LiveOperation, found: tuple[Candidate, ...]) -> OperationRecord:
    """An operation with all that is decided of it, and its waits up to the start."""
    return plain_operation(
        table, op, candidates_of=found, shapes=input_shapes(op), waited=dict(op.waited)
    )


def plain_operation(
    table: Timetable,
    op: LiveOperation,
    *,
    candidates_of: tuple[Candidate, ...] = (),
    shapes: Shapes = (),
    waited: dict[Cause, int] | None = None,
) -> OperationRecord:
    """Give the record of an operation as it stands, with the extras that are handed in."""
    placed = table.placement(op)
    machine, provider = _place(op, placed)
    runtime, plug_in = table.versions(op)
    return OperationRecord(
        operation=op.id,
        run=op.run.id,
        stage=op.stage.name,
        item=op.item,
        work=op.stage.target,
        state=op.state,
        band=op.band,
        machine=machine,
        provider=provider,
        attempt=op.attempt,
        waits_for=op.producers[:_WAITS_SHOWN],
        planned_start_us=placed.start_us if placed else None,
        planned_end_us=placed.end_us if placed else None,
        started_us=op.started_us,
        ended_us=op.ended_us,
        transfer_us=placed.transfer_us if placed else 0,
        load_us=placed.load_us if placed else 0,
        provenance=placed.provenance if placed else "",
        duration_p50_us=placed.mode.duration_us if placed else None,
        duration_p95_us=placed.mode.p95_us if placed else None,
        candidates=candidates_of,
        failures=tuple(op.failures),
        shapes=dict(shapes),
        order=op.order,
        ready_us=op.ready_us,
        waited=waited or {},
        ahead_of=op.ahead_of,
        ahead_why=op.ahead_why,
        runtime=runtime,
        plug_in=plug_in,
    )


def _place(op: LiveOperation, placed: Placement | None) -> tuple[str, str]:
    """Machine and provider of an operation, as far as they are settled."""
    if op.state not in PENDING:
        return op.machine, op.provider
    if placed is not None:
        return placed.mode.machine, placed.mode.provider
    return op.only or ("", "")


def summary(
    state: State, run: LiveRun, table: Timetable, operations: tuple[OperationRecord, ...]
) -> RunRecord:
    """Give the record of a run with the operations that are handed in."""
    reason, detail = run.reason, run.detail
    promised, estimated = run.promise, _estimated(run, table)
    if not run.is_ended:
        reason, detail = why_waiting(state, run)
    return RunRecord(
        run=run.id,
        kind=run.kind,
        workload=run.workload,
        state=run.state,
        band=run.band,
        effective_band=run.effective_band,
        submitted_us=run.submitted_us,
        started_us=run.started_us,
        ended_us=run.ended_us,
        deadline_us=run.deadline_us,
        due_us=run.due_us,
        predicted_p50_us=promised[0] if promised else None,
        predicted_p95_us=late_us(*promised) if promised else None,
        chance=chance(*promised, run.deadline_us) if promised and run.deadline_us else None,
        reason=reason,
        detail=detail,
        outputs=run.outputs,
        operations_total=run.total,
        operations_done=run.done,
        operations=operations,
        estimated_p50_us=estimated[0] if estimated else None,
        estimated_p95_us=late_us(*estimated) if estimated else None,
        estimated_chance=chance(*estimated, run.deadline_us)
        if estimated and run.deadline_us
        else None,
        waited=run.waited,
        inversions=tuple(run.inversions),
        thrown_away_us=run.threw_away_us,
    )


def _estimated(run: LiveRun, table: Timetable) -> tuple[int, float] | None:
    """Finish by the plan of now and its standard deviation; an ended run's last one stays."""
    latest = run.planned_end
    if run.rest:
        return None
    for op in run.open.values():
        placed = table.placement(op)
        if op.state is OperationState.RUNNING and op.mode is not None:
            latest = max(latest, (op.expected_end_us, spread_us(op.mode)))
        elif placed is not None:
            latest = max(latest, (placed.end_us, placed.spread_us))
        elif op.state in PENDING:
            return None
    return latest if latest[0] else None


def record_changed(state: State, turn: Turn) -> None:
    """Have the record of each run that changed stored, and the story of each that has ended."""
    table = Timetable(state) if turn.runs else None
    for name in turn.runs:
        run = state.runs[name]
        assert table is not None
        record = changed_record(state, table, run)
        turn.commands.append(RecordRun(record=record, gone=tuple(run.gone)))
        if run.is_ended and run.story.first:
            story = run.story.told(run.id, run.submitted_us)
            turn.commands.append(KeepStory(story=story))
        run.recorded_us = state.now_us
        run.changed, run.gone = {}, {}
