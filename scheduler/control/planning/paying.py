"""When giving way pays, and whether a run that is not there yet can count on it.

What can be asked to stop gives way to anything more urgent that gains more by it than is lost, as
far as the allowance goes; to what is critical also at a loss. A worker ends only for what is
critical, and where that gains more than it costs.
"""

from __future__ import annotations

from scheduler.control.records import Preemption
from scheduler.control.state.holds import NEARLY_DONE_US, is_stoppable
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.state import State
from scheduler.control.state.stops import MOST_US, Allowance
from scheduler.model.problem import Band, Mode

LEAST_GAIN_US = 20_000
"""Not worth the end of a worker, and less than predictions are off."""
LEAST_SOFT_GAIN_US = 4_000
"""Not worth a message to an agent."""
RESERVE_US = MOST_US // 2
"""Of the allowance, for what is critical."""


def has_given_way_enough(victim: LiveOperation, band: Band) -> bool:
    """True if an operation is left to finish, whatever of a band waits for it.

    Each time that it gave way it counts as one band more urgent, as if it had waited for long.
    """
    return victim.band - victim.gave_way <= band


def against(state: State, victim: LiveOperation, way: Preemption, band: Band) -> str:
    """Why an operation does not give way to one of a band; empty if it does."""
    left_us = victim.expected_end_us - state.now_us
    if has_given_way_enough(victim, band):
        return f"{victim.id} has given way {victim.gave_way} times already"
    if way.ends_worker and left_us <= NEARLY_DONE_US:
        return f"{victim.id} is nearly done, and its provider cannot be stopped"
    if way.ends_worker and band is not Band.CRITICAL:
        return f"{victim.id} cannot be stopped, and its worker ends for critical work only"
    if not way.ends_worker and left_us <= way.stop_us:
        return f"{victim.id} is through before it would have stopped"
    least_us = LEAST_GAIN_US if way.ends_worker else LEAST_SOFT_GAIN_US
    if way.gain_us < least_us or not _is_worth(state.allowance, way, band):
        return f"it would cost {way.cost_us} us to gain {max(0, way.gain_us)} us"
    return ""


def would_give_way_us(
    state: State, victim: LiveOperation, mode: Mode, *, worked_us: int, left_us: int
) -> int | None:
    """How long a machine takes to be free of what will run there; ``None`` if that does not pay.

    Only of what can be asked to stop: where a worker has to end, nobody should count on it.
    """
    if victim.is_profile or has_given_way_enough(victim, Band.CRITICAL):
        return None
    stop_us = state.stops.stop(mode.machine, mode.provider, mode.duration_us).us
    pays = left_us - stop_us >= max(LEAST_GAIN_US, worked_us + stop_us)
    return stop_us if pays and is_stoppable(state, victim, mode.machine, mode.provider) else None


def _is_worth(allowance: Allowance, way: Preemption, band: Band) -> bool:
    pays = way.gain_us >= way.cost_us
    if band is Band.CRITICAL:
        return pays or (not way.ends_worker and allowance.allows(way.lost_us + way.stop_us))
    return pays and allowance.allows(way.lost_us + way.stop_us, RESERVE_US)
