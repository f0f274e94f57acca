"""Records of runs, the view of the site, and dry runs."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import islice

from scheduler.control.forecast.deadlines import chance, late_us, spread_us
from scheduler.control.planning.explaining import Timetable, candidates, why_waiting
from scheduler.control.planning.planning import bound_us
from scheduler.control.records import (
    Candidate,
    Cause,
    InversionKind,
    KeptWindow,
    MachineView,
    OperationRecord,
    OperationState,
    RunRecord,
    SiteView,
)
from scheduler.control.state.delays import causes
from scheduler.control.state.fleet import LiveMachine, Shapes
from scheduler.control.state.inputs import input_shapes
from scheduler.control.state.operations import ENDED, PENDING, LiveOperation, LiveRun
from scheduler.control.state.plan import Reservation
from scheduler.control.state.state import State
from scheduler.model.problem import Band

_BARS = 600
_BARS_FOR_US = 60_000_000
_ENDED_RUNS = 50
_ACTIVE_RUNS = 200
"""More than a person reads; a view of thousands would hold up whoever makes it and shows it."""
_WAITS_SHOWN = 100
_COUNTERS = (
    "runs_finished",
    "runs_failed",
    "runs_cancelled",
    "operations",
    "retries",
    "preemptions",
    *(f"inversions_{kind}" for kind in InversionKind),
    "plans_accepted",
    "plans_dropped",
    "plans_proven_good",
    "plans_unanswered",
    "replans",
    "suspicions",
    "duplicates",
    "aged",
)


def run_record(
    state: State, run: LiveRun, table: Timetable | None = None, *, is_whole: bool = True
) -> RunRecord:
    """A run with all its operations, or with those that are still open."""
    table = table or Timetable(state)
    ops = (run.operations if is_whole else run.open).values()
    operations = tuple(operation_record(state, table, op) for op in ops)
    waited = run.waited if run.is_ended else causes.of_run(state, run)
    return replace(_summary(state, run, table, operations), waited=waited)


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

    What has not been decided about them is not worked out: somebody who asks is told that.
    """
    operations = tuple(
        _whole(table, op, _decided(op)) for op in (run.operations[name] for name in run.changed)
    )
    return _summary(state, run, table, operations)


def _whole(table: Timetable, op: LiveOperation, found: tuple[Candidate, ...]) -> OperationRecord:
    """An operation with all that is decided of it, and what it waited for up to its start."""
    return _operation(
        table, op, candidates_of=found, shapes=input_shapes(op), waited=dict(op.waited)
    )


def site_view(state: State, at_us: int) -> SiteView:
    """Everything a dashboard needs, at one moment."""
    table = Timetable(state)
    # Runs are kept in the order in which they were submitted.
    unfinished = next((run for run in state.active.values() if run.kind == "run"), None)
    origin_us = unfinished.submitted_us if unfinished else state.origin_us
    end_us = at_us if unfinished else state.last_end_us
    shown = _shown(state)
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
        runs=tuple(_summary(state, run, table, ()) for run in [*shown, *reversed(ended)]),
        counters={name: state.counters.get(name, 0) for name in _COUNTERS},
        profiles=tuple(state.profiles.values()),
        runs_left_out=_left_out(state, shown),
        kept=tuple(_window(kept) for kept in state.plan.reservations if kept.until_us > at_us),
        inversions=tuple(state.inversions),
    )


def _window(kept: Reservation) -> KeptWindow:
    return KeptWindow(
        machine=kept.machine,
        workload=kept.workload,
        band=kept.band,
        from_us=kept.from_us,
        until_us=kept.until_us,
        run=kept.run,
    )


def _left_out(state: State, shown: list[LiveRun]) -> dict[str, int]:
    """Count the runs that wait and are not shown, by band."""
    seen = Counter(run.effective_band for run in shown)
    counts = {band: state.index.count(band) - seen[band] for band in Band}
    return {band.name.lower(): count for band, count in counts.items() if count}


def _shown(state: State) -> list[LiveRun]:
    """Runs that are with an agent, and the most urgent of the others, by when they came."""
    found = {op.run.id: op.run for op in state.index.sent.values()}
    for run in islice(state.index.by_urgency(), _ACTIVE_RUNS):
        found[run.id] = run
    return sorted(found.values(), key=lambda run: run.sequence)


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
    waited: dict[Cause, int] | None = None,
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
    )


def _summary(
    state: State, run: LiveRun, table: Timetable, operations: tuple[OperationRecord, ...]
) -> RunRecord:
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
    elif (silent := state.suspicions.of.get(live.report.id)) is not None:
        standing, reason = "suspected", f"does not answer about {silent.operation}"
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
