"""Runs that have waited long count as more urgent, so that no stream keeps them waiting for ever.

Of the runs of a band that wait, the one that has for longest counts as one band more urgent per
`age_us`, up to high: then it comes before all else that is high, and after what is critical. When
something of it starts, it is what it was. One run of a band is raised at a time, and the next no
sooner than `age_us` later: a large batch of the background gets a slot now and then, and does not
become urgent work as a whole.
"""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.records import OperationState, ReplanReason
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun, is_ready
from scheduler.control.state.state import State, Turn
from scheduler.model.problem import Band

_AGEING = (Band.NORMAL, Band.BACKGROUND)
"""Bands whose runs can be raised."""


def look(state: State, turn: Turn) -> None:
    """Raise the runs that have waited long enough."""
    ageing, age_us = state.ageing, state.settings.age_us
    if ageing.due_us is None:
        # A run that waits has come, or become able to run, with an event: this one, or one since.
        ageing.due_us = state.now_us + age_us if state.active and age_us > 0 else None
    elif ageing.due_us <= state.now_us:
        times = [_age(state, turn, band) for band in _AGEING]
        ageing.due_us = min((us for us in times if us is not None), default=None)


def served(state: State, turn: Turn, op: LiveOperation, at_us: int) -> None:
    """Take note that something of a run has started: it has not waited since then."""
    run = op.run
    run.served_us = at_us
    if state.ageing.raised.get(run.band) == run.id:
        del state.ageing.raised[run.band]
        state.index.set_band(run, run.band)
        turn.plan_again(ReplanReason.AGED)


def order(state: State, run: LiveRun) -> tuple[Band, bool, int]:
    """Order in which runs are taken into a plan: by band, those that were raised to it first."""
    return run.effective_band, not _is_first(state, run), run.sequence


def planned_bands(state: State, runs: Iterable[LiveRun]) -> dict[str, Band]:
    """The band of each run in a problem.

    Inside a band, solvers go by the length of what is to be done. A run that is to come first among
    what is high gets the band above for that, where nobody critical has it.
    """
    runs = list(runs)
    bands = {run.id: run.effective_band for run in runs}
    if Band.CRITICAL not in bands.values():
        bands.update({run.id: Band.CRITICAL for run in runs if _is_first(state, run)})
    return bands


def _is_first(state: State, run: LiveRun) -> bool:
    is_raised = state.ageing.raised.get(run.band) == run.id
    return is_raised and run.effective_band is Band.HIGH


def _age(state: State, turn: Turn, band: Band) -> int | None:
    """Raise the run of a band that has waited for longest; gives when to look again."""
    ageing, age_us = state.ageing, state.settings.age_us
    run = state.active.get(ageing.raised.get(band, ""))
    if run is None or not _waits(state, run):
        run = _longest_waiting(state, band)
        if run is None:
            return None
        due_us = max(_since_us(run) + age_us, ageing.raised_us.get(band, -age_us) + age_us)
        if due_us > state.now_us:
            return due_us
        _lower(state, band)
        ageing.raised[band], ageing.raised_us[band] = run.id, state.now_us
    steps = max(1, (state.now_us - _since_us(run)) // age_us)
    raised = Band(max(Band.HIGH, band - steps))
    if raised != run.effective_band:
        state.index.set_band(run, raised, is_first=raised is Band.HIGH)
        state.count("aged")
        turn.plan_again(ReplanReason.AGED)
        turn.runs[run.id] = None
    return None if raised is Band.HIGH else _since_us(run) + (steps + 1) * age_us


def _lower(state: State, band: Band) -> None:
    """Give the run that was raised, and cannot run now, its own band again."""
    before = state.active.get(state.ageing.raised.pop(band, ""))
    if before is not None:
        state.index.set_band(before, before.band)


def _longest_waiting(state: State, band: Band) -> LiveRun | None:
    found: LiveRun | None = None
    for run in state.index.in_band(band):
        if run.band is not band or not _waits(state, run):
            continue
        if found is None or _since_us(run) < _since_us(found):
            found = run
        if not run.served_us:
            # Every run that came after it has waited for less.
            break
    return found


def _since_us(run: LiveRun) -> int:
    return max(run.submitted_us, run.served_us)


def _waits(state: State, run: LiveRun) -> bool:
    """True if something of a run could start, and nothing of it runs."""
    if run.kind != "run" or run.id in state.blocked_runs:
        return False
    ops = run.open.values()
    if any(op.state is OperationState.RUNNING for op in ops):
        return False
    return any(op.state in PENDING and is_ready(op) for op in ops)
