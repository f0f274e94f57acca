"""The causes for which an operation began later than it could have, in recorded times.

An operation could begin once the last of what it reads was there, and a run once it was submitted.
From then on each moment has one cause: what its machine did, or what was missing while that stood
idle. So the causes of an operation add up to its wait, and those along the chain that a run waited
for add up to the wait of the run.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from scheduler.control.records import Cause
from scheduler.control.state.delays.timelines import spans
from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.graph import list_makers
from scheduler.control.state.operations import PENDING, LiveOperation, LiveRun, is_ready
from scheduler.control.state.spans import Doing, Span
from scheduler.control.state.state import State
from scheduler.model.messages import OperationFinished

Share = tuple[Cause, int]
"""A cause, and how many microseconds it explains."""

_HELD = {Doing.STOP: Cause.STOP, Doing.RESTART: Cause.RESTART}


def note_start(state: State, op: LiveOperation, machine: str, at_us: int) -> None:
    """Account for the time up to a start, from when the operation could have begun."""
    ready_us = ready_since_us(op)
    if ready_us != op.ready_us:
        # Its inputs were made again: all waits before are part of that.
        op.ready_us, op.accounted_us, op.waited = ready_us, ready_us, {}
    _add(op.waited, _waits(state, op, state.machines.get(machine), at_us))
    op.accounted_us = max(op.accounted_us, at_us)


def note_again(op: LiveOperation, at_us: int) -> None:
    """Account for an attempt that is to be made once more, if it had begun."""
    if op.started_us is not None:
        for told_at_the_end in (Cause.WORKER, Cause.SESSION):
            op.waited.pop(told_at_the_end, None)
        _add(op.waited, [(Cause.RETRY, at_us - op.accounted_us)])
        op.accounted_us = max(op.accounted_us, at_us)


def note_end(op: LiveOperation, report: OperationFinished) -> None:
    """Account for the report of an end: time in its worker, for its session, for transfers."""
    begun_us = max(0, report.started_us - op.accounted_us)
    _add(op.waited, [(Cause.WORKER, begun_us), (Cause.SESSION, report.load_us)])
    fetched_us = max((transfer.duration_us for transfer in report.transfers), default=0)
    # Only while nothing else held it up: a transfer beside other work keeps nobody waiting.
    moved_us = min(fetched_us, op.waited.get(Cause.CONTROLLER, 0))
    _add(op.waited, [(Cause.TRANSFER, moved_us), (Cause.CONTROLLER, -moved_us)])


def so_far(state: State, op: LiveOperation) -> dict[Cause, int]:
    """Causes for which an operation has waited; of one that waits yet, up to now."""
    found = dict(op.waited) if ready_since_us(op) == op.ready_us else {}
    if op.state in PENDING and is_ready(op):
        live = state.machines.get(op.placement.mode.machine) if op.placement is not None else None
        _add(found, _waits(state, op, live, state.now_us))
    return found


def of_run(state: State, run: LiveRun) -> dict[Cause, int]:
    """Causes for which a run that has not ended has waited: on the chain that it hangs on now."""
    found: dict[Cause, int] = {}
    op = _latest(run)
    if op is None:
        return found
    if op.ended_us is not None:
        _add(found, [(Cause.CONTROLLER, state.now_us - op.ended_us)])
    while op is not None:
        _add(found, so_far(state, op).items())
        op = _last_producer(op)
    return found


def ready_since_us(op: LiveOperation) -> int:
    """Time at which the last of its inputs was made, or its run was submitted."""
    last = _last_producer(op)
    return op.run.submitted_us if last is None else last.ended_us or 0


def ready_us(op: LiveOperation) -> int | None:
    """The same, ``None`` as long as something that it reads is still to be made."""
    return ready_since_us(op) if is_ready(op) else None


def able_since_us(state: State, op: LiveOperation, live: LiveMachine, provider: str) -> int:
    """Time at which a machine became able to run an operation: joined, came up, measured it."""
    measured = state.measured_at.get((op.stage.digest, live.report.id, provider), {})
    return max(live.since_us, live.up_us, max(measured.values(), default=0))


def _last_producer(op: LiveOperation) -> LiveOperation | None:
    producers = [op.run.operations[name] for name in op.producers] or list_makers(op)
    return max(producers, key=lambda each: each.ended_us or 0, default=None)


def _latest(run: LiveRun) -> LiveOperation | None:
    """The operation that a run ended with, or of those that are not done the first to be ready."""
    begun = [op for op in run.operations.values() if op.started_us is not None or is_ready(op)]
    still = [op for op in begun if op.ended_us is None]
    if still:
        return min(still, key=ready_since_us)
    return max(begun, key=lambda op: op.ended_us or 0, default=None)


def _waits(
    state: State, op: LiveOperation, live: LiveMachine | None, until_us: int
) -> Iterator[Share]:
    """Shares of each cause from where an operation is accounted for, on the machine that it got."""
    at_us = op.accounted_us if op.ready_us == ready_since_us(op) else ready_since_us(op)
    if live is None:
        is_blocked = op.run.id in state.blocked_runs
        yield (Cause.NO_MACHINE if is_blocked else Cause.OTHER_WORK), max(0, until_us - at_us)
        return
    if len(live.spans) == live.spans.maxlen and at_us < live.spans[0].start_us:
        yield Cause.FORGOTTEN, min(until_us, live.spans[0].start_us) - at_us
        at_us = live.spans[0].start_us
    for span in spans(state, live, until_us):
        begin_us, end_us = max(at_us, span.start_us), min(until_us, span.end_us)
        if begin_us < end_us:
            yield from _idle(state, op, live, at_us, begin_us)
            yield _cause(op, span), end_us - begin_us
            at_us = end_us
    yield from _idle(state, op, live, at_us, until_us)


def _cause(op: LiveOperation, span: Span) -> Cause:
    if span.doing is not Doing.WORK:
        return _HELD[span.doing]
    if span.run == op.run.id:
        return Cause.OWN_WORK
    return Cause.LOWER_WORK if span.band > op.band else Cause.OTHER_WORK


def _idle(
    state: State, op: LiveOperation, live: LiveMachine, at_us: int, until_us: int
) -> Iterator[Share]:
    """Shares of each cause while the machine of an operation did nothing."""
    provider = op.placement.mode.provider if op.placement is not None else op.provider
    able_us = min(max(at_us, able_since_us(state, op, live, provider)), until_us)
    held_us = until_us if op.held_since_us is None else max(op.held_since_us, able_us)
    held_us = min(held_us, until_us)
    yield Cause.NO_MACHINE, max(0, able_us - at_us)
    yield Cause.CONTROLLER, max(0, held_us - able_us)
    yield Cause.KEPT_FREE, max(0, until_us - held_us)


def _add(found: dict[Cause, int], shares: Iterable[Share]) -> None:
    for cause, us in shares:
        total_us = found.get(cause, 0) + us
        if total_us > 0:
            found[cause] = total_us
        else:
            found.pop(cause, None)
