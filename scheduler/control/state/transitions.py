"""The one writer of operations' states and of the live fields of machines.

An operation changes its state here and nowhere else, by a table of (start, end) as the worker of
dask/distributed has it. Each change takes its trigger and adds a line to the story of its run; all
that is derived from states, in the index and in the run, follows in the same step. A handler
decides that something is to change, and calls the function that is named after it.

Machines too: `running`, `queue`, `held`, `free_us`, `busy_us`, `up_us`, `is_up` and its reason.
"""

from __future__ import annotations

from collections.abc import Callable

from scheduler.control.records import OperationState, RunState
from scheduler.control.records.story import StoryLine, Trigger
from scheduler.control.state.delays.causes import note_again
from scheduler.control.state.delays.timelines import note_held, note_work
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.holds import ends_worker, hold_of, restart_of
from scheduler.control.state.index import Index
from scheduler.control.state.operations import LiveOperation, LiveRun
from scheduler.control.state.sessions import forget_sessions
from scheduler.control.state.state import State, Turn
from scheduler.control.state.suspicions import patience_us
from scheduler.model.errors import Defect
from scheduler.model.messages import CallsReported, OperationFinished
from scheduler.model.problem import Mode

_EXPECTED, _WAITING = OperationState.EXPECTED, OperationState.WAITING
_DISPATCHED, _RUNNING = OperationState.DISPATCHED, OperationState.RUNNING
_DONE, _FAILED, _CANCELLED = OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED


def list_known(op: LiveOperation, now_us: int) -> None:
    """Turn an expected operation into one that waits: the list that it is of has come.

    Nothing is derived from that, so it needs no index.
    """
    _tell(op, now_us, _EXPECTED, _WAITING, Trigger.LIST_KNOWN)
    op.state = _WAITING
    op.run.changed[op.id] = None


def dispatched(state: State, op: LiveOperation) -> None:
    """Pin an operation to the agent of its machine, as a new attempt."""
    assert op.placement is not None
    machine = op.placement.mode.machine
    op.attempt += 1
    _move(state, op, _DISPATCHED, Trigger.SENT, machine=machine)
    op.agent = state.machines[machine].agent
    op.sent, op.foreseen, op.sent_us = {}, {}, state.now_us
    op.run.touched[op.agent] = None
    op.notify = ()


def retracted(state: State, turn: Turn, op: LiveOperation) -> None:
    """Take an operation back from its agent: it cannot run there any more, or would wait for ever.

    The attempt is given up; if it comes through all the same, its result counts.
    """
    stop(turn, op)
    _move(state, op, _WAITING, Trigger.RETRACTED, machine=op.machine)
    op.agent = ""
    op.lost[op.attempt] = 0


def started(state: State, op: LiveOperation, mode: Mode, at_us: int) -> None:
    """Freeze an operation that runs: in this mode, since then. It leaves plan and queues."""
    _move(state, op, _RUNNING, Trigger.STARTED, machine=mode.machine)
    op.mode, op.started_us = mode, at_us
    op.machine, op.provider = mode.machine, mode.provider
    op.runtime, op.plug_in = state.versions(mode.machine, mode.provider)
    live = state.machines[mode.machine]
    live.running, live.held = op.id, None
    take_out(state, op)


def done(state: State, op: LiveOperation, event: OperationFinished) -> None:
    """Accept the result of an operation, from any attempt."""
    take_out(state, op)
    op.started_us = min(event.started_us, event.at_us)
    live = state.machines.get(event.machine)
    if live is not None and live.running != op.id:
        live.busy_us += event.at_us - op.started_us
        note_work(live, op, event.at_us)
    _free_machine(state, op, event.at_us)
    op.machine = event.machine
    op.agent = live.agent if live is not None else ""
    op.ended_us, op.outputs = event.at_us, event.outputs
    _move(state, op, _DONE, Trigger.FINISHED, machine=event.machine)


