"""Laws that the state must never break. Slow and plain: for tests and for diagnosis."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import pairwise

from scheduler.control.brain import Brain
from scheduler.control.planning.ageing import order
from scheduler.control.planning.backfilling import sendable
from scheduler.control.records import OperationState, RunState
from scheduler.control.state.index import Index
from scheduler.control.state.operations import ENDED, SENT, LiveOperation, is_ready
from scheduler.control.state.state import State
from scheduler.model.messages import FailureReason


def check(brain: Brain) -> list[str]:
    """Broken invariants of the brain's state, each as a sentence; empty when all hold."""
    return [broken for law in _LAWS for broken in law(brain)]


def _every_run_is_accounted_for(brain: Brain) -> Iterator[str]:
    final = {RunState.FINISHED, RunState.FAILED, RunState.CANCELLED}
    for run in brain.state.runs.values():
        if run.is_ended != (run.state in final):
            yield f"{run.id} is {run.state} and ended at {run.ended_us}"
        if run.is_ended == (run.id in brain.state.active):
            yield f"{run.id} is {run.state} and active at the same time"
        if run.state in (RunState.FAILED, RunState.CANCELLED) and not (run.reason and run.detail):
            yield f"{run.id} is {run.state} without a reason"
        if run.state is RunState.FAILED and run.reason not in set(FailureReason):
            yield f"{run.id} failed for {run.reason!r}, which is no reason"


def _what_waits_has_a_reason(brain: Brain) -> Iterator[str]:
    for name, run in brain.state.active.items():
        record = brain.record(name)
        assert record is not None
        is_running = any(op.state is OperationState.RUNNING for op in run.operations.values())
        if not is_running and not (record.reason and record.detail):
            yield f"{name} is {run.state}, nothing of it runs, and it has no reason"


def _ended_runs_have_nothing_open(brain: Brain) -> Iterator[str]:
    for run in brain.state.runs.values():
        open_ops = [op.id for op in run.operations.values() if op.state not in ENDED]
        if run.is_ended and open_ops:
            yield f"{run.id} ended with {open_ops} open"
        if not run.is_ended and not run.unfinished:
            yield f"{run.id} has nothing left and has not ended"
        if not run.is_ended and list(run.open) != open_ops:
            yield f"{run.id} has {open_ops} open and keeps {list(run.open)} as open"
        if run.is_ended and run.rest:
            yield f"{run.id} ended with a rest of {run.rest}"


def _the_index_is_right(brain: Brain) -> Iterator[str]:
    """Compare the index that is kept up to date with the same one built anew."""
    state = brain.state
    anew = Index.of(state.active.values())
    if set(anew.sent) != set(state.index.sent):
        yield f"with agents are {sorted(anew.sent)}; kept are {sorted(state.index.sent)}"
    if list(anew.profiles) != list(state.index.profiles):
        yield f"runs that measure are {list(anew.profiles)}; kept are {list(state.index.profiles)}"
    if anew.unfinished != state.index.unfinished:
        yield f"{anew.unfinished} operations are not done; counted are {state.index.unfinished}"
    runs = sorted(state.active.values(), key=partial(order, state))
    if [run.id for run in runs] != [run.id for run in state.index.by_urgency()]:
        yield f"runs by urgency are {[run.id for run in runs]}"
    for op in _operations(state):
        unmet = [n for n in op.producers if op.run.operations[n].state is not OperationState.DONE]
        if sorted(op.unmet) != sorted(unmet):
            yield f"{op.id} waits for {unmet} and keeps {list(op.unmet)}"


def _sent_work_is_with_one_agent(brain: Brain) -> Iterator[str]:
    state = brain.state
    queued: dict[str, str] = {}
    for machine in state.machines.values():
        for name, attempt in machine.queue:
            op = state.operations.get(name)
            if op is None or op.state is not OperationState.DISPATCHED or op.attempt != attempt:
                yield f"{machine.report.id} has {name}/{attempt} queued, which is not dispatched"
            elif op.agent != machine.agent:
                yield f"{name} is queued on {machine.report.id} and pinned to {op.agent!r}"
            if name in queued:
                yield f"{name} is queued on {queued[name]} and on {machine.report.id}"
            queued[name] = machine.report.id
    for op in _operations(state):
        if op.state in SENT and not state.agents[op.agent].is_alive:
            yield f"{op.id} is {op.state} with {op.agent}, which is lost"
        is_queued = op.id in queued or _waits_behind_kept(state, op)
        if op.state is OperationState.DISPATCHED and not is_queued:
            yield f"{op.id} is dispatched and in nobody's queue"


