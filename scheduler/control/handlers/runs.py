"""Runs that come and end: submitted, cancelled, too late, forgotten."""

from __future__ import annotations

from heapq import heappop, heappush

from scheduler.control.commands import ForgetRun
from scheduler.control.events import RunCancelled, RunSubmitted
from scheduler.control.planning.planning import is_beyond_horizon
from scheduler.control.records import RunState
from scheduler.control.state.arrivals import Arrivals
from scheduler.control.state.expansion import expand
from scheduler.control.state.graph import missing_inputs
from scheduler.control.state.operations import LiveRun
from scheduler.control.state.runs import (
    admit,
    end_run,
    finish_run,
    forget_at_us,
    new_run,
    register,
    release,
)
from scheduler.control.state.runs import forget as forget_run
from scheduler.control.state.state import State, Turn
from scheduler.control.workload import Workload
from scheduler.model.messages import FailureReason


def submit(state: State, turn: Turn, event: RunSubmitted) -> None:
    """Accept a run."""
    if event.run in state.runs:
        return
    graph = state.workloads.get(event.workload)
    run = new_run(state, event, graph or Workload(name="", version=0, stages=(), outputs={}))
    admit(state, turn, run)
    missing = missing_inputs(run.graph, run.inputs)
    if graph is None or missing:
        detail = f"inputs are missing: {', '.join(missing)}" if graph else "no such workload"
        end_run(state, turn, run, RunState.FAILED, FailureReason.INVALID.value, detail)
        return
    expand(state, run)
    register(state, run, before=0)
    if is_beyond_horizon(state, run):
        state.plan.left_out += run.unfinished
    else:
        turn.submitted = run
    state.arrivals.setdefault((run.workload, run.band), Arrivals(event)).note(event)
    if run.drop_late and run.deadline_us is not None:
        heappush(state.deadlines, (run.deadline_us, run.sequence, run.id))
        expire(state, turn)
    if not run.unfinished and not run.is_ended:
        finish_run(state, turn, run)


def cancel(state: State, turn: Turn, event: RunCancelled) -> None:
    """End a run because somebody wants it ended."""
    run = state.active.get(event.run)
    if run is not None:
        reason = FailureReason.CANCELLED.value
        end_run(state, turn, run, RunState.CANCELLED, reason, event.reason or "cancelled")


def expire(state: State, turn: Turn) -> None:
    """End the runs that are past their deadline."""
    while state.deadlines and state.deadlines[0][0] <= state.now_us:
        run = state.active.get(heappop(state.deadlines)[2])
        if run is not None:
            detail = f"not through at its deadline; {_progress(run)}"
            reason = FailureReason.DEADLINE.value
            end_run(state, turn, run, RunState.FAILED, reason, detail)


def forget(state: State, turn: Turn) -> None:
    """Forget runs that have ended and have been kept long enough."""
    settings = state.settings
    while state.ended and (
        len(state.ended) > settings.keep_ended_runs
        or forget_at_us(state, state.ended[0]) <= state.now_us
    ):
        forget_run(state, turn, state.runs[state.ended.popleft()])


def say_again(state: State, turn: Turn) -> None:
    """Repeat all that may have been lost with the last controller: records and releases."""
    for run in state.runs.values():
        run.changed = dict.fromkeys(run.operations)
        turn.runs[run.id] = None
    for name in state.ended:
        release(state, turn, state.runs[name])
    turn.commands.extend(ForgetRun(release=release) for release in state.forgotten)


def _progress(run: LiveRun) -> str:
    return f"{run.done} of {run.total} operations were done"