def taken_back(state: State, op: LiveOperation, trigger: Trigger, detail: str) -> None:
    """Give up the present attempt of an operation: it waits for another one."""
    take_out(state, op)
    _free_machine(state, op, state.now_us)
    note_again(op, state.now_us)
    _move(state, op, _WAITING, trigger, machine=op.machine, detail=detail)
    op.agent = ""
    op.started_us, op.placement = None, None


def output_lost(state: State, op: LiveOperation) -> None:
    """Have an operation that is done run again: its output is gone, and somebody needs it."""
    note_again(op, state.now_us)
    _move(state, op, _WAITING, Trigger.OUTPUT_LOST, machine=op.machine)
    op.agent, op.bar = "", None
    op.outputs, op.placement = {}, None
    op.started_us = op.ended_us = None


def measured_anew(state: State, op: LiveOperation) -> None:
    """Have a profile that was cancelled wait again: its machine is back."""
    op.ended_us = op.bar = None
    _move(state, op, _WAITING, Trigger.MEASURED_ANEW)


def ended(
    state: State,
    turn: Turn,
    op: LiveOperation,
    to: OperationState,
    trigger: Trigger,
    detail: str = "",
) -> None:
    """End an operation without a result, and take it from its agent and from the plan."""
    if op.state in (_DISPATCHED, _RUNNING):
        note_stop(state, op)
        stop(turn, op)
    take_out(state, op)
    _free_machine(state, op, state.now_us)
    op.agent = ""
    op.ended_us = state.now_us
    _move(state, op, to, trigger, machine=op.machine, detail=detail)


def take_out(state: State, op: LiveOperation) -> None:
    """Remove an operation from the plan, and from the queues that its agent is known to have."""
    state.plan.drop(op)
    for name in op.sent:
        live = state.machines.get(name)
        if live is not None:
            live.queue = [pair for pair in live.queue if pair[0] != op.id]


def stop(turn: Turn, op: LiveOperation) -> None:
    """Have the agent of an operation abort or forget its latest attempt."""
    turn.stops.setdefault(op.agent, []).append((op.id, op.attempt))


def note_stop(state: State, op: LiveOperation) -> None:
    """Hold the machine of a running operation that is told to stop, until it should have let go.

    The time that it takes is measured from here.
    """
    if op.state is not _RUNNING:
        return
    state.stops.ask((op.id, op.attempt), (op.machine, op.provider), state.now_us)
    live = state.machines.get(op.machine)
    if live is not None and live.running == op.id:
        live.held = hold_of(state, op)
        until_us = live.held.until_us
        state.suspicions.look_us[op.machine] = until_us + patience_us(until_us - state.now_us)
        if ends_worker(state, op):
            forget_sessions(state, live)


def run_submitted(run: LiveRun, now_us: int) -> None:
    """Begin the story of a run."""
    _tell_run(run, now_us, "", Trigger.SUBMITTED)


def run_started(run: LiveRun, now_us: int, started_us: int) -> None:
    """Note that the first operation of a run has begun."""
    before, run.state, run.started_us = run.state, RunState.RUNNING, started_us
    _tell_run(run, now_us, before, Trigger.STARTED)


def run_ended(run: LiveRun, now_us: int, to: RunState, reason: str, detail: str) -> None:
    """Give a run its final state."""
    before, run.state, run.reason, run.detail = run.state, to, reason, detail
    run.ended_us = now_us
    said = f"{reason}: {detail}" if reason else detail
    trigger = Trigger.FINISHED if to is RunState.FINISHED else Trigger.RUN_ENDED
    _tell_run(run, now_us, before, trigger, said)


def queue_sent(live: LiveMachine, queue: list[tuple[str, int]]) -> None:
    """Note the attempts that an agent was told to have in front of a machine."""
    live.queue = queue


def hold_for_restart(state: State, live: LiveMachine, reason: str) -> None:
    """Count on a machine only once its next worker is there."""
    note_held(live, state.now_us)
    live.held = restart_of(state, live, reason)


