"""Runs that no machine can ever take: they fail with their reason instead of waiting for ever.

A run is hopeless while agents are joined and each machine refuses one of its operations for a
reason that does not pass by itself. It has a time of grace, in which another machine may join: a
site that comes up has its machines one after the other. There is none for a model that was measured
and refused wherever it could run: its user is to mend it, so the run fails at once. What a lost or
draining agent could run waits for that agent, and on a site without agents everything waits.
"""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.control.forecast.options import could_run_later, options
from scheduler.control.planning.explaining import blocked_by, refusals
from scheduler.control.records import Reason, RunState
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun, Options
from scheduler.control.state.runs import end_run
from scheduler.control.state.state import State, Turn
from scheduler.model.messages import FailureReason

_IS_MEASURED = frozenset({Reason.REFUSED, Reason.PROVIDER_UNUSABLE})
"""Refusals of a model that was measured wherever something is usable."""
_COMES_BACK = frozenset({Reason.NOT_CONNECTED, Reason.DRAINING, Reason.PINNED_ELSEWHERE})
"""Refusals that end when an agent joins again or lets go; `could_run_later` knows the rest."""
_US_PER_S = 1_000_000


def note(state: State) -> None:
    """Remember since when each run is hopeless; a plan was just made, so that it is known."""
    if not state.blocked_runs and not state.hopeless:
        return
    blocked = [state.active[name] for name in state.blocked_runs if name in state.active]
    found = [(run.id, _why(state, run)) for run in blocked]
    state.hopeless = {name: _since_us(state, name, why) for name, why in found if why is not None}


def give_up(state: State, turn: Turn) -> None:
    """Fail the runs whose time of grace is over and that are hopeless still."""
    for name, since_us in list(state.hopeless.items()):
        if state.now_us - since_us < state.settings.unplaceable_us:
            continue
        del state.hopeless[name]
        run = state.active.get(name)
        why = _why(state, run) if run is not None else None
        if run is not None and why is not None:
            reason = FailureReason.UNPLACEABLE.value
            end_run(state, turn, run, RunState.FAILED, reason, _detail(state, why))


def due_us(state: State) -> int | None:
    """Time at which the next run is to be given up; ``None`` if none is hopeless."""
    if not state.hopeless:
        return None
    return min(state.hopeless.values()) + state.settings.unplaceable_us


@dataclass(frozen=True, slots=True)
class _Why:
    """The reason that a run is hopeless.

    Parameters
    ----------
    text
        The machine that it would need, in words.
    is_measured
        True if its model was measured wherever something is usable, and refused everywhere.
    """

    text: str
    is_measured: bool


def _since_us(state: State, run: str, why: _Why) -> int:
    """Time from which the grace of a run counts: one whose model was measured has none left."""
    if why.is_measured:
        return state.now_us - state.settings.unplaceable_us
    return state.hopeless.get(run, state.now_us)


def _detail(state: State, why: _Why) -> str:
    if why.is_measured:
        return why.text
    return f"{why.text}; none joined within {state.settings.unplaceable_us // _US_PER_S} s"


def _why(state: State, run: LiveRun) -> _Why | None:
    """The reason that a run is hopeless; ``None`` if there is hope.

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
        return None if passes else _of_operation(op, found)
    return None


def _of_operation(op: LiveOperation, found: Options) -> _Why:
    reasons = {candidate.reason for candidate in found.refused}
    is_measured = Reason.REFUSED in reasons and reasons <= _IS_MEASURED
    text = blocked_by(op, found)[1]
    if is_measured:
        text = f"no machine can run {op.stage.target}: {refusals(found)}"
    return _Why(text, is_measured)
