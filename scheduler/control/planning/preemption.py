"""What runs and gives way to something more urgent: what that would gain, and what it would cost.

Between operations a run gives way for nothing: what it has made is stored, and only its turn is
lost. Inside an operation the work done is lost; where the provider cannot be stopped the worker
ends, and with it its sessions.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from scheduler.control.forecast.options import cost_query, options
from scheduler.control.planning.paying import LEAST_SOFT_GAIN_US, against
from scheduler.control.records import OperationState, Preemption
from scheduler.control.state.attempts import give_way
from scheduler.control.state.holds import can_be_asked, stop_figure
from scheduler.control.state.operations import LiveOperation, Placement, is_ready
from scheduler.control.state.state import State, Turn
from scheduler.control.state.stops import Figure
from scheduler.model.ports import Provenance
from scheduler.model.problem import Band, Mode

NOTHING = Figure(0)

Planned = tuple[LiveOperation, Placement, tuple[Mode, ...]]


def preempt(state: State, turn: Turn) -> bool:
    """Stop what pays most of what is to give way by the plan in force; whether anything is.

    One at a time: what is freed may do for the next critical operation too.
    """
    least = max((op.band for op in _running(state)), default=Band.CRITICAL)
    planned = (
        (op, op.placement, options(state, op).modes)
        for op in state.plan.planned.values()
        if op.band < least and op.placement is not None and _is_late(state, op, op.placement)
    )
    best, refused = choose(state, planned)
    if best is None:
        state.count("preemptions_refused", len(refused))
        return False
    give_way(state, turn, state.operations[best.victim], best.operation)
    thrown_us = best.lost_us + best.stop_us
    state.allowance.spend(thrown_us)
    state.count("thrown_away_us", thrown_us)
    run = state.operations[best.operation].run
    run.threw_away_us += thrown_us
    turn.runs[run.id] = None
    state.count("preempted")
    return True


def choose(
    state: State, planned: Iterable[Planned], stopped: Container[str] = ()
) -> tuple[Preemption | None, tuple[Preemption, ...]]:
    """The stop that pays most, if any does, and the ways that do not pay, one an operation.

    Considered is what could start now and is planned for later.

    Parameters
    ----------
    stopped
        Operations that run and are taken to have been stopped.
    """
    found: list[Preemption] = []
    for op, placed, modes in planned:
        if _is_late(state, op, placed):
            ways = _ways(state, op, placed, modes, stopped)
            found += _best(ways)
    refused = tuple(way for way in found if way.refused)
    paying = _best(way for way in found if not way.refused)
    return (paying[0] if paying else None), refused


def _running(state: State) -> Iterator[LiveOperation]:
    names = (live.running for live in state.machines.values() if live.running)
    return (state.operations[name] for name in names)


def _is_late(state: State, op: LiveOperation, placed: Placement) -> bool:
    """Whether something could start, and waits for longer than is worth a stop."""
    late_us = placed.start_us - state.now_us
    return late_us >= LEAST_SOFT_GAIN_US and is_ready(op) and not op.is_profile


def _best(ways: Iterable[Preemption]) -> list[Preemption]:
    """The one that pays most, if there are any."""
    most = max(ways, key=lambda way: (not way.refused, way.gain_us - way.cost_us), default=None)
    return [most] if most is not None else []


def _ways(
    state: State,
    op: LiveOperation,
    placed: Placement,
    modes: tuple[Mode, ...],
    stopped: Container[str],
) -> Iterator[Preemption]:
    for mode in modes:
        live = state.machines[mode.machine]
        victim = state.operations.get(live.running)
        if victim is None or victim.band <= op.band or victim.is_profile:
            continue
        if victim.id in stopped:
            continue
        if victim.state is OperationState.RUNNING:
            way = _way(state, op, placed, mode, victim)
            yield replace(way, refused=against(state, victim, way, op.band))


def _way(
    state: State, op: LiveOperation, placed: Placement, mode: Mode, victim: LiveOperation
) -> Preemption:
    """What it would be to stop `victim` for an operation in that mode."""
    stop = stop_figure(state, victim)
    is_soft = can_be_asked(state, victim)
    restart = NOTHING if is_soft else state.stops.restart(victim.machine)
    own = NOTHING if is_soft and not mode.setup_us else _load(state, op, mode)
    again = NOTHING if is_soft else _load(state, victim, victim.mode)
    freed_us = state.now_us + stop.us + restart.us + own.us
    figures = {figure.provenance for figure in (stop, restart, own, again)}
    return Preemption(
        operation=op.id,
        victim=victim.id,
        run=victim.run.id,
        machine=victim.machine,
        provider=victim.provider,
        ends_worker=not is_soft,
        stop_us=stop.us,
        restart_us=restart.us,
        load_us=own.us + again.us,
        lost_us=max(0, state.now_us - (victim.started_us or state.now_us)),
        gain_us=placed.end_us - freed_us - mode.duration_us,
        provenance=(figures - {Provenance.MEASURED} or {Provenance.MEASURED}).pop().value,
    )


def _load(state: State, op: LiveOperation, mode: Mode | None) -> Figure:
    """What making its session anew takes."""
    (found,) = state.oracle.predict([cost_query(op, mode)]) if mode is not None else (None,)
    return Figure(found.load_us, found.load_provenance) if found is not None else NOTHING
