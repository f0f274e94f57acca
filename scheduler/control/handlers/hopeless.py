"""Runs that no machine can ever take: they fail with their reason instead of waiting for ever.

A run is hopeless while agents are joined and each machine refuses one of its operations for a
reason that does not pass by itself. It has a time of grace, in which another machine may join: a
site that comes up has its machines one after the other. What a lost or draining agent could run
waits for that agent, and on a site without agents everything waits.
"""

from __future__ import annotations

from scheduler.control.forecast.options import could_run_later, options
from scheduler.control.planning.explaining import blocked_by
from scheduler.control.records import Reason, RunState
from scheduler.control.state.operations import PENDING, LiveRun
from scheduler.control.state.runs import end_run
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import FailureReason

_COMES_BACK = frozenset({Reason.NOT_CONNECTED, Reason.DRAINING, Reason.PINNED_ELSEWHERE})
"""Refusals that end when an agent joins again or lets go; `could_run_later` knows the rest."""
_US_PER_S = 1_000_000


def note(state: State) -> None:
    """Remember since when each run is hopeless; a plan was just made, so that it is known."""
    if not state.blocked_runs and not state.hopeless:
        return
    state.hopeless = {
        name: state.hopeless.get(name, state.now_us)
        for name in state.blocked_runs
        if name in state.active and _why(state, state.active[name]) is not None
    }


def give_up(state: State, turn: Turn) -> None:
    """Fail the runs whose time of grace is over and that are hopeless still."""
    for name, since_us in list(state.hopeless.items()):
        if state.now_us - since_us < state.settings.unplaceable_us:
            continue
        del state.hopeless[name]
        run = state.active.get(name)
        why = _why(state, run) if run is not None else None
        if run is not None and why is not None:
            grace_s = state.settings.unplaceable_us // _US_PER_S
            detail = f"{why}; none joined within {grace_s} s"
            reason = FailureReason.UNPLACEABLE.value
            end_run(state, turn, run, RunState.FAILED, reason, detail)


def due_us(state: State) -> int | None:
    """Time at which the next run is to be given up; ``None`` if none is hopeless."""
    if not state.hopeless:
        return None
    return min(state.hopeless.values()) + state.settings.unplaceable_us


def _why(state: State, run: LiveRun) -> str | None:
    """The machine that a hopeless run would need, in words; ``None`` if there is hope.

    The first operation that nothing can run now speaks for all.
    """
    if run.kind != "run" or not any(agent.takes_work for agent in state.agents.values()):
        return None
    for op in run.open.values():
        if op.state not in PENDING:
            continue
        found = options(state, op)
        if found.modes:
            continue
        passes = could_run_later(found) or any(c.reason in _COMES_BACK for c in found.refused)
        return None if passes else blocked_by(op, found)[1]
    return None
