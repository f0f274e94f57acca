"""The view of the site."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from itertools import islice

from scheduler.control.outbox.records import plain_operation, summary
from scheduler.control.planning.explaining import Timetable
from scheduler.control.planning.planning import bound_us
from scheduler.control.records import (
    InversionKind,
    KeptWindow,
    MachineView,
    OperationRecord,
    OperationState,
    ReplanReason,
    SiteView,
)
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import ENDED, LiveOperation, LiveRun
from scheduler.control.state.plan import Reservation
from scheduler.control.state.state import State
from scheduler.model.problem import Band

_BARS = 600
_BARS_FOR_US = 60_000_000
_ENDED_RUNS = 50
_ACTIVE_RUNS = 200
"""More than a person reads; a view of thousands would hold up whoever makes it and shows it."""
_COUNTERS = (
    "runs_finished",
    "runs_failed",
    "runs_cancelled",
    "runs_dropped",
    "runs_missed",
    "runs_met",
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
    "calls",
    "calls_failed",
    "calls_refused",
    "calls_late",
    "call_revocation_us",
    *(f"replans_{reason}" for reason in ReplanReason),
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
        runs=tuple(summary(state, run, table, ()) for run in [*shown, *reversed(ended)]),
        counters={name: state.counters.get(name, 0) for name in _COUNTERS},
        profiles=tuple(state.profiles.values()),
        runs_left_out=_left_out(state, shown),
        kept=tuple(_window(kept) for kept in state.plan.reservations if kept.until_us > at_us),
        inversions=tuple(state.inversions),
        epoch=state.epoch,
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
    shown = tuple(_bar(table, op) for op in list(bars.values())[:_BARS])
    return (*shown, *_call_bars(state, at_us))


def _call_bars(state: State, at_us: int) -> Iterator[OperationRecord]:
    """One bar for each batch of calls: as long as all of them took, up to the last one's end."""
    for batch in state.leases.served:
        model = state.models.get(batch.digest)
        if at_us - batch.at_us < _BARS_FOR_US and batch.busy_us:
            name = next(iter(model.names)) if model is not None else batch.digest
            yield OperationRecord(
                operation=f"{batch.lease}/{batch.machine}/{batch.since_us}",
                run=batch.lease,
                stage=f"{batch.done} calls",
                item=None,
                work=name,
                state=OperationState.DONE,
                band=batch.band,
                machine=batch.machine,
                provider=batch.provider,
                started_us=max(batch.since_us, batch.at_us - batch.busy_us),
                ended_us=batch.at_us,
                duration_p50_us=batch.p50_us,
                duration_p95_us=batch.p95_us,
            )


def _bar(table: Timetable, op: LiveOperation) -> OperationRecord:
    """An operation without candidates and shapes: its run's record tells them."""
    if op.state not in ENDED:
        return plain_operation(table, op)
    if op.bar is None:
        op.bar = plain_operation(table, op)
    return op.bar


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
