"""Reservations: machines that are kept free for work which is expected.

For the next run of an urgent stream: work that has begun is not interrupted for nothing, so that
run is late when all machines have begun something long just before it comes. If the plan would have
it so, the machine that loses least starts nothing that is not through when the run has to begin.
That is the rule of critical-window EDF; ours knows one run ahead of each stream and puts the window
on one machine of several. Only less urgent work is kept waiting, and only for so long; a machine
that the run finds free in time by itself, or can make free, is not reserved.

For runs in flight: a fan-out whose list is not there yet is planned for and sent to nobody. The
plan puts less urgent work behind it, or before it if that is through in time. Each machine is kept
free as the plan has it, so that an agent does not begin that work in the meantime.

References
----------
Nasri and Fohler (2016), doi:10.1109/ECRTS.2016.9. George, Muhlethaler and Rivierre (1996),
"Optimality and non-preemptive real-time scheduling revisited", INRIA RR-2516.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

from scheduler.control.forecast.next_runs import ON_THE_WAY_US, Expected, expected
from scheduler.control.planning.backfilling import MOST_HELD, reservation_before
from scheduler.control.planning.preemption import would_give_way_us
from scheduler.control.planning.snapshot import Snapshot, session_times_us
from scheduler.control.records import OperationState
from scheduler.control.settings import BrainSettings
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.plan import Reservation
from scheduler.control.state.state import State
from scheduler.model.problem import Band, Mode
from scheduler.model.schedule import Schedule


@dataclass(frozen=True, slots=True)
class _Span:
    """A span of a machine in a plan; without an operation, of a run that is expected."""

    start_us: int
    end_us: int
    op: LiveOperation | None = None
    mode: Mode | None = None


@dataclass(frozen=True, slots=True)
class _Offer:
    """An offer of a machine to an expected run: the best come first.

    Parameters
    ----------
    rank
        0: it is free in time by itself; 1: what runs will give way; 2: it is kept free.
    idle_us
        Time that the machine may then wait for the run.
    """

    rank: int
    idle_us: int
    machine: str
    begin_us: int


def reserve(state: State, snapshot: Snapshot, schedule: Schedule) -> list[Reservation]:
    """Reserve machines so that expected runs find one, going by a plan.

    Durations of now are foreseen by p50, as in the plan: to count them by p95 kept more free than
    it saved (`benchmarks.placement`).
    """
    band = max((op.band for op in snapshot.planned), default=Band.CRITICAL)
    runs = expected(state, band)
    if not runs or any(_has_waited_enough(state, snapshot, op) for op in snapshot.planned):
        return []
    spans = _spans(snapshot, schedule)
    kept: list[Reservation] = []
    for run in runs:
        offers = [_offer(state, run, name, spans.get(name, ())) for name in run.takes_us]
        best = min(filter(None, offers), key=attrgetter("rank", "idle_us"), default=None)
        if best is None:
            continue
        takes_us = run.takes_us[best.machine]
        spans.setdefault(best.machine, []).append(_Span(best.begin_us, best.begin_us + takes_us))
        if best.rank != 1:
            kept.append(_reservation(run, best))
    return kept


def spares_urgent(
    snapshot: Snapshot, kept: Iterable[Reservation], without: Schedule, schedule: Schedule
) -> bool:
    """True if nothing as urgent as an expected run ends later because of the reservations."""
    band = max(each.band for each in kept if each.is_window)
    urgent = [op.id for op in snapshot.planned if op.band <= band]
    return all(schedule[name].end_us <= without[name].end_us for name in urgent)


def note_waiting(state: State, snapshot: Snapshot, without: Schedule) -> int | None:
    """Note since when operations wait for a reservation of the plan in force.

    Gives when the first has waited long enough; ``None`` if nothing waits.
    """
    loads, now_us = session_times_us(snapshot, without), snapshot.problem.now_us
    for op in snapshot.planned:
        first_us = without[op.id].start_us
        is_due = first_us - loads.get(op.id, 0) <= now_us
        if is_due and op.held_since_us is None and _waits(state, op, snapshot.origin_us + first_us):
            op.held_since_us = state.now_us
    times_us = (_enough_us(snapshot, op) for op in snapshot.planned)
    return min((at_us for at_us in times_us if at_us is not None), default=None)


def _waits(state: State, op: LiveOperation, first_us: int) -> bool:
    is_later = op.placement is not None and first_us < op.placement.start_us + op.placement.load_us
    return is_later or reservation_before(state, op) is not None


def _enough_us(snapshot: Snapshot, op: LiveOperation) -> int | None:
    """Time at which an operation has waited long enough; ``None`` if it does not wait."""
    if op.held_since_us is None:
        return None
    takes_us = max(mode.p95_us for mode in snapshot.options[op.id].modes)
    return op.held_since_us + MOST_HELD * takes_us


def _has_waited_enough(state: State, snapshot: Snapshot, op: LiveOperation) -> bool:
    enough_us = _enough_us(snapshot, op)
    return enough_us is not None and enough_us <= state.now_us


def _spans(snapshot: Snapshot, schedule: Schedule) -> dict[str, list[_Span]]:
    """Expected spans per machine, in absolute times and in order."""
    spans: dict[str, list[_Span]] = {}
    for op in snapshot.running:
        spans.setdefault(op.machine, []).append(_span(snapshot, schedule, op, op.mode))
    loads = session_times_us(snapshot, schedule)
    for op in sorted(snapshot.planned, key=lambda op: schedule[op.id].start_us):
        mode = snapshot.options[op.id].modes[schedule[op.id].mode]
        span = _span(snapshot, schedule, op, mode, loads.get(op.id, 0))
        spans.setdefault(mode.machine, []).append(span)
    return spans


def _span(
    snapshot: Snapshot, schedule: Schedule, op: LiveOperation, mode: Mode | None, load_us: int = 0
) -> _Span:
    at, origin_us = schedule[op.id], snapshot.origin_us
    return _Span(origin_us + at.start_us - load_us, origin_us + at.end_us, op, mode)


def _offer(state: State, run: Expected, machine: str, spans: Sequence[_Span]) -> _Offer | None:
    begin_us, before = _first_turn(run, spans)
    by_us = run.begin_by_us(machine)
    if begin_us <= by_us:
        return _Offer(0, 0, machine, begin_us)
    if before is None or before.op is None or before.op.band <= run.band or by_us < run.early_us:
        return None
    if _gives_way(state, run, before, by_us):
        return _Offer(1, 0, machine, run.early_us)
    if _is_too_late(state, machine, before, by_us):
        return None
    return _Offer(2, run.early_us - before.start_us, machine, run.early_us)


def _first_turn(run: Expected, spans: Sequence[_Span]) -> tuple[int, _Span | None]:
    """Time at which a run gets the machine that takes its next slot, and the span before it."""
    begin_us, before = run.early_us, None
    for span in sorted(spans, key=attrgetter("start_us")):
        if span.start_us >= begin_us or _is_after(run, before):
            break
        if span.end_us > begin_us:
            begin_us, before = span.end_us, span
    return begin_us, before


def _is_after(run: Expected, before: _Span | None) -> bool:
    """True if the run has waited for something less urgent, after which it is first."""
    return before is not None and before.op is not None and before.op.band > run.band


def _is_too_late(state: State, machine: str, before: _Span, by_us: int) -> bool:
    """True if a machine is at it already, or begins something as long before it could be told.

    The head of its agent's queue need not be next by the plan, and may have begun.
    """
    if before.op is not None and before.op.state is OperationState.RUNNING:
        return True
    sent = state.machines[machine].queue
    if not sent or before.start_us > state.now_us + ON_THE_WAY_US:
        return False
    mode = state.operations[sent[0][0]].sent.get(machine)
    return mode is not None and before.start_us + mode.duration_us > by_us


def _gives_way(state: State, run: Expected, span: _Span, by_us: int) -> bool:
    if span.op is None or span.mode is None or run.band is not Band.CRITICAL:
        return False
    worked_us, left_us = run.early_us - span.start_us, span.end_us - run.early_us
    free_us = would_give_way_us(state, span.op, span.mode, worked_us=worked_us, left_us=left_us)
    return free_us is not None and run.early_us + free_us <= by_us


def _reservation(run: Expected, offer: _Offer) -> Reservation:
    by_us = run.begin_by_us(offer.machine)
    return Reservation(
        machine=offer.machine,
        workload=run.workload,
        band=run.band,
        from_us=by_us,
        until_us=max(by_us + run.takes_us[offer.machine], run.late_us),
        is_window=offer.rank == 2,
    )


def reserve_in_flight(
    expected: Iterable[LiveOperation], settings: BrainSettings
) -> list[Reservation]:
    """Reservations for operations that are expected, by machine and band.

    Nobody counts on one that is late by what counts as late: the plan is made anew then.
    """
    found: dict[tuple[str, Band], Reservation] = {}
    for op in expected:
        placed = op.placement
        if placed is None or op.band is Band.BACKGROUND:
            continue
        before = found.get((placed.mode.machine, op.band))
        if before is None or placed.start_us < before.from_us:
            found[placed.mode.machine, op.band] = Reservation(
                machine=placed.mode.machine,
                workload=op.run.workload,
                band=op.band,
                from_us=placed.start_us,
                until_us=placed.start_us + settings.late_floor_us,
                is_window=False,
                run=op.run.id,
                operation=op.id,
            )
    return list(found.values())
