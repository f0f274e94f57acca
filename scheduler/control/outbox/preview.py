"""Dry runs: the same planning as in earnest, on a run that is not part of the state."""

from __future__ import annotations

from collections.abc import Container, Iterator
from contextlib import contextmanager
from dataclasses import replace

from scheduler.control.events import RunSubmitted
from scheduler.control.forecast.loads import foresee
from scheduler.control.outbox.records import run_record
from scheduler.control.planning.explaining import Timetable
from scheduler.control.planning.planning import absolute, solve
from scheduler.control.planning.preemption import choose
from scheduler.control.planning.snapshot import Snapshot, take_snapshot
from scheduler.control.records import LeftOut, Preemption, Preview, Reason, RunRecord
from scheduler.control.state.expansion import expand
from scheduler.control.state.operations import LiveRun, Placement
from scheduler.control.state.runs import new_run
from scheduler.control.state.state import State
from scheduler.model.bounds import lower_bound
from scheduler.model.errors import UnknownName
from scheduler.model.problem import Problem

_NEVER_MEANT = frozenset(
    {Reason.FORBIDDEN, Reason.NOT_ALLOWED, Reason.NO_FUNCTION, Reason.PROVIDER_UNUSABLE}
)
"""Ruled out by the run, or by the installation: no surprise to anybody."""


def preview(state: State, submission: RunSubmitted) -> tuple[Preview, Problem]:
    """Answer a dry run: the plan for a run, and the losses of others; changes nothing.

    Raises
    ------
    UnknownName
        If there is no such workload.
    """
    graph = state.workloads.get(submission.workload)
    if graph is None:
        choices = ", ".join(state.workloads) or "none yet"
        got = submission.workload
        raise UnknownName(f"workload must be one of {choices}; got {got!r}", field="workload")
    with _at(state, submission.at_us):
        run = new_run(state, submission, graph)
        run.sequence = state.sequence + 1
        expand(state, run)
        foresee(state, (run,))
        return _answer(state, run)


def _answer(state: State, run: LiveRun) -> tuple[Preview, Problem]:
    stops: list[Preemption] = []
    while True:
        freed_us = {way.victim: state.now_us + way.stop_us + way.restart_us for way in stops}
        snapshot = take_snapshot(state, (run,), freed_us)
        schedule = solve(state, snapshot)
        placements = absolute(state, snapshot, schedule)
        best, refused = _stop(state, run, snapshot, placements, freed_us)
        if best is None:
            break
        stops.append(best)
    for op in run.operations.values():
        op.placement = placements.get(op.id)
    makespan_us = bound_us = 0
    if any(op.placement is not None for op in run.operations.values()):
        makespan_us = schedule.makespan_us - snapshot.problem.now_us
        bound_us = max(0, lower_bound(snapshot.problem) - snapshot.problem.now_us)
    answer = Preview(
        record=_promised(run_record(state, run, Timetable(state, placements))),
        makespan_us=makespan_us,
        bound_us=bound_us,
        gap=(makespan_us - bound_us) / makespan_us if makespan_us else 0.0,
        solver=state.placement,
        preempted=_losses_us(state, snapshot, placements, run),
        preemptions=(*stops, *_left_alone(stops, refused)),
        left_out=_left_out(run, snapshot),
        ahead=snapshot.ahead,
        beyond=run.rest,
    )
    return answer, snapshot.problem


def _promised(record: RunRecord) -> RunRecord:
    """The record with the promise that the run would get: the present estimate."""
    return replace(
        record,
        predicted_p50_us=record.estimated_p50_us,
        predicted_p95_us=record.estimated_p95_us,
        chance=record.estimated_chance,
    )


def _stop(
    state: State,
    run: LiveRun,
    snapshot: Snapshot,
    placements: dict[str, Placement],
    stopped: Container[str],
) -> tuple[Preemption | None, tuple[Preemption, ...]]:
    """The next stop for the run, and the stops that are refused although they are in its way."""
    ops = [op for op in run.operations.values() if op.id in placements]
    planned = ((op, placements[op.id], snapshot.options[op.id].modes) for op in ops)
    return choose(state, planned, stopped)


def _left_alone(made: list[Preemption], refused: tuple[Preemption, ...]) -> Iterator[Preemption]:
    """Ways that are refused for operations that got no other."""
    served = {way.operation for way in made}
    return (way for way in refused if way.operation not in served)


def _left_out(run: LiveRun, snapshot: Snapshot) -> tuple[LeftOut, ...]:
    """Places that cannot run it now, per kind of work, but for those that its rules exclude."""
    places = {
        (op.stage.target, candidate.machine, candidate.provider): candidate
        for op in run.operations.values()
        for candidate in snapshot.options[op.id].refused
        if candidate.reason not in _NEVER_MEANT
    }
    return tuple(
        LeftOut(work=work, machine=at, provider=by, reason=why.reason, detail=why.detail)
        for (work, at, by), why in places.items()
        if why.reason is not None
    )


def _losses_us(
    state: State, snapshot: Snapshot, placements: dict[str, Placement], run: LiveRun
) -> dict[str, int]:
    """Runs that would end later than without this one, and by how much."""
    without = take_snapshot(state)
    ends_us = _ends_us(without, absolute(state, without, solve(state, without)))
    losses: dict[str, int] = {}
    for name, end_us in _ends_us(snapshot, placements).items():
        if name != run.id and end_us > ends_us.get(name, end_us):
            losses[name] = end_us - ends_us[name]
    return losses


def _ends_us(snapshot: Snapshot, placements: dict[str, Placement]) -> dict[str, int]:
    ends_us: dict[str, int] = {}
    for op in snapshot.running:
        ends_us[op.run.id] = max(ends_us.get(op.run.id, 0), op.expected_end_us)
    for op in snapshot.planned:
        ends_us[op.run.id] = max(ends_us.get(op.run.id, 0), placements[op.id].end_us)
    return ends_us


@contextmanager
def _at(state: State, at_us: int) -> Iterator[None]:
    """Look at the state at a later time than that of its last event."""
    now_us, foreseen, load_keys = state.now_us, state.foreseen, state.load_keys
    state.now_us = max(now_us, at_us)
    try:
        yield
    finally:
        state.now_us, state.foreseen, state.load_keys = now_us, foreseen, load_keys
