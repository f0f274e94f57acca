"""How long a plan stays in force although what ran took longer, or shorter, than it says.

Agents go on in its order whatever the times are, so nothing stands still meanwhile. Where
operations take a millisecond, dozens end while one plan is made: each would make it obsolete.
"""

from __future__ import annotations

from scheduler.control.state.state import State


def note_off_plan(state: State) -> None:
    """Have the plan made anew because something was off it, once it has had its time."""
    plan = state.plan
    if plan.planned and plan.stale_us is None:
        plan.stale_us = plan.made_us + _patience_us(state)


def is_stale(state: State) -> bool:
    """Whether the plan is to be made anew by now."""
    stale_us = state.plan.stale_us
    return stale_us is not None and stale_us <= state.now_us and bool(state.plan.planned)


def least_us(state: State) -> int:
    """For how long a plan stays in force in any case: planning is not all that is to be done."""
    settings = state.settings
    took_us = settings.planned_us * len(state.plan.planned)
    return max(settings.late_floor_us, round(took_us / settings.planning_share))


def _patience_us(state: State) -> int:
    """A share of what the plan spans: where little is left, a better order of it must come soon."""
    plan, settings = state.plan, state.settings
    share_us = round(settings.patience_share * max(0, plan.end_us - plan.made_us))
    return min(settings.patience_us, max(least_us(state), share_us))
