"""How runs come and end: submitted, finished, cancelled, too late, forgotten."""

from __future__ import annotations

from heapq import heappop, heappush

from scheduler.control.commands import ForgetRun, ReleaseInputs, WakeAt
from scheduler.control.events import RunCancelled, RunSubmitted
from scheduler.control.handlers.idling import gap_due_us
from scheduler.control.planning.backfilling import ends_us
from scheduler.control.planning.hurrying import look_again_us
from scheduler.control.planning.planning import is_beyond_horizon
from scheduler.control.records import OperationState, RunState
from scheduler.control.state.arrivals import Rhythm
from scheduler.control.state.delays.causes import of_run
from scheduler.control.state.delays.timelines import note_work
from scheduler.control.state.expansion import expand, missing_inputs, run_outputs
from scheduler.control.state.holds import hold
from scheduler.control.state.operations import SENT, LiveOperation, LiveRun
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import move
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
    state.rhythms.setdefault((run.workload, run.band), Rhythm(event)).note(event)
    if run.drop_late and run.deadline_us is not None:
        heappush(state.deadlines, (run.deadline_us, run.sequence, run.id))
        expire(state, turn)
    if not run.unfinished and not run.is_ended:
        finish_run(state, turn, run)


def admit(state: State, turn: Turn, run: LiveRun) -> None:
    """Make a run part of the state."""
    state.sequence += 1
    run.sequence = state.sequence
    state.runs[run.id] = state.active[run.id] = run
    state.index.add(run)
    turn.runs[run.id] = None


def register(state: State, run: LiveRun, *, before: int) -> None:
    """Make the operations of a run known by name; `before` of them were known and not done."""
    state.operations.update(run.open)
    state.index.unfinished += run.unfinished - before


def cancel(state: State, turn: Turn, event: RunCancelled) -> None:
    """End a run because somebody wants it ended."""
    run = state.active.get(event.run)
    if run is not None:
        reason = FailureReason.CANCELLED.value
        end_run(state, turn, run, RunState.CANCELLED, reason, event.reason or "cancelled")


def expire(state: State, turn: Turn) -> None:
    """End what is past its deadline."""
    while state.deadlines and state.deadlines[0][0] <= state.now_us:
        run = state.active.get(heappop(state.deadlines)[2])
        if run is not None:
            detail = f"not through at its deadline; {_progress(run)}"
            reason = FailureReason.DEADLINE.value
            end_run(state, turn, run, RunState.FAILED, reason, detail)


def forget(state: State, turn: Turn) -> None:
    """Forget what has ended and has been kept long enough."""
    settings = state.settings
    while state.ended and (
        len(state.ended) > settings.keep_ended_runs
        or _forget_at_us(state, state.ended[0]) <= state.now_us
    ):
        _forget(state, turn, state.runs[state.ended.popleft()])


def wake(state: State, turn: Turn, hopeless_us: int | None = None) -> None:
    """Ask to be woken for what is next: a deadline, a plan to make anew, a run to forget.

    Parameters
    ----------
    hopeless_us
        When a run is given up that no machine can take.
    """
    times = [state.deadlines[0][0]] if state.deadlines else []
    if state.ended:
        times.append(_forget_at_us(state, state.ended[0]))
    stale_us = state.plan.stale_us if state.plan.planned else None
    found = (
        gap_due_us(state),
        look_again_us(state),
        stale_us,
        state.suspicions.due_us(),
        state.ageing.due_us,
        hopeless_us,
    )
    times += [due_us for due_us in found if due_us is not None]
    times += ends_us(state)
    alive = (agent for agent in state.agents.values() if agent.is_alive)
    times += [agent.release_by_us for agent in alive if agent.release_by_us is not None]
    # Also a later one: a wake-up for nothing costs the store two syncs, in which others wait.
    if times and min(times) != state.wake_us:
        state.wake_us = min(times)
        turn.commands.append(WakeAt(at_us=state.wake_us))


