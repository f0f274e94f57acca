"""Windows: the operations of each machine's queue that its agent is sent ahead."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import takewhile

from scheduler.control.records import OperationState
from scheduler.control.state.state import State
from scheduler.model.problem import Band


def may_be_half_gone(state: State, machine: str) -> bool:
    """True if few enough are with the agent for the longest window to be half gone."""
    live = state.machines.get(machine)
    return live is None or len(live.queue) <= state.settings.window_most // 2


def window(state: State, queue: list[str]) -> list[str]:
    """The next operations of a machine: so many, and more while they are too little work.

    Fewer of them are less than critical while critical runs come and go. A submission is handled
    behind the reports that were there before it, and where all wait for the controller, agents
    report all that they were sent.
    """
    settings = state.settings
    most, most_lower = _Room(settings.window, settings.window_us), _lower_room(state)
    for i, name in enumerate(queue[: settings.window_most]):
        op = state.operations[name]
        is_lower = op.band > Band.CRITICAL
        if most.is_full or (is_lower and most_lower.is_full):
            return queue[:i]
        work_us = op.placement.mode.duration_us if op.placement is not None else 0
        most.add(work_us)
        if is_lower:
            most_lower.add(work_us)
    return queue[: settings.window_most]


@dataclass(slots=True)
class _Room:
    """Room for so many operations, and for more until they are that much work."""

    operations: int
    work_us: int

    @property
    def is_full(self) -> bool:
        return self.operations <= 0 and self.work_us <= 0

    def add(self, work_us: int) -> None:
        self.operations -= 1
        self.work_us -= work_us


def _lower_room(state: State) -> _Room:
    settings = state.settings
    began_us = state.began_us.get(Band.CRITICAL)
    if began_us is not None and state.now_us - began_us < settings.urgent_for_us:
        return _Room(settings.urgent_window, settings.urgent_window_us)
    return _Room(settings.window, settings.window_us)


def half_gone(state: State, found: list[str]) -> bool:
    """True if little is left of the operations of a window that were sent before one that was not.

    Work that was sent earlier, and comes later by the plan of now, would go before it.
    """
    states = (state.operations[name].state for name in found)
    sent = sum(1 for _ in takewhile(lambda each: each is OperationState.DISPATCHED, states))
    return sent <= max(_lower_room(state).operations, len(found)) // 2