def let_go(live: LiveMachine, attempt: tuple[str, int], at_us: int) -> None:
    """End the hold on a machine whose attempt has ended, one way or the other."""
    if live.held is not None and live.held.attempt == attempt:
        note_held(live, at_us)
        live.held = None


def went_down(live: LiveMachine, reason: str, at_us: int) -> None:
    """Have a machine take nothing until it is up again."""
    note_held(live, at_us)
    live.is_up, live.reason, live.held = False, reason, None


def came_up(live: LiveMachine, at_us: int) -> None:
    """Have a machine take work again, with a new worker."""
    note_held(live, at_us)
    live.is_up, live.reason, live.held, live.up_us = True, "", None, at_us
    live.has_gaps = True


def called(live: LiveMachine, event: CallsReported) -> None:
    """Count the time that calls have taken of a machine."""
    live.busy_us += event.busy_us
    live.free_us = max(live.free_us, event.at_us)


def emptied(live: LiveMachine) -> None:
    """Forget the work of a machine: its agent has forgotten it, or is lost."""
    live.queue, live.running = [], ""


def _free_machine(state: State, op: LiveOperation, at_us: int) -> None:
    """Free the machine of an operation, and count the time that it was busy."""
    live = state.machines.get(op.machine)
    if live is None:
        return
    # Also where its start was never reported.
    live.free_us = max(live.free_us, at_us)
    if live.running == op.id:
        live.running = ""
        live.busy_us += max(0, at_us - (op.started_us or at_us))
        note_work(live, op, at_us)


_TABLE: dict[tuple[OperationState, OperationState], Callable[[Index, LiveOperation], None]] = {
    (_WAITING, _DISPATCHED): Index.enter,
    (_DISPATCHED, _WAITING): Index.leave,
    (_DISPATCHED, _RUNNING): Index.stay,
    (_RUNNING, _WAITING): Index.leave,
    (_RUNNING, _DONE): Index.finish,
    (_DISPATCHED, _DONE): Index.finish,  # its start was never reported
    (_WAITING, _DONE): Index.finish,  # an attempt that was given up came through
    (_EXPECTED, _DONE): Index.finish,  # another brain knew the list, and had sent it
    (_EXPECTED, _CANCELLED): Index.close,
    (_WAITING, _CANCELLED): Index.close,
    (_DISPATCHED, _CANCELLED): Index.close,
    (_RUNNING, _CANCELLED): Index.close,
    (_WAITING, _FAILED): Index.close,
    (_DISPATCHED, _FAILED): Index.close,
    (_RUNNING, _FAILED): Index.close,
    (_DONE, _WAITING): Index.redo,
    (_CANCELLED, _WAITING): Index.open,
}
"""Every transition that there is, with the change to all that is derived from states.
(expected, waiting) is `list_known`: an expected operation is in nothing that is derived."""


def _move(
    state: State,
    op: LiveOperation,
    to: OperationState,
    trigger: Trigger,
    *,
    machine: str = "",
    detail: str = "",
) -> None:
    before = op.state
    follow = _TABLE.get((before, to))
    if follow is None:
        raise Defect(f"{op.id} must not go from {before} to {to}")
    op.state = to
    op.run.changed[op.id] = None
    follow(state.index, op)
    _tell(op, state.now_us, before, to, trigger, machine, detail)


def _tell(
    op: LiveOperation,
    now_us: int,
    before: OperationState,
    to: OperationState,
    trigger: Trigger,
    machine: str = "",
    detail: str = "",
) -> None:
    line = StoryLine(now_us, op.id, op.attempt, before, to, trigger, machine, detail)
    op.run.story.add(line)


def _tell_run(run: LiveRun, now_us: int, before: str, trigger: Trigger, detail: str = "") -> None:
    run.story.add(StoryLine(now_us, "", 0, before, run.state, trigger, "", detail))
