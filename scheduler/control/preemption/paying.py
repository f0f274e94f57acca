"""When giving way pays, and whether a run that is not there yet can count on it."""

from __future__ import annotations

from scheduler.control.live.operations import LiveOperation
from scheduler.control.preemption.holding import is_stoppable
from scheduler.control.state import State
from scheduler.model.problem import Mode

LEAST_GAIN_US = 20_000
"""Not worth a message to an agent, and less than predictions are off."""
MOST_TIMES = 3
"""After giving way so often, an operation is left to finish."""


def would_give_way_us(
    state: State, victim: LiveOperation, mode: Mode, *, worked_us: int, left_us: int
) -> int | None:
    """How long a machine takes to be free of what will run there; ``None`` if that does not pay.

    Only of what can be asked to stop: where a worker has to end, nobody should count on it.
    """
    if victim.is_profile or victim.gave_way >= MOST_TIMES:
        return None
    stop_us = state.stops.stop(mode.machine, mode.provider).us
    pays = left_us - stop_us >= max(LEAST_GAIN_US, worked_us + stop_us)
    return stop_us if pays and is_stoppable(state, victim, mode.machine, mode.provider) else None
