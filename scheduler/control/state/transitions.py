"""The one place where the state of an operation changes, with all that is derived from it."""

from __future__ import annotations

from scheduler.control.records import OperationState
from scheduler.control.state.index import Index
from scheduler.control.state.operations import ENDED, SENT, LiveOperation


def move(index: Index, op: LiveOperation, to: OperationState) -> None:
    """Give an operation of a run that has not ended another state."""
    before, op.state = op.state, to
    run = op.run
    run.changed[op.id] = None
    if to in SENT:
        index.sent[op.id] = op
    else:
        index.sent.pop(op.id, None)
    was_open, is_open = before not in ENDED, to not in ENDED
    if was_open and not is_open:
        del run.open[op.id]
    elif is_open and not was_open:
        run.open = {each.id: each for each in run.operations.values() if each.state not in ENDED}
    index.unfinished += is_open - was_open
    run.done += (to is OperationState.DONE) - (before is OperationState.DONE)
    if to is OperationState.DONE:
        _meet(op)
    elif before is OperationState.DONE:
        _miss(op)


def _meet(op: LiveOperation) -> None:
    """Have consumers wait no longer for an operation."""
    for name in op.consumers:
        consumer = op.run.operations[name]
        consumer.unmet.pop(op.id, None)
        consumer.inputs = None


def _miss(op: LiveOperation) -> None:
    """Have consumers wait for an operation again, which is to be done once more."""
    for name in op.consumers:
        consumer = op.run.operations[name]
        consumer.unmet.update({e.source: e for e in consumer.edges if e.source == op.id})
        consumer.inputs = None
