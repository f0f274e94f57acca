"""Less urgent work that went before more urgent work, by recorded times and by plan.

An inversion is less urgent work that began while more urgent work was ready to begin. It is looked
for when the more urgent work starts at last: by then all that began meanwhile, on the machines that
could have taken it, is known. Three starts are no inversions: one before an agent can have heard of
the other work; one beside it, when its own machine was free and it waited for something else; and
one on a machine that would not have served it sooner by more than plans care about.

A start goes ahead if the plan in force has more urgent work on that machine before its end. Plans,
reservations and gates keep that from happening; if it happens all the same, the operation keeps one
of a few reasons.
"""

from __future__ import annotations

from collections.abc import Iterator

from scheduler.control.forecast.next_runs import ON_THE_WAY_US
from scheduler.control.forecast.options import options
from scheduler.control.planning.backfilling import has_waited_enough
from scheduler.control.records import Ahead, Inversion, InversionKind
from scheduler.control.state.delays.causes import able_since_us, ready_since_us
from scheduler.control.state.delays.timelines import spans
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import LiveOperation
from scheduler.control.state.sessions import holds
from scheduler.control.state.spans import Doing, Span
from scheduler.control.state.state import State
from scheduler.model.messages import OperationStarted
from scheduler.model.problem import Band, Mode

HEARD_US = 10_000
"""An agent has heard of an accepted run by then, on a busy site too."""
MOST_OF_RUN = 10
"""Inversions that a run shows; all are counted."""


def note_inversion(state: State, op: LiveOperation, mode: Mode, at_us: int) -> None:
    """Count less urgent starts on a machine that an operation, starting now, was ready for."""
    since_us = max(ready_since_us(op), op.accounted_us)
    if not op.is_profile and _lower_began_us(state, op.run.band) > since_us:
        found = max(_inversions(state, op, mode, since_us, at_us), key=_latest, default=None)
        if found is not None:
            state.count(f"inversions_{found.kind}")
            state.inversions.append(found)
            op.run.inversions = [*op.run.inversions, found][-MOST_OF_RUN:]
    state.began_us[op.band] = max(at_us, state.began_us.get(op.band, 0))


def _latest(found: Inversion) -> tuple[int, str]:
    return found.began_us, found.machine


def _lower_began_us(state: State, band: Band) -> int:
    """Latest start of anything of a lower band, anywhere."""
    return max((us for lower, us in state.began_us.items() if lower > band), default=0)


def _inversions(
    state: State, op: LiveOperation, mode: Mode, since_us: int, at_us: int
) -> Iterator[Inversion]:
    """Find starts that went before an operation, on its machine and on others for it."""
    for way in options(state, op, is_pinned=False).modes:
        live = state.machines[way.machine]
        ready_us = max(since_us, _there_us(state, op, live, way.provider))
        heard_us = ready_us + _unheard_us(op, live, since_us)
        for span in spans(state, live, at_us):
            is_lower = span.doing is Doing.WORK and span.band > op.run.band
            is_long = span.end_us - span.start_us > ON_THE_WAY_US
            if not (is_lower and is_long and heard_us < span.start_us < at_us):
                continue
            if _served_later(state, op, mode, way, span, at_us):
                yield _inversion(op, mode, span, live, ready_us, at_us)


def _there_us(state: State, op: LiveOperation, live: LiveMachine, provider: str) -> int:
    """Time from which a machine could run an operation, its inputs from other boxes included."""
    able_us = able_since_us(state, op, live, provider)
    for edge in op.edges:
        before = op.run.operations[edge.source]
        made_on = state.machines.get(before.machine)
        if made_on is not None and made_on.box != live.box:
            move_us = state.links.transfer_us(made_on.box, live.box, edge.size_bytes)
            able_us = max(able_us, (before.ended_us or 0) + move_us)
    return able_us


def _unheard_us(op: LiveOperation, live: LiveMachine, since_us: int) -> int:
    """Time for which an agent may not know that an operation is ready; its own results it knows."""
    had_it = op.agent == live.agent and op.sent_us < since_us
    is_own = all(op.run.operations[name].agent == live.agent for name in op.producers)
    return 0 if had_it and is_own else HEARD_US


def _served_later(
    state: State, op: LiveOperation, mode: Mode, way: Mode, span: Span, at_us: int
) -> bool:
    """True if an operation would have been served sooner had it gone first.

    On another machine by more than a plan is made anew for, and only if it waited for its own
    machine, not for something else.
    """
    if way.machine == mode.machine:
        return True
    own = spans(state, state.machines[mode.machine], at_us)
    was_busy = any(each.start_us < at_us and each.end_us > span.start_us for each in own)
    load_us = 0 if holds(state.machines[way.machine], op, way.provider) else way.setup_us
    there_us = span.start_us + load_us + way.duration_us
    return was_busy and there_us + state.settings.late_floor_us < at_us + mode.duration_us


def _inversion(
    op: LiveOperation, mode: Mode, span: Span, live: LiveMachine, ready_us: int, at_us: int
) -> Inversion:
    return Inversion(
        kind=_kind(op, mode, span, live),
        machine=live.report.id,
        operation=op.id,
        run=op.run.id,
        band=op.run.band,
        lower_operation=span.operation,
        lower_run=span.run,
        lower_band=span.band,
        ready_us=ready_us,
        began_us=span.start_us,
        started_us=at_us,
    )


def _kind(op: LiveOperation, mode: Mode, span: Span, live: LiveMachine) -> InversionKind:
    if op.sent_us + ON_THE_WAY_US > span.start_us:
        return InversionKind.UNSENT
    if live.report.id == mode.machine:
        return InversionKind.SAME_MACHINE
    return InversionKind.SAME_AGENT if op.agent == live.agent else InversionKind.ELSEWHERE


TOLD_WITHIN_US = 100_000
"""An agent has this long to hear of a plan."""


def note_ahead(state: State, op: LiveOperation, event: OperationStarted) -> None:
    """Note the planned operation that a start goes ahead of, and the reason.

    It is called before the operation leaves the plan. Of several that are planned before its end
    the first is noted.
    """
    mode = op.sent[event.machine]
    end_us = event.at_us + mode.duration_us
    coming = list(_coming(state, op, event.machine, end_us))
    op.ahead_of = min(coming)[1] if coming else ""
    op.ahead_why = _why(state, op, event.at_us) if coming else None


def _coming(
    state: State, op: LiveOperation, machine: str, end_us: int
) -> Iterator[tuple[int, str]]:
    """More urgent operations that the plan starts on a machine before a time, with when."""
    for kept in state.plan.reservations:
        is_more_urgent = kept.operation and kept.band < op.band
        if kept.machine == machine and is_more_urgent and kept.from_us < end_us:
            yield kept.from_us, kept.operation
    for name in state.plan.queues.get(machine, ()):
        other = state.operations[name]
        if other.placement is None or other.placement.start_us >= end_us:
            return  # queues are in the order of the plan
        if other.band < op.band:
            yield other.placement.start_us, name


def _why(state: State, op: LiveOperation, at_us: int) -> Ahead | None:
    if has_waited_enough(state, op):
        return Ahead.WAITED
    if op.gate is not None and op.gate.until_us <= at_us:
        return Ahead.OVERDUE
    return Ahead.UNDER_WAY if at_us <= state.plan.made_us + TOLD_WITHIN_US else None
