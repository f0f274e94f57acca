"""Recovery of operations that fail, and of those whose machine, agent or inputs are lost."""

from __future__ import annotations

from scheduler.control.forecast.options import could_run_later, options
from scheduler.control.handlers.findings import drop_stranded_profile, refuse_profile
from scheduler.control.handlers.suspecting import answered
from scheduler.control.records import OperationState, ReplanReason, RunState
from scheduler.control.records.story import Trigger
from scheduler.control.state.attempts import note_failure, note_present
from scheduler.control.state.graph import is_read_later
from scheduler.control.state.operations import ENDED, SENT, LiveOperation, LiveRun, stored_boxes
from scheduler.control.state.queries import subject_of
from scheduler.control.state.runs import end_run
from scheduler.control.state.sessions import doubted
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import ended, let_go, output_lost, taken_back
from scheduler.model.messages import (
    FailureReason,
    OperationFailed,
    OperationFinished,
    Profile,
    Value,
    Verdict,
    WorkKind,
)

_LOST = frozenset(
    {
        FailureReason.AGENT_LOST,
        FailureReason.MACHINE_DOWN,
        FailureReason.INPUT_LOST,
        FailureReason.CANCELLED,
    }
)
"""Not the fault of the operation, nor of the machine for this operation."""


def failed(state: State, turn: Turn, event: OperationFailed) -> None:
    """An attempt ended without a result: try again elsewhere, or give up with the story."""
    settle(state, turn, event)
    op = state.operations.get(event.operation)
    if op is None or op.state in ENDED:
        return
    if event.reason not in _LOST:
        doubted(state, op, event.machine)
    if event.attempt == op.attempt and op.state in SENT:
        if event.reason in _LOST:
            _lost(state, turn, op, event)
        else:
            fault(state, turn, op, event.machine, event.reason, event.message)
    elif event.attempt in op.lost and event.reason not in _LOST:
        # Given up because its machine went down, and this operation brought the machine down.
        op.lost_attempts -= op.lost.pop(event.attempt)
        _blame(state, turn, op, event.attempt, event.machine, event.reason, event.message)


def fault(
    state: State,
    turn: Turn,
    op: LiveOperation,
    machine: str,
    reason: FailureReason,
    message: str,
) -> None:
    """Count the present attempt as failed by its own fault."""
    attempt, started_us = op.attempt, op.started_us
    taken_back(state, op, Trigger.FAULT, f"{reason.value}: {message}")
    _blame(state, turn, op, attempt, machine, reason, message, started_us=started_us)


def lose(state: State, turn: Turn, op: LiveOperation, reason: FailureReason, message: str) -> None:
    """Give up the present attempt: where it was is gone. It gets a new one."""
    note_present(state, op, reason, message)
    # Stopped, and not by this brain: one before it had something give way, which is no loss.
    op.lost[op.attempt] = int(reason is not FailureReason.CANCELLED)
    op.lost_attempts += op.lost[op.attempt]
    taken_back(state, op, Trigger.LOST, f"{reason.value}: {message}")
    turn.plan_again(ReplanReason.LOST)
    turn.runs[op.run.id] = None
    if op.lost_attempts > state.settings.max_lost_attempts:
        _give_up(state, turn, op, reason, f"lost {op.lost_attempts} times; {message}")
    elif op.is_profile:
        drop_stranded_profile(state, turn, op)


def give_up_hopeless(state: State, turn: Turn) -> None:
    """End runs with an operation that failed and has nowhere left to be tried."""
    for op in [state.operations.get(name) for name in state.retried]:
        if op is None or op.state in ENDED:
            continue
        if op.state is OperationState.WAITING and not _has_a_way_on(state, op):
            last = op.failures[-1]
            message = f"no other machine can run it; {last.message}"
            _give_up(state, turn, op, last.reason, message)
    state.retried = {
        name: None
        for name in state.retried
        if name in state.operations and state.operations[name].state not in ENDED
    }


def run_again_what_was_on(state: State, turn: Turn, box: str) -> None:
    """Make outputs again that only a lost box held and somebody still needs."""
    for run in list(state.active.values()):
        for op in reversed(list(run.operations.values())):
            held = [b for value in op.outputs.values() for b in stored_boxes(value.tensors)]
            if op.state is OperationState.DONE and box in held and _is_needed(run, op):
                _run_again(state, turn, op)


