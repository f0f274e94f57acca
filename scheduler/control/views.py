"""Records of runs, the view of the site, and dry runs."""

from __future__ import annotations

from scheduler.control.live.fleet import LiveMachine, Shapes
from scheduler.control.live.operations import ENDED, PENDING, LiveOperation, LiveRun
from scheduler.control.placing.chances import chance, late_us, spread_us
from scheduler.control.placing.explaining import Timetable, candidates, why_waiting
from scheduler.control.placing.planning import bound_us
from scheduler.control.predicting.foreseeing import input_shapes
from scheduler.control.records import (
    Candidate,
    MachineView,
    OperationRecord,
    OperationState,
    RunRecord,
    SiteView,
)
from scheduler.control.state import State

_BARS = 600
_BARS_FOR_US = 60_000_000
_ENDED_RUNS = 50
_COUNTERS = (
    "runs_finished",
    "runs_failed",
    "runs_cancelled",
    "operations",
    "retries",
    "preemptions",
    "inversions",
    "plans_accepted",
    "plans_dropped",
    "plans_proven_good",
    "plans_unanswered",
    "replans",
)


def run_record(state: State, run: LiveRun, table: Timetable | None = None) -> RunRecord:
    """A run with all its operations."""
    table = table or Timetable(state)
    operations = tuple(operation_record(state, table, op) for op in run.operations.values())
    return _summary(state, run, table, operations)


def operation_record(state: State, table: Timetable, op: LiveOperation) -> OperationRecord:
    """An operation with its candidates."""
    if op.record is not None:
        return op.record
    found = op.candidates if op.state not in PENDING or op.agent else ()
    if op.state in PENDING and not op.agent:
        found = candidates(state, table, op)
    record = _operation(table, op, candidates_of=found, shapes=input_shapes(op))
    if op.state in ENDED:
        op.record = record
    return record


def site_view(state: State, at_us: int) -> SiteView:
    """Everything a dashboard needs, at one moment."""
    table = Timetable(state)
    unfinished = [run for run in state.active.values() if run.kind == "run"]
    origin_us = min((run.submitted_us for run in unfinished), default=state.origin_us)
    end_us = at_us if unfinished else state.last_end_us
    plan = state.plan
    ended = [state.runs[name] for name in list(state.ended)[-_ENDED_RUNS:]]
    return SiteView(
        at_us=at_us,
        version=plan.version,
        placement=state.placement,
        improve=state.improve,
        plan_source=plan.source,
        origin_us=origin_us,
        planned_makespan_us=max(0, plan.end_us - origin_us) if unfinished else 0,
        actual_makespan_us=max(0, end_us - origin_us),
        bound_us=max(0, bound_us(plan) - origin_us) if unfinished else 0,
        machines=tuple(_machine(state, live, at_us) for live in state.machines.values()),
        bars=_bars(state, table, at_us),
        runs=tuple(
            _summary(state, run, table, ()) for run in [*state.active.values(), *reversed(ended)]
        ),
        counters={name: state.counters.get(name, 0) for name in _COUNTERS},
        profiles=tuple(state.profiles.values()),
    )


def _bars(state: State, table: Timetable, at_us: int) -> tuple[OperationRecord, ...]:
    running = [state.operations[live.running] for live in state.machines.values() if live.running]
    planned = sorted(
        state.plan.planned.values(),
        key=lambda op: op.placement.start_us if op.placement else state.now_us,
    )
    recent = [
        op
        for op in reversed(state.ended_operations)
        if op.ended_us is not None and at_us - op.ended_us < _BARS_FOR_US and op.state in ENDED
    ]
    bars = {op.id: op for op in [*running, *planned, *recent]}
    return tuple(_bar(table, op) for op in list(bars.values())[:_BARS])


def _bar(table: Timetable, op: LiveOperation) -> OperationRecord:
    """An operation without candidates and shapes: its run's record tells them."""
    if op.state not in ENDED:
        return _operation(table, op)
    if op.bar is None:
        op.bar = _operation(table, op)
    return op.bar


def _operation(
    table: Timetable,
    op: LiveOperation,
    *,
    candidates_of: tuple[Candidate, ...] = (),
    shapes: Shapes = (),
) -> OperationRecord:
    placed = table.placement(op)
    started = op.state not in PENDING
    return OperationRecord(
        operation=op.id,
        run=op.run.id,
        stage=op.stage.name,
        item=op.item,
        work=op.stage.target,
        state=op.state,
        band=op.band,
        machine=op.machine if started else (placed.mode.machine if placed else ""),
        provider=op.provider if started else (placed.mode.provider if placed else ""),
        attempt=op.attempt,
        waits_for=op.producers,
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
    )


def _summary(
    state: State, run: LiveRun, table: Timetable, operations: tuple[OperationRecord, ...]
) -> RunRecord:
    reason, detail = run.reason, run.detail
    predicted = _predicted(run, table)
    if not run.is_ended:
        reason, detail = why_waiting(state, run)
    return RunRecord(
        run=run.id,
        kind=run.kind,
        workload=run.workload,
        state=run.state,
        band=run.band,
        submitted_us=run.submitted_us,
        started_us=run.started_us,
        ended_us=run.ended_us,
        deadline_us=run.deadline_us,
        due_us=run.due_us,
        predicted_p50_us=predicted[0] if predicted else None,
        predicted_p95_us=late_us(*predicted) if predicted else None,
        chance=chance(*predicted, run.deadline_us) if predicted and run.deadline_us else None,
        reason=reason,
        detail=detail,
        outputs=run.outputs,
        operations=operations,
    )


def _predicted(run: LiveRun, table: Timetable) -> tuple[int, float] | None:
    """Predicted finish and its standard deviation; what an ended run was last predicted stays."""
    latest = (0, 0.0)
    for op in run.operations.values():
        placed = table.placement(op)
        if op.state is OperationState.RUNNING and op.mode is not None:
            latest = max(latest, (op.expected_end_us, spread_us(op.mode)))
        elif placed is not None:
            latest = max(latest, (placed.end_us, placed.spread_us))
        elif op.state in PENDING:
            return None
    return latest if latest[0] else None


def _machine(state: State, live: LiveMachine, at_us: int) -> MachineView:
    agent = state.agents[live.agent]
    busy_us = live.busy_us
    if live.running:
        started_us = state.operations[live.running].started_us
        busy_us += max(0, at_us - (started_us or at_us))
    if not agent.is_alive:
        standing, reason = "lost", f"agent {agent.id} is lost"
    elif not live.is_up:
        standing, reason = "down", live.reason
    elif live.held is not None and live.held.is_restart:
        standing, reason = "restarting", live.held.reason
    else:
        standing, reason = ("draining" if agent.is_draining else "up"), ""
    return MachineView(
        report=live.report,
        agent=agent.id,
        box=live.box,
        state=standing,
        reason=reason,
        busy_us=busy_us,
        since_us=live.since_us,
        running=live.running,
    )
