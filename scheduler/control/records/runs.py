"""Runs and operations as others see them: candidates, attempts, planned against actual."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.control.records.reasons import (
    Ahead,
    Cause,
    InversionKind,
    OperationState,
    Reason,
    RunState,
)
from scheduler.model.messages import FailureReason, Value
from scheduler.model.problem import Band


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way an operation could have run.

    Parameters
    ----------
    finish_us
        Predicted finish; ``None`` where there is no prediction.
    reason
        The reason that it was not chosen; ``None`` for the chosen one.
    """

    machine: str
    provider: str
    variant: str = ""
    finish_us: int | None = None
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt that did not succeed.

    Parameters
    ----------
    started_us
        Time at which it began; ``None`` if it had not.
    gave_way_to
        The more urgent operation that it was stopped for; empty if it was not.
    """

    attempt: int
    machine: str
    provider: str
    reason: FailureReason
    message: str
    at_us: int
    started_us: int | None = None
    gave_way_to: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversion:
    """Less urgent work that began on a machine while more urgent work was ready for it.

    Parameters
    ----------
    kind
        The place of the more urgent operation: where it was, or ran in the end.
    operation, run, band
        The more urgent.
    ready_us, began_us, started_us
        Times at which the more urgent could have begun there, the less urgent began, and the more
        urgent began at last.
    """

    kind: InversionKind
    machine: str
    operation: str
    run: str
    band: Band
    lower_operation: str
    lower_run: str
    lower_band: Band
    ready_us: int
    began_us: int
    started_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """An operation as others see it: planned against actual, and why it is where it is.

    Parameters
    ----------
    provenance, duration_p50_us, duration_p95_us
        Origin of its predicted duration, and the distribution, with a warm session.
    load_us
        Share of the planned time for making its session, before it runs; 0 if the session is there.
    order
        Place among the operations of its run: by stage, then by item.
    waits_for
        Operations whose outputs it takes: the edges of the graph, also once they are done; the
        first of them where it gathers many.
    shapes
        Of its inputs, once they are there; empty for lists, and in the bars of a view.
    ready_us, waited
        Time since when it could have begun; and microseconds by cause that it waited from then to
        its start, and for its session after that. Empty in the bars of a view.
    runtime, plug_in
        Versions of ONNX Runtime and of the provider's package where it is planned, or was sent to
        last; profiles of other versions are measured anew. Empty if unknown.
    ahead_of, ahead_why
        More urgent operation that was planned there before its end when it started, and why it
        started all the same; empty as a rule.
    """

    operation: str
    run: str
    stage: str
    item: int | None
    work: str
    state: OperationState
    band: Band
    machine: str = ""
    provider: str = ""
    attempt: int = 0
    waits_for: tuple[str, ...] = ()
    planned_start_us: int | None = None
    planned_end_us: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    transfer_us: int = 0
    load_us: int = 0
    provenance: str = ""
    duration_p50_us: int | None = None
    duration_p95_us: int | None = None
    candidates: tuple[Candidate, ...] = ()
    failures: tuple[AttemptRecord, ...] = ()
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    order: int = 0
    ready_us: int | None = None
    waited: dict[Cause, int] = field(default_factory=dict, hash=False)
    ahead_of: str = ""
    ahead_why: Ahead | None = None
    runtime: str = ""
    plug_in: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as others see it.

    Parameters
    ----------
    kind
        ``run``, or ``profile`` for the measuring of a model.
    predicted_p50_us, predicted_p95_us
        Promised finish, absolute: by the first plan that placed all of the run. It stays as it is.
    chance
        Of a finish by the deadline, 0 to 1, by these; ``None`` without a deadline or a promise.
    estimated_p50_us, estimated_p95_us, estimated_chance
        The same by the plan of now; the last ones of a run that has ended.
    effective_band
        The band that it counts as by now; ``None`` in records of before.
    reason, detail
        The reason that it waits, or ended as it did, from `Reason` or `FailureReason`, in words
        too.
    thrown_away_us
        Work of others that was stopped for it, and is done again.
    operations_total, operations_done
        Number of operations, and of those that are done. Of a long fan-out `operations` holds only
        those that a plan has reached.
    waited
        Waits by cause in microseconds, along the chain of operations that its end hung on; the rest
        of its time is work. A run that has not ended tells them only when it is asked for by
        itself.
    inversions
        The latest starts of less urgent work on a machine that was to do something of it.
    """

    run: str
    kind: str
    workload: str
    state: RunState
    band: Band
    submitted_us: int
    started_us: int | None = None
    ended_us: int | None = None
    deadline_us: int | None = None
    due_us: int | None = None
    predicted_p50_us: int | None = None
    predicted_p95_us: int | None = None
    chance: float | None = None
    reason: str = ""
    detail: str = ""
    effective_band: Band | None = None
    outputs: dict[str, Value] = field(default_factory=dict)
    operations_total: int = 0
    operations_done: int = 0
    operations: tuple[OperationRecord, ...] = ()
    estimated_p50_us: int | None = None
    estimated_p95_us: int | None = None
    estimated_chance: float | None = None
    waited: dict[Cause, int] = field(default_factory=dict)
    inversions: tuple[Inversion, ...] = ()
    thrown_away_us: int = 0


def is_missed(state: RunState, reason: str, ended_us: int | None, limit_us: int | None) -> bool:
    """Say if a run missed a limit: it was dropped at it, or finished after it.

    A run that failed for another reason, or was cancelled, missed nothing.
    """
    if ended_us is None or limit_us is None:
        return False
    is_dropped = reason == FailureReason.DEADLINE
    if state is not RunState.FINISHED and not is_dropped:
        return False
    return ended_us > limit_us or (is_dropped and ended_us == limit_us)