def _waits_behind_kept(state: State, op: LiveOperation) -> bool:
    machine = op.placement.mode.machine if op.placement is not None else ""
    queue = state.plan.queues.get(machine, [])
    return op.id in queue and op.id not in sendable(state, machine, queue)


def _running_work_has_its_machine(brain: Brain) -> Iterator[str]:
    state = brain.state
    for name, machine in state.machines.items():
        if machine.running:
            op = state.operations.get(machine.running)
            if op is None or op.state is not OperationState.RUNNING or op.machine != name:
                yield f"{name} runs {machine.running}, which does not run there"


def _nothing_ran_too_late(brain: Brain) -> Iterator[str]:
    state = brain.state
    for run in state.active.values():
        if run.drop_late and run.deadline_us is not None and run.deadline_us <= state.now_us:
            yield f"{run.id} is {run.state} after its deadline"
    for op in _operations(state):
        deadline_us = op.run.deadline_us
        if op.run.drop_late and deadline_us is not None and op.sent_us > deadline_us:
            yield f"{op.id} was sent after the deadline of its run"


def _expected_work_is_not_sent(brain: Brain) -> Iterator[str]:
    for op in _operations(brain.state):
        if op.state is OperationState.EXPECTED and (op.attempt or op.agent):
            yield f"{op.id} is expected and was sent"


def _what_was_sent_shows_its_choice(brain: Brain) -> Iterator[str]:
    for op in _operations(brain.state):
        if op.state in SENT:
            chosen = [c.machine for c in op.candidates if c.reason is None]
            if chosen != [op.machine]:
                yield f"{op.id} is {op.state} on {op.machine}; its candidates say {chosen}"


def _urgent_work_is_never_behind(brain: Brain) -> Iterator[str]:
    state = brain.state
    for machine, queue in state.plan.queues.items():
        ops = [state.operations[name] for name in queue]
        for i, op in enumerate(ops):
            ahead = [other.id for other in ops[:i] if other.band > op.band]
            if ahead and is_ready(op):
                yield f"{op.id} is ready on {machine} behind {ahead}, which is less urgent"


def _the_plan_is_consistent(brain: Brain) -> Iterator[str]:
    """Judge the plan in force by itself: no overlap, and no start before the end of a producer."""
    state = brain.state
    spans: dict[str, list[tuple[int, int, str]]] = {}
    for op in state.plan.planned.values():
        placed = op.placement
        if placed is None:
            yield f"{op.id} is planned nowhere"
            continue
        span = (placed.start_us, placed.end_us, op.id)
        spans.setdefault(placed.mode.machine, []).append(span)
        before = [state.plan.planned[n] for n in op.producers if n in state.plan.planned]
        for producer in before:
            if producer.placement and producer.placement.end_us > placed.start_us:
                yield f"{op.id} is planned before the end of {producer.id}"
    for machine, found in spans.items():
        found.sort()
        for (_, end_us, first), (start_us, _, second) in pairwise(found):
            if start_us < end_us:
                yield f"{first} and {second} overlap on {machine}"


def _pending_work_is_planned_or_explained(brain: Brain) -> Iterator[str]:
    state = brain.state
    for op in _operations(state):
        if op.state is OperationState.DISPATCHED and op.id not in state.plan.planned:
            yield f"{op.id} is dispatched and not in the plan"
    for name, op in state.plan.planned.items():
        if state.operations.get(name) is not op:
            yield f"{name} is planned and not known"


def _operations(state: State) -> Iterator[LiveOperation]:
    for run in state.active.values():
        yield from run.operations.values()


_LAWS: tuple[Callable[[Brain], Iterator[str]], ...] = (
    _every_run_is_accounted_for,
    _what_waits_has_a_reason,
    _ended_runs_have_nothing_open,
    _the_index_is_right,
    _sent_work_is_with_one_agent,
    _running_work_has_its_machine,
    _nothing_ran_too_late,
    _expected_work_is_not_sent,
    _what_was_sent_shows_its_choice,
    _urgent_work_is_never_behind,
    _the_plan_is_consistent,
    _pending_work_is_planned_or_explained,
)
