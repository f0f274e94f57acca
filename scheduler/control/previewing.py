"""Dry runs: the same planning as in earnest, on a run that is not part of the state."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from scheduler.control.events import RunSubmitted
from scheduler.control.expansion import expand
from scheduler.control.explaining import Timetable
from scheduler.control.foreseeing import foresee
from scheduler.control.lifecycle import new_run
from scheduler.control.live import LiveRun, Placement
from scheduler.control.planning import absolute, solve
from scheduler.control.preempting import choose
from scheduler.control.records import Preemption, Preview
from scheduler.control.snapshot import Snapshot, snapshot
from scheduler.control.state import State
from scheduler.control.views import run_record
from scheduler.model.bounds import lower_bound
from scheduler.model.errors import UnknownName
from scheduler.model.problem import Problem


def preview(state: State, submission: RunSubmitted) -> tuple[Preview, Problem]:
    """Answer what a run would get, and what others would lose; changes nothing.

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
    found = snapshot(state, (run,))
    schedule = solve(state, found)
    placements = absolute(state, found, schedule)
    stops = _stops(state, run, found, placements)
    stopped = {each.victim for each in stops if not each.refused}
    if stopped:
        found = snapshot(state, (run,), stopped)
        schedule = solve(state, found)
        placements = absolute(state, found, schedule)
    for op in run.operations.values():
        op.placement = placements.get(op.id)
    makespan_us = bound_us = 0
    if any(op.placement is not None for op in run.operations.values()):
        makespan_us = schedule.makespan_us - found.problem.now_us
        bound_us = max(0, lower_bound(found.problem) - found.problem.now_us)
    answer = Preview(
        record=run_record(state, run, Timetable(state, placements)),
        makespan_us=makespan_us,
        bound_us=bound_us,
        gap=(makespan_us - bound_us) / makespan_us if makespan_us else 0.0,
        solver=state.placement,
        preempted=_losses_us(state, found, placements, run),
        preemptions=stops,
    )
    return answer, found.problem


def _stops(
    state: State, run: LiveRun, found: Snapshot, placements: dict[str, Placement]
) -> tuple[Preemption, ...]:
    """What would be stopped for the run, and what would not although it is in its way."""
    ops = [op for op in run.operations.values() if op.id in placements]
    return choose(state, ((op, placements[op.id], found.options[op.id].modes) for op in ops))


def _losses_us(
    state: State, found: Snapshot, placements: dict[str, Placement], run: LiveRun
) -> dict[str, int]:
    """Runs that would end later than without this one, and by how much."""
    without = snapshot(state)
    ends_us = _ends_us(without, absolute(state, without, solve(state, without)))
    losses: dict[str, int] = {}
    for name, end_us in _ends_us(found, placements).items():
        if name != run.id and end_us > ends_us.get(name, end_us):
            losses[name] = end_us - ends_us[name]
    return losses


def _ends_us(found: Snapshot, placements: dict[str, Placement]) -> dict[str, int]:
    ends_us: dict[str, int] = {}
    for op in found.running:
        ends_us[op.run.id] = max(ends_us.get(op.run.id, 0), op.expected_end_us)
    for op in found.planned:
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
