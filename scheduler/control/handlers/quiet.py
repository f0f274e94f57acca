"""Nothing is measured beside a critical run, unless a run waits for what is to be measured."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.forecast.options import options
from scheduler.control.records import OperationState, ReplanReason
from scheduler.control.state.operations import PENDING
from scheduler.control.state.state import State, Turn
from scheduler.model.problem import Band


def keep_clear_of_critical(state: State, turn: Turn) -> None:
    """Plan anew when critical runs come to a box, or leave it, while something is to be measured.

    Only what nobody waits for keeps away from them: a run may wait for a model to be measured,
    and that run may be the critical one.
    """
    is_idle = not state.index.profiles
    found = frozenset() if is_idle else frozenset(critical_boxes(state))
    if found != state.critical_boxes:
        state.critical_boxes = found
        if not is_idle:
            turn.plan_again(ReplanReason.QUIET)


def critical_boxes(state: State) -> Iterator[str]:
    """Boxes where a critical run has something running, or something left that can run there."""
    for run in state.index.in_band(Band.CRITICAL):
        if run.kind != "run":
            continue
        for op in run.open.values():
            if op.state is OperationState.RUNNING and op.machine in state.machines:
                yield state.machines[op.machine].box
            elif op.state in PENDING:
                yield from (state.machines[mode.machine].box for mode in options(state, op).modes)
