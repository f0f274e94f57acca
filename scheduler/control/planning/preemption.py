"""Preemption: running operations that give way to more urgent ones, with gain and cost.

Between operations a run gives way for nothing: its results are stored, and only its turn is lost.
Inside an operation the work done is lost; if the provider cannot be stopped the worker ends, and
with it its sessions.

An operation that can be asked to stop gives way to anything more urgent that gains more than is
lost, as far as the allowance goes; to critical work also at a loss. A worker ends only for critical
work, and if that gains more than it costs.
"""

from __future__ import annotations

from collections.abc import Container, Iterable, Iterator
from dataclasses import replace

from scheduler.control.forecast.options import options
from scheduler.control.records import OperationState, Preemption
from scheduler.control.state.attempts import give_way
from scheduler.control.state.figures.stops import MOST_US, Allowance, Figure
from scheduler.control.state.holds import NEARLY_DONE_US, can_be_asked, is_stoppable, stop_figure
from scheduler.control.state.operations import LiveOperation, Placement, is_ready
from scheduler.control.state.queries import cost_query
from scheduler.control.state.state import State, Turn
from scheduler.model.ports import Provenance
from scheduler.model.problem import Band, Mode

NOTHING = Figure(0)

Planned = tuple[LiveOperation, Placement, tuple[Mode, ...]]


def preempt(state: State, turn: Turn) -> bool:
    """Stop the one running operation with the largest gain; True if one was found.

    One at a time: the machine that is freed may do for the next critical operation too.
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
    """True if an operation could start, and waits for longer than a stop is worth."""
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
    """The stop of `victim` for an operation in that mode, with gain and cost."""
    stop = stop_figure(state, victim)
    is_soft = can_be_asked(state, victim)
    restart = NOTHING if is_soft else state.stops.restart(victim.machine)
    own = NOTHING if is_soft and not mode.setup_us else _session_figure(state, op, mode)
    again = NOTHING if is_soft else _session_figure(state, victim, victim.mode)
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


def _session_figure(state: State, op: LiveOperation, mode: Mode | None) -> Figure:
    """Time to make its session anew."""
    (found,) = state.oracle.predict([cost_query(op, mode)]) if mode is not None else (None,)
    return Figure(found.load_us, found.load_provenance) if found is not None else NOTHING


LEAST_GAIN_US = 20_000
"""Not worth the end of a worker, and less than predictions are off."""
LEAST_SOFT_GAIN_US = 4_000
"""Not worth a message to an agent."""
RESERVE_US = MOST_US // 2
"""Share of the allowance for critical work."""


def has_given_way_enough(victim: LiveOperation, band: Band) -> bool:
    """True if an operation is left to finish, however much of a band waits for it.

    Each time that it gave way it counts as one band more urgent, as if it had waited for long.
    """
    return victim.band - victim.gave_way <= band


def against(state: State, victim: LiveOperation, way: Preemption, band: Band) -> str:
    """The reason that an operation does not give way to one of a band; empty if it does."""
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
    """Time until a machine is free of work that will run there; ``None`` if a stop does not pay.

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


def keeps_critical_waiting(state: State, op: LiveOperation) -> bool:
    """True if an operation that has just begun keeps a critical one waiting for long.

    Work that ends before a plan could be made anew keeps it waiting for less than that would.
    """
    queue = state.plan.queues.get(op.machine, [])
    takes_us = op.load_us + (op.mode.duration_us if op.mode is not None else 0)
    is_long = takes_us >= _worth_us(state)
    return is_long and bool(queue) and _is_before(op, state.operations[queue[0]])


def look_again_us(state: State) -> int | None:
    """Expected end of less urgent work that was left to finish and blocks a critical operation.

    If it is not, it may pay by then to have it give way.
    """
    worth_us = _worth_us(state)
    return min(
        (max(op.expected_end_us, (op.started_us or 0) + worth_us) for op in _in_the_way(state)),
        default=None,
    )


def is_due(state: State) -> bool:
    """True if that time has come, and it runs on."""
    due_us = look_again_us(state)
    return due_us is not None and due_us <= state.now_us


def _worth_us(state: State) -> int:
    """Gain of a critical operation from which on planning anew, and considering a stop, pays."""
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
