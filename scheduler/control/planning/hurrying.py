"""Where a critical operation waits for less urgent work that has begun, and when to look again."""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.planning.paying import LEAST_GAIN_US
from scheduler.control.state.operations import LiveOperation, is_ready
from scheduler.control.state.state import State
from scheduler.model.problem import Band


def keeps_critical_waiting(state: State, op: LiveOperation) -> bool:
    """True if what has just begun was under way to its agent when the critical one came.

    What is through before a plan could be made anew keeps it waiting for less than that would.
    """
    queue = state.plan.queues.get(op.machine, [])
    takes_us = op.load_us + (op.mode.duration_us if op.mode is not None else 0)
    is_long = takes_us >= _worth_us(state)
    return is_long and bool(queue) and _is_before(op, state.operations[queue[0]])


def look_again_us(state: State) -> int | None:
    """When what was left to finish, a critical operation behind it, should be through.

    If it is not, it may pay by then to have it give way.
    """
    worth_us = _worth_us(state)
    return min(
        (max(op.expected_end_us, (op.started_us or 0) + worth_us) for op in _in_the_way(state)),
        default=None,
    )


def is_due(state: State) -> bool:
    """Whether that time has come, and it runs on."""
    due_us = look_again_us(state)
    return due_us is not None and due_us <= state.now_us


def _worth_us(state: State) -> int:
    """What a critical operation has to gain for all to be planned anew, and a stop considered."""
    return min(LEAST_GAIN_US, state.settings.planned_us * len(state.plan.planned))


def _in_the_way(state: State) -> Iterator[LiveOperation]:
    for name, queue in state.plan.queues.items():
        live = state.machines.get(name)
        if queue and live is not None and live.running:
            op = state.operations[live.running]
            if _is_before(op, state.operations[queue[0]]):
                yield op


def _is_before(op: LiveOperation, head: LiveOperation) -> bool:
    is_urgent = head.band is Band.CRITICAL and op.band > head.band
    return is_urgent and not op.is_profile and is_ready(head)
