"""Reports of agents: an operation started, an operation finished."""

from __future__ import annotations

from scheduler.control.commands import KeepExecution
from scheduler.control.handlers.findings import measured
from scheduler.control.handlers.gaps import note_shapes
from scheduler.control.handlers.growth import grow
from scheduler.control.handlers.inversions import note_ahead, note_inversion
from scheduler.control.handlers.recovery import fault, settle
from scheduler.control.handlers.suspecting import expect_answer
from scheduler.control.planning.ageing import served
from scheduler.control.planning.backfilling import is_upset
from scheduler.control.planning.explaining import chosen_instead, is_chosen
from scheduler.control.planning.preemption import keeps_critical_waiting
from scheduler.control.records import OperationState, ReplanReason, RunState
from scheduler.control.records.costs import PredictedActual
from scheduler.control.state import transitions
from scheduler.control.state.delays.causes import note_end, note_start
from scheduler.control.state.graph import outputs_read
from scheduler.control.state.operations import (
    ENDED,
    PENDING,
    SENT,
    LiveOperation,
    is_ready,
    stored_boxes,
)
from scheduler.control.state.queries import cost_query, forget_options, seen_load
from scheduler.control.state.runs import finish_run
from scheduler.control.state.sessions import holds, session_left_us, used
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import (
    FailureReason,
    OperationFinished,
    OperationStarted,
    WorkKind,
)
from scheduler.model.ports import CostQuery
from scheduler.model.problem import Mode

_RECORD_EVERY_US = 250_000
"""A run that only makes progress is recorded at most this often."""


def started(state: State, turn: Turn, event: OperationStarted) -> None:
    """Take note that an operation runs; it is frozen from now on."""
    op = state.operations.get(event.operation)
    if op is None or op.state is not OperationState.DISPATCHED or event.attempt != op.attempt:
        return
    mode = op.sent.get(event.machine)
    if mode is None or not state.machines[event.machine].is_up:
        return
    _note_start(state, op, mode, event.at_us)
    note_ahead(state, op, event)
    live = state.machines[event.machine]
    is_warm = holds(live, op, mode.provider)
    op.load_us = 0 if is_warm else session_left_us(live, op, mode.setup_us, event.at_us)
    used(state, op, event.machine, mode.provider, event.at_us)
    if op.held_since_us is not None:
        state.count("held_us", event.at_us - op.held_since_us)
        op.held_since_us = None
    transitions.started(state, op, mode, event.at_us)
    if not is_chosen(op, mode):
        # The agent had begun before it heard of the last plan.
        op.candidates = chosen_instead(op, mode, event.at_us + mode.duration_us)
    expect_answer(state, op)
    served(state, turn, op, event.at_us)
    if keeps_critical_waiting(state, op):
        turn.plan_again(ReplanReason.IN_THE_WAY)
    if op.run.state is RunState.QUEUED:
        transitions.run_started(op.run, state.now_us, event.at_us)
        turn.runs[op.run.id] = None
    elif op.failures:
        # Its record says what went wrong; the new start is the other half of that.
        turn.runs[op.run.id] = None


def finished(state: State, turn: Turn, event: OperationFinished) -> None:
    """Take in the first result of an operation; all others are ignored."""
    settle(state, turn, event)
    op = state.operations.get(event.operation)
    if op is None or op.state in ENDED:
        return
    is_current = event.attempt == op.attempt and op.state in SENT
    # Decisions are not in the log: a brain with other heuristics may not have sent this attempt
    # when it folds the log of its predecessor, but the result is there all the same.
    if event.attempt > op.attempt:
        op.attempt = event.attempt
        if op.state in SENT:
            turn.resend[op.agent] = None
    wrong = _missing(op, event)
    if wrong and is_current:
        fault(state, turn, op, event.machine, FailureReason.ERROR, wrong)
    if wrong or not (is_current or _is_readable(state, event)):
        return
    if not is_current:
        # An attempt that was given up came through after all: it counts, the newer one does not.
        if op.state in SENT:
            transitions.note_stop(state, op)
            transitions.stop(turn, op)
        op.notify = ()
    _accept(state, turn, op, event)


def _accept(state: State, turn: Turn, op: LiveOperation, event: OperationFinished) -> None:
    was_planned = op.placement is not None
    _close(state, op, event)
    if event.machine in state.machines:
        box = state.machines[event.machine].box
        state.links.moved(box, event.transfers, event.at_us)
    if op.is_profile:
        measured(state, turn, op, event.profile)
        return
    _observe(state, turn, op, event)
    note_shapes(state, op)
    _tell_consumers(turn, op)
    grow(state, turn, op)
    why = _disturbance(state, op, was_planned=was_planned)
    if why is not None:
        if state.plan.planned:
            turn.plan_again(why)
    elif _is_off_plan(state, op) or _is_slipping(state):
        state.plan.note_off(state.settings)
    if op.run.is_ended:
        return
    if not op.run.unfinished:
        finish_run(state, turn, op.run)
    elif state.now_us - op.run.recorded_us >= _RECORD_EVERY_US:
        turn.runs[op.run.id] = None


def _disturbance(state: State, op: LiveOperation, *, was_planned: bool) -> ReplanReason | None:
    """Reason for which the plan does not hold after an end; ``None`` if it holds."""
    if not was_planned:
        return ReplanReason.UNPLANNED
    if _frees_urgent(state, op):
        return ReplanReason.FREED_URGENT
    return ReplanReason.RESERVATION if is_upset(state) else None


def _missing(op: LiveOperation, event: OperationFinished) -> str:
    """The fault of the result itself; empty if it has none."""
    if op.is_profile:
        return "" if event.profile is not None else "gave no profile"
    absent = [name for name in outputs_read(op.run.graph, op.stage) if name not in event.outputs]
    return f"gave no output {', '.join(absent)}" if absent else ""


