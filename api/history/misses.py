"""Runs that came too late, each with the one cause that the record knows of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from scheduler.control.records import OperationRecord, RunRecord, is_missed


class Cause(StrEnum):
    """The cause of a run that came too late; the first that applies. A closed set."""

    PROMISED_LATE = "promised_late"  # it was known from the first plan on
    FAILED_ATTEMPT = "failed_attempt"  # something of it had to be run again
    SLOWER = "slower"  # something of it took longer than the p95 of its prediction
    WAITED = "waited"  # it came later to its machine than the first plan allowed for
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Miss:
    """A deadline or a due date that was not kept.

    Parameters
    ----------
    limited_by
        ``deadline`` or ``due``.
    limit_us, at_us
        Time that was asked for, and end of the run; absolute.
    """

    run: str
    limited_by: str
    limit_us: int
    at_us: int
    cause: Cause
    detail: str


def misses_of(record: RunRecord, operations: Sequence[OperationRecord]) -> Iterator[Miss]:
    """The limits that an ended run missed: none, if it was cancelled or failed by itself."""
    if record.ended_us is None:
        return
    for limited_by, limit_us in (("deadline", record.deadline_us), ("due", record.due_us)):
        if limit_us is None or not is_missed(
            record.state, record.reason, record.ended_us, limit_us
        ):
            continue
        cause, detail = _cause(record, operations, limit_us)
        yield Miss(
            run=record.run,
            limited_by=limited_by,
            limit_us=limit_us,
            at_us=record.ended_us,
            cause=cause,
            detail=detail,
        )


def is_late(record: RunRecord) -> bool:
    """Say if a run missed anything: its operations are needed to tell the cause."""
    return any(True for _ in misses_of(record, ()))


def _cause(
    record: RunRecord, operations: Sequence[OperationRecord], limit_us: int
) -> tuple[Cause, str]:
    promised_us = record.predicted_p50_us
    if promised_us is not None and promised_us > limit_us:
        return Cause.PROMISED_LATE, f"promised {promised_us - limit_us} us after it"
    for op in operations:
        if op.failures:
            last = op.failures[-1]
            return Cause.FAILED_ATTEMPT, f"{op.operation} on {last.machine}: {last.reason.value}"
    for op in operations:
        took_us = None if op.started_us is None else (op.ended_us or limit_us) - op.started_us
        if took_us is not None and op.duration_p95_us is not None and took_us > op.duration_p95_us:
            return Cause.SLOWER, f"{op.operation} took {took_us} us, p95 {op.duration_p95_us} us"
    if record.started_us is None:
        return Cause.WAITED, record.detail or "nothing of it was started"
    if promised_us is not None:
        waited_us = record.started_us - record.submitted_us
        return Cause.WAITED, f"started {waited_us} us after it was submitted"
    return Cause.UNKNOWN, record.detail