def settle(state: State, turn: Turn, event: OperationFinished | OperationFailed) -> None:
    """An attempt was reported: nobody needs to be told to stop it any more."""
    was_stopped = isinstance(event, OperationFailed) and event.reason is FailureReason.CANCELLED
    state.stops.reported((event.operation, event.attempt), event.at_us, stopped=was_stopped)
    answered(state, turn, event)
    live = state.machines.get(event.machine)
    if live is not None:
        let_go(live, (event.operation, event.attempt), event.at_us)
        state.agents[live.agent].stops.pop((event.operation, event.attempt), None)


def _lost(state: State, turn: Turn, op: LiveOperation, event: OperationFailed) -> None:
    if event.reason is FailureReason.INPUT_LOST:
        _run_again_inputs(state, turn, op)
    lose(state, turn, op, event.reason, event.message)


def _run_again_inputs(state: State, turn: Turn, op: LiveOperation) -> None:
    """Make the stored inputs of an operation again: it could not read them."""
    for name in op.producers:
        producer = op.run.operations[name]
        if producer.state is OperationState.DONE and _is_stored(producer.outputs):
            _run_again(state, turn, producer)


def _run_again(state: State, turn: Turn, op: LiveOperation) -> None:
    output_lost(state, op)
    turn.plan_again(ReplanReason.OUTPUT_LOST)
    turn.runs[op.run.id] = None


def _is_stored(outputs: dict[str, Value]) -> bool:
    return any(stored_boxes(value.tensors) for value in outputs.values())


def _is_needed(run: LiveRun, op: LiveOperation) -> bool:
    if any(stage == op.stage.name for stage, _ in run.graph.outputs.values()):
        return True
    if any(run.operations[name].state is not OperationState.DONE for name in op.consumers):
        return True
    return bool(run.rest) and is_read_later(run, op.stage)


def _blame(
    state: State,
    turn: Turn,
    op: LiveOperation,
    attempt: int,
    machine: str,
    reason: FailureReason,
    message: str,
    *,
    started_us: int | None = None,
) -> None:
    provider = op.sent[machine].provider if machine in op.sent else op.provider
    op.provider = provider
    op.runtime, op.plug_in = state.versions(machine, provider)
    note_failure(state, op, attempt, machine, reason, message, started_us=started_us)
    op.own_failures += 1
    turn.plan_again(ReplanReason.FAILED)
    turn.runs[op.run.id] = None
    if op.is_profile:
        _profile_failed(state, turn, op, reason, message)
        return
    op.excluded[(machine, provider)] = reason
    state.retried[op.id] = None
    if reason is FailureReason.PROVIDER_REFUSED and op.stage.kind is WorkKind.MODEL:
        _refuse(state, op, machine, provider, message)
    if reason is FailureReason.INVALID:
        _give_up(state, turn, op, reason, message)
    elif op.own_failures >= state.settings.max_attempts:
        _give_up(state, turn, op, reason, f"failed {op.own_failures} times; {message}")


def _has_a_way_on(state: State, op: LiveOperation) -> bool:
    found = options(state, op)
    return bool(found.modes) or could_run_later(found)


def _profile_failed(
    state: State, turn: Turn, op: LiveOperation, reason: FailureReason, message: str
) -> None:
    tries = {FailureReason.WORKER_CRASHED: 2}
    transient = (FailureReason.OUT_OF_SPACE, FailureReason.WORKER_CRASHED)
    allowed = tries.get(reason, state.settings.max_attempts)
    if reason not in transient or op.own_failures >= allowed:
        refuse_profile(state, turn, op, reason, message)
    else:
        drop_stranded_profile(state, turn, op)


def _refuse(state: State, op: LiveOperation, machine: str, provider: str, message: str) -> None:
    """Never use that provider there for the model again: its profile no longer holds."""
    key = (subject_of(state, op.stage), machine, provider)
    before = state.profiles.get(key)
    state.profiles[key] = Profile(
        digest=op.stage.digest,
        machine=machine,
        provider=provider,
        verdict=Verdict.FELL_BACK,
        reason=message,
        setup=before.setup if before is not None else "",
    )
    state.options.clear()


def _give_up(
    state: State, turn: Turn, op: LiveOperation, reason: FailureReason, message: str
) -> None:
    if op.is_profile:
        refuse_profile(state, turn, op, reason, message)
        return
    ended(state, turn, op, OperationState.FAILED, Trigger.GIVEN_UP, message)
    state.ended_operations.append(op)
    end_run(state, turn, op.run, RunState.FAILED, reason.value, f"{op.id}: {message}")
