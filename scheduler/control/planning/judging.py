"""The fate of proposals, told as it happens: history keeps it."""

from __future__ import annotations

from scheduler.control.commands import KeepPlan
from scheduler.control.events import PlanProposed
from scheduler.control.planning import improving
from scheduler.control.records.plans import PlanRecord, Verdict
from scheduler.control.state.state import State, Turn


def proposed(state: State, turn: Turn, event: PlanProposed) -> None:
    """Have a proposal judged, and keep what became of it."""
    asked, before = state.request, state.plan.version
    improving.proposed(state, turn, event)
    if event.schedule is None or asked is None or asked.version != event.version:
        return
    is_adopted = state.plan.version != before
    end_us = state.plan.end_us if is_adopted else asked.origin_us + event.schedule.makespan_us
    bound_us = 0 if event.bound_us is None else asked.origin_us + event.bound_us - state.now_us
    plan = PlanRecord(
        at_us=state.now_us,
        version=state.plan.version,
        source=event.solver,
        verdict=Verdict.ACCEPTED if is_adopted else Verdict.DROPPED,
        makespan_us=max(0, end_us - state.now_us),
        bound_us=max(0, bound_us),
    )
    turn.commands.append(KeepPlan(plan=plan))
