"""Figures of a simulated history."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import ceil

from scheduler.control.records import OperationRecord, RunRecord, RunState, is_missed


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadFigures:
    """Runs of one workload: counts, and times from arrival to end of those that finished.

    Parameters
    ----------
    missed
        Runs that ended after their deadline, or were dropped at it.
    failed
        Runs that failed for another reason.
    """

    runs: int
    finished: int
    missed: int
    failed: int
    p50_us: int | None
    p99_us: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Figures of a scenario.

    Parameters
    ----------
    makespan_us
        From the first arrival to the last end.
    utilisation
        Share of the makespan that each machine was busy, failed attempts included.
    """

    workloads: dict[str, WorkloadFigures]
    makespan_us: int
    utilisation: dict[str, float]

    @property
    def late_share(self) -> float:
        """Share of runs that missed their deadline or failed."""
        runs = sum(each.runs for each in self.workloads.values())
        late = sum(each.missed + each.failed for each in self.workloads.values())
        return late / runs if runs else 0.0


def report(records: Sequence[RunRecord], machines: Sequence[str]) -> Report:
    """Sum up records of runs that have ended."""
    by_workload: dict[str, list[RunRecord]] = {}
    for record in records:
        by_workload.setdefault(record.workload.rpartition("@")[0], []).append(record)
    first_us = min((record.submitted_us for record in records), default=0)
    makespan_us = max((record.ended_us or 0 for record in records), default=0) - first_us
    busy_us = busy_by_machine(records)
    return Report(
        workloads={name: _figures(found) for name, found in by_workload.items()},
        makespan_us=makespan_us,
        utilisation={name: busy_us.get(name, 0) / max(1, makespan_us) for name in machines},
    )


def busy_by_machine(records: Sequence[RunRecord]) -> Mapping[str, int]:
    """Microseconds for which each machine ran something."""
    found: dict[str, int] = {}
    for op in (each for record in records for each in record.operations):
        for machine, start_us, end_us in _stretches(op):
            found[machine] = found.get(machine, 0) + end_us - start_us
    return found


def _stretches(op: OperationRecord) -> Iterator[tuple[str, int, int]]:
    if op.started_us is not None and op.ended_us is not None:
        yield op.machine, op.started_us, op.ended_us
    for failure in op.failures:
        # The last attempt of a failed operation is told by the operation, too.
        if failure.started_us is not None and failure.started_us != op.started_us:
            yield failure.machine, failure.started_us, failure.at_us


def _figures(records: Sequence[RunRecord]) -> WorkloadFigures:
    missed = sum(is_missed(r.state, r.reason, r.ended_us, r.deadline_us) for r in records)
    finished = [r for r in records if r.state is RunState.FINISHED]
    late = sum(is_missed(r.state, r.reason, r.ended_us, r.deadline_us) for r in finished)
    times_us = sorted((r.ended_us or 0) - r.submitted_us for r in finished)
    return WorkloadFigures(
        runs=len(records),
        finished=len(finished),
        missed=missed,
        failed=len(records) - len(finished) - (missed - late),
        p50_us=_quantile(times_us, 0.5),
        p99_us=_quantile(times_us, 0.99),
    )


def _quantile(ordered: Sequence[int], share: float) -> int | None:
    """The smallest value that so large a share does not exceed; ``None`` of nothing."""
    return ordered[max(0, ceil(share * len(ordered)) - 1)] if ordered else None
