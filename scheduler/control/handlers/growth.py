"""Growth of a run at run time: the list came that says how many items a fan-out has."""

from __future__ import annotations

from scheduler.control.planning.planning import line_up
from scheduler.control.records import ReplanReason, RunState
from scheduler.control.state.expansion import expand
from scheduler.control.state.graph import fan_outs_of, length
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun
from scheduler.control.state.runs import end_run, register
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import (
    FailureReason,
)


def grow(state: State, turn: Turn, op: LiveOperation) -> None:
    """Give the run the operations of the fan-outs whose list is there now."""
    run = op.run
    lists = fan_outs_of(run, op.stage)
    grown = [name for name in lists if name not in run.lengths]
    for name in lists:
        count = len(op.outputs[name.partition(".")[2]].tensors)
        if name in run.lengths and run.lengths[name] != count:
            # Results from the first list cannot be told from those that the second would give.
            detail = f"{op.id} gave {count} items when run again; {run.lengths[name]} before"
            end_run(state, turn, run, RunState.FAILED, FailureReason.ERROR.value, detail)
            return
    if not grown:
        return
    before = run.unfinished
    vanished = expand(state, run)
    for op_id in vanished:
        state.plan.drop(state.operations.pop(op_id))
    register(state, run, before=before)
    for name in grown:
        total, times = state.items_seen.get((run.graph.name, name), (0, 0))
        count = length(run, name) or 0
        run.lengths[name] = count
        state.items_seen[(run.graph.name, name)] = (total + count, times + 1)
    if vanished or run.rest or not _is_planned(state, run):
        turn.plan_again(ReplanReason.LIST_KNOWN)
    else:
        # As long as expected: its planned operations hold, and can be sent now, before work that a
        # reservation kept off its machine.
        turn.replanned = turn.replanned or bool(state.plan.reservations)
        line_up(state)


def _is_planned(state: State, run: LiveRun) -> bool:
    pending = (op for op in run.open.values() if op.state in PENDING)
    return all(op.id in state.plan.planned for op in pending)
