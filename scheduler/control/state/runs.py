"""Runs as a part of the state: taken in, ended, released, forgotten."""

from __future__ import annotations

from scheduler.control.commands import ForgetRun, ReleaseInputs
from scheduler.control.events import RunSubmitted
from scheduler.control.records import OperationState, ReplanReason, RunState, is_missed
from scheduler.control.records.story import Trigger
from scheduler.control.state import transitions
from scheduler.control.state.delays.causes import of_run
from scheduler.control.state.inputs import run_outputs
from scheduler.control.state.operations import SENT, LiveRun
from scheduler.control.state.state import State, Turn
from scheduler.control.state.story import Story
from scheduler.control.workload import Workload
from scheduler.model.messages import FailureReason, Release, Value


def new_run(state: State, event: RunSubmitted, graph: Workload) -> LiveRun:
    """Build a run that was submitted; it is not part of the state yet."""
    return LiveRun(
        id=event.run,
        kind="run",
        workload=event.workload,
        sequence=state.sequence,
        submitted_us=event.at_us,
        band=event.band,
        effective_band=event.band,
        graph=graph,
        inputs=event.inputs,
        weight=event.weight,
        deadline_us=event.deadline_us,
        due_us=event.due_us,
        drop_late=event.drop_late,
        allow=event.allow,
        forbid=event.forbid,
    )


def admit(state: State, turn: Turn, run: LiveRun) -> None:
    """Make a run part of the state."""
    state.sequence += 1
    run.sequence = state.sequence
    state.runs[run.id] = state.active[run.id] = run
    state.index.add(run)
    turn.runs[run.id] = None
    transitions.run_submitted(run, state.now_us)


def register(state: State, run: LiveRun, *, before: int) -> None:
    """Make the operations of a run known by name; `before` of them were known and not done."""
    state.operations.update(run.open)
    state.index.unfinished += run.unfinished - before


def end_run(
    state: State, turn: Turn, run: LiveRun, ended: RunState, reason: str, detail: str
) -> None:
    """Give a run its final state, and stop all that is left of it."""
    run.waited = of_run(state, run)
    is_planned = any(op.id in state.plan.planned for op in run.open.values())
    if not is_planned and run.id not in state.blocked_runs:
        # Beyond the horizon it holds nobody up, nor the runs that come after it.
        state.plan.left_out = max(0, state.plan.left_out - run.unfinished)
    for op in list(run.open.values()):
        if op.state in SENT:
            turn.plan_again(ReplanReason.RUN_ENDED)
        if op.id in state.plan.planned:
            # Agents go on in the order of the plan; later operations can be moved up in time.
            state.plan.note_off(state.settings)
        transitions.ended(state, turn, op, OperationState.CANCELLED, Trigger.RUN_ENDED)
    state.index.remove(run)
    run.rest = 0
    transitions.run_ended(run, state.now_us, ended, reason, detail)
    state.last_end_us = state.now_us
    state.origin_us = run.submitted_us
    del state.active[run.id]
    state.blocked_runs.pop(run.id, None)
    state.ended.append(run.id)
    state.kept_operations += len(run.operations)
    _let_go_of_oldest(state, turn)
    state.count(f"{run.kind}s_{ended.value}")
    _count_deadline(state, run)
    turn.runs[run.id] = None
    release(state, turn, run)


def _count_deadline(state: State, run: LiveRun) -> None:
    """Count a run that ended as dropped, missed or met; measuring runs have no deadline."""
    if run.reason == FailureReason.DEADLINE:
        state.count("runs_dropped")
    if is_missed(run.state, run.reason, run.ended_us, run.deadline_us):
        state.count("runs_missed")
    elif run.state is RunState.FINISHED and run.deadline_us is not None:
        state.count("runs_met")


def finish_run(state: State, turn: Turn, run: LiveRun, detail: str = "") -> None:
    """End a run whose operations are all done."""
    run.outputs = run_outputs(run)
    end_run(state, turn, run, RunState.FINISHED, "", detail)


def _let_go_of_oldest(state: State, turn: Turn) -> None:
    """Have the runs that ended first keep no operations where there are too many of them.

    Their records are stored; nothing else asks for them.
    """
    for name in state.ended:
        if state.kept_operations <= state.settings.keep_ended_operations:
            return
        if name not in turn.runs:
            _let_go_of_operations(state, state.runs[name])


def _let_go_of_operations(state: State, run: LiveRun) -> None:
    # An operation knows its run, and the run its operations: nothing would ever free that circle
    # where the collector of garbage no longer looks.
    for name in run.operations:
        state.operations.pop(name, None)
    state.kept_operations -= len(run.operations)
    run.operations, run.items, run.story = {}, {}, Story()


def release(state: State, turn: Turn, run: LiveRun) -> None:
    """Have everybody delete the tensors of an ended run, but for its outputs."""
    if run.kind != "run":
        return
    released = Release(run=run.id, keep=_kept_keys(run.outputs))
    for agent in run.touched:
        _let_go(state, agent, released)
    turn.commands.append(ReleaseInputs(release=released))


def _let_go(state: State, agent: str, release: Release) -> None:
    """Tell an agent of tensors that it may delete, with its next plan or after a while."""
    live = state.agents[agent]
    live.releases.append(release)
    if live.release_by_us is None:
        live.release_by_us = state.now_us + state.settings.release_after_us


def _kept_keys(outputs: dict[str, Value]) -> tuple[str, ...]:
    keys = {t.key: None for value in outputs.values() for t in value.tensors if t.key}
    return tuple(keys)


def forget(state: State, turn: Turn, run: LiveRun) -> None:
    """Forget a run that has ended, and have everybody delete the rest of its tensors."""
    given_up = Release(run=run.id)
    del state.runs[run.id]
    _let_go_of_operations(state, run)
    turn.runs.pop(run.id, None)
    for agent_id in run.touched:
        _let_go(state, agent_id, given_up)
        stops = state.agents[agent_id].stops
        for pair in [pair for pair in stops if pair[0].startswith(f"{run.id}/")]:
            del stops[pair]
    state.forgotten.append(given_up)
    turn.commands.append(ForgetRun(release=given_up))


def forget_at_us(state: State, run: str) -> int:
    """Time until which a run that has ended is remembered."""
    return (state.runs[run].ended_us or 0) + state.settings.keep_ended_us