def _is_readable(state: State, event: OperationFinished) -> bool:
    """True if all that a late result refers to is on a box that lives."""
    living = state.living_boxes()
    return all(
        box in living for value in event.outputs.values() for box in stored_boxes(value.tensors)
    )


def _close(state: State, op: LiveOperation, event: OperationFinished) -> None:
    mode = op.sent.get(event.machine)
    is_known = event.machine in state.machines
    if op.state is not OperationState.RUNNING and mode is not None and is_known:
        _note_start(state, op, mode, min(event.started_us, event.at_us))
    note_end(op, event)
    transitions.done(state, op, event)
    assert op.started_us is not None
    if mode is not None:
        op.mode, op.provider = mode, mode.provider
        op.runtime, op.plug_in = state.versions(mode.machine, mode.provider)
        used(state, op, event.machine, mode.provider, op.started_us)
        if not is_chosen(op, mode):
            op.candidates = chosen_instead(op, mode, event.at_us)
    if op.placement is not None:
        op.run.planned_end = max(op.run.planned_end, (op.placement.end_us, op.placement.spread_us))
    if op.run.state is RunState.QUEUED:
        transitions.run_started(op.run, state.now_us, op.started_us)
    state.ended_operations.append(op)
    state.allowance.earn(event.at_us - op.started_us)
    state.count("operations")


def _observe(state: State, turn: Turn, op: LiveOperation, event: OperationFinished) -> None:
    if op.mode is None or event.machine != op.mode.machine:
        return
    duration_us = max(1, event.at_us - event.started_us - event.load_us)
    load = event.load
    asked = cost_query(op, op.mode)
    if load is None:
        load = seen_load(state, event.machine)
    else:
        state.sensed[event.machine] = (event.at_us, load)
        _keep(state, turn, asked, event, duration_us)
    cold_us = _cold_us(event, op.mode, duration_us)
    state.oracle.observe(asked, duration_us, load=load, at_us=event.at_us, load_us=cold_us)
    state.accuracy.add(_pair(op, op.mode, event.at_us, duration_us))
    forget_options(state, op)


def _cold_us(event: OperationFinished, mode: Mode, duration_us: int) -> int:
    """Extra time that the execution took for its session: making it, and the slow first run.

    A profile counts both too.
    """
    return event.load_us + max(0, duration_us - mode.duration_us) if event.load_us else 0


def _keep(
    state: State, turn: Turn, query: CostQuery, event: OperationFinished, duration_us: int
) -> None:
    live = state.machines.get(event.machine)
    if live is None or event.load is None or query.kind is not WorkKind.MODEL:
        return
    turn.commands.append(
        KeepExecution(
            query=query,
            machine=live.report,
            duration_us=duration_us,
            load=event.load,
            at_us=event.at_us,
        )
    )


def _pair(op: LiveOperation, mode: Mode, at_us: int, duration_us: int) -> PredictedActual:
    return PredictedActual(
        at_us=at_us,
        operation=op.id,
        work=op.stage.target,
        machine=mode.machine,
        provider=mode.provider,
        provenance=op.placement.provenance if op.placement is not None else "",
        p50_us=mode.duration_us,
        p95_us=mode.p95_us,
        actual_us=duration_us,
    )


def _tell_consumers(turn: Turn, op: LiveOperation) -> None:
    """Send the value to agents that wait for it and that nobody else tells."""
    for name in op.consumers:
        consumer = op.run.operations[name]
        waits = consumer.state is OperationState.DISPATCHED and op.id in consumer.unresolved
        if waits and consumer.agent != op.agent and consumer.agent not in op.notify:
            turn.resend[consumer.agent] = None


def _is_off_plan(state: State, op: LiveOperation) -> bool:
    assert op.ended_us is not None
    duration_us = op.mode.duration_us if op.mode is not None else 0
    settings = state.settings
    tolerance_us = max(settings.late_floor_us, round(settings.late_share * duration_us))
    return abs(op.ended_us - op.expected_end_us) > tolerance_us


def _is_slipping(state: State) -> bool:
    """True if an operation that could run waits for an overdue one on its machine."""
    late_us = state.now_us - state.settings.late_floor_us
    for queue in state.plan.queues.values():
        head = state.operations[queue[0]] if queue else None
        if head is None or head.placement is None or head.placement.start_us >= late_us:
            continue
        if is_ready(head):
            return True
    return False


def _frees_urgent(state: State, op: LiveOperation) -> bool:
    """True if an operation can start now that is planned behind less urgent work."""
    freed = (op.run.operations[name] for name in op.consumers)
    ready = [c for c in freed if c.state in PENDING and is_ready(c)]
    return any(is_overtaken(state, c) or is_held_up(state, c) for c in ready)


def is_held_up(state: State, op: LiveOperation) -> bool:
    """True if less urgent work runs on the machine where the operation is planned."""
    live = state.machines.get(op.placement.mode.machine) if op.placement is not None else None
    running = state.operations.get(live.running) if live is not None else None
    return running is not None and running.band > op.band


def is_overtaken(state: State, op: LiveOperation) -> bool:
    """True if less urgent work is planned before the operation on its machine."""
    if op.placement is None:
        return False
    queue = state.plan.queues.get(op.placement.mode.machine, [])
    ahead = queue[: queue.index(op.id)] if op.id in queue else queue
    return any(state.operations[name].band > op.band for name in ahead)


def _note_start(state: State, op: LiveOperation, mode: Mode, at_us: int) -> None:
    """Note the causes for which it waited, and less urgent work that went before it."""
    note_inversion(state, op, mode, at_us)
    note_start(state, op, mode.machine, at_us)