def end_run(
    state: State, turn: Turn, run: LiveRun, ended: RunState, reason: str, detail: str
) -> None:
    """Give a run its final state and stop whatever is left of it."""
    run.waited = of_run(state, run)
    is_planned = any(op.id in state.plan.planned for op in run.open.values())
    if not is_planned and run.id not in state.blocked_runs:
        # Beyond what is planned it holds nobody up, nor whoever comes after it.
        state.plan.left_out = max(0, state.plan.left_out - run.unfinished)
    for op in list(run.open.values()):
        turn.replan = turn.replan or op.state in SENT
        if op.id in state.plan.planned:
            # Agents go on in the order of the plan; what comes after can be moved up in time.
            state.plan.note_off(state.settings)
        withdraw(state, turn, op)
        op.ended_us = state.now_us
        move(state.index, op, OperationState.CANCELLED)
    state.index.remove(run)
    run.rest = 0
    run.state, run.reason, run.detail = ended, reason, detail
    run.ended_us = state.last_end_us = state.now_us
    state.origin_us = run.submitted_us
    del state.active[run.id]
    state.blocked_runs.pop(run.id, None)
    state.ended.append(run.id)
    state.kept_operations += len(run.operations)
    _let_go_of_oldest(state, turn)
    state.count(f"{run.kind}s_{ended.value}")
    turn.runs[run.id] = None
    _release(state, turn, run)


def finish_run(state: State, turn: Turn, run: LiveRun, detail: str = "") -> None:
    """End a run whose operations are all done."""
    run.outputs = run_outputs(run)
    end_run(state, turn, run, RunState.FINISHED, "", detail)


def withdraw(state: State, turn: Turn, op: LiveOperation) -> None:
    """Take an operation from whoever has it, and from the plan."""
    if op.state in SENT:
        note_stop(state, op)
        stop(turn, op)
    take_out(state, op)
    free_machine(state, op, state.now_us)
    op.agent = ""


def take_out(state: State, op: LiveOperation) -> None:
    """Remove an operation from the plan and from what its agent is known to have queued."""
    state.plan.drop(op)
    for name in op.sent:
        live = state.machines.get(name)
        if live is not None:
            live.queue = [pair for pair in live.queue if pair[0] != op.id]


def stop(turn: Turn, op: LiveOperation) -> None:
    """Have the agent of an operation abort or forget its latest attempt."""
    turn.stops.setdefault(op.agent, []).append((op.id, op.attempt))


def note_stop(state: State, op: LiveOperation) -> None:
    """Begin to measure how long what runs takes to let go, and expect its machine after that."""
    if op.state is OperationState.RUNNING:
        state.stops.ask((op.id, op.attempt), (op.machine, op.provider), state.now_us)
        hold(state, op)


def free_machine(state: State, op: LiveOperation, at_us: int) -> None:
    """Note that the machine of a running operation is free, and for how long it was busy."""
    live = state.machines.get(op.machine)
    if live is None:
        return
    # Also where its start was never reported.
    live.free_us = max(live.free_us, at_us)
    if live.running == op.id:
        live.running = ""
        live.busy_us += max(0, at_us - (op.started_us or at_us))
        note_work(live, op, at_us)


def say_again(state: State, turn: Turn) -> None:
    """Repeat what may have been lost with the last controller: records and releases."""
    for run in state.runs.values():
        run.changed = dict.fromkeys(run.operations)
        turn.runs[run.id] = None
    for name in state.ended:
        _release(state, turn, state.runs[name])
    turn.commands.extend(ForgetRun(release=release) for release in state.forgotten)


def _forget_at_us(state: State, run: str) -> int:
    return (state.runs[run].ended_us or 0) + state.settings.keep_ended_us


def _forget(state: State, turn: Turn, run: LiveRun) -> None:
    release = Release(run=run.id)
    del state.runs[run.id]
    _let_go_of_operations(state, run)
    turn.runs.pop(run.id, None)
    for agent_id in run.touched:
        _let_go(state, agent_id, release)
        stops = state.agents[agent_id].stops
        for pair in [pair for pair in stops if pair[0].startswith(f"{run.id}/")]:
            del stops[pair]
    state.forgotten.append(release)
    turn.commands.append(ForgetRun(release=release))


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
    run.operations, run.items = {}, {}


def _release(state: State, turn: Turn, run: LiveRun) -> None:
    """Have everybody delete the tensors of an ended run, but for its outputs."""
    if run.kind != "run":
        return
    release = Release(run=run.id, keep=_kept_keys(run.outputs))
    for agent in run.touched:
        _let_go(state, agent, release)
    turn.commands.append(ReleaseInputs(release=release))


def _let_go(state: State, agent: str, release: Release) -> None:
    """Tell an agent what it may delete, with its next plan or after a while."""
    live = state.agents[agent]
    live.releases.append(release)
    if live.release_by_us is None:
        live.release_by_us = state.now_us + state.settings.release_after_us


def _kept_keys(outputs: dict[str, Value]) -> tuple[str, ...]:
    keys = {t.key: None for value in outputs.values() for t in value.tensors if t.key}
    return tuple(keys)


def _progress(run: LiveRun) -> str:
    return f"{run.done} of {run.total} operations were done"
