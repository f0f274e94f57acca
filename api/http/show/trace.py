"""A run as a trace that Perfetto (https://ui.perfetto.dev) and ``chrome://tracing`` open.

Reality and plan are two processes of the trace, each with a track per machine.
Arrows are the edges of the graph, counters say how much ran and waited, marks show the deadline,
the promise and each failed attempt. Times count from the submission of the run, in microseconds.

References
----------
Trace Event Format, https://docs.google.com/document/d/1CvAClvFfyA5R-PhYUmn5OOQtYMH4h6I0nSsKchNAySU
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import accumulate, count
from typing import Any

from scheduler.control.records import AttemptRecord, OperationRecord, RunRecord

TraceEvent = dict[str, Any]

ACTUAL = "actual"
PLANNED = "planned"
TRANSFERS = "transfers"
# Perfetto lists processes by their sort index: reality first, then the plan.
PROCESSES = {ACTUAL: 1, PLANNED: 2, TRANSFERS: 3}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A stretch of time on a machine, in absolute microseconds; open while it has no end."""

    process: str
    operation: OperationRecord
    name: str
    start_us: int
    end_us: int | None

    @property
    def until_us(self) -> float:
        """Its end; an open span has none."""
        return float("inf") if self.end_us is None else self.end_us


@dataclass(frozen=True, slots=True, kw_only=True)
class _Track:
    """One line of the trace viewer."""

    process: str
    machine: str
    lane: int

    @property
    def name(self) -> str:
        """Text that the viewer writes next to it."""
        return self.machine if self.lane == 0 else f"{self.machine} ({self.lane + 1})"


def trace(record: RunRecord) -> dict[str, Any]:
    """Return the JSON trace of a run, whether it has ended or not.

    Parameters
    ----------
    record
        The run with its operations.

    Returns
    -------
    dict
        The object form of the Trace Event Format; times in microseconds since the submission.
    """
    spans = list(_spans(record.operations))
    tracks = _tracks(spans)
    identifiers = {track: index for index, track in enumerate(dict.fromkeys(tracks.values()), 1)}
    origin_us = record.submitted_us
    events = [
        *_metadata(record, identifiers),
        *(_slice(span, identifiers[track], origin_us) for span, track in tracks.items()),
        *_arrows(tracks, identifiers, origin_us),
        *_counters(record),
        *_marks(record),
        *_failures(record, identifiers),
    ]
    return {
        "displayTimeUnit": "ms",
        "otherData": {
            "run": record.run,
            "workload": record.workload,
            "state": record.state.value,
            "submitted_us": origin_us,
        },
        "traceEvents": events,
    }


def _spans(operations: Iterable[OperationRecord]) -> Iterator[_Span]:
    """Return every stretch of time that the record knows of."""
    for operation in operations:
        name = _label(operation)
        if operation.planned_start_us is not None and operation.planned_end_us is not None:
            start_us, end_us = operation.planned_start_us, operation.planned_end_us
            yield _Span(
                process=PLANNED, operation=operation, name=name, start_us=start_us, end_us=end_us
            )
        if operation.started_us is None:
            continue
        start_us = operation.started_us
        yield _Span(
            process=ACTUAL,
            operation=operation,
            name=name,
            start_us=start_us,
            end_us=operation.ended_us,
        )
        if operation.transfer_us > 0:
            yield _Span(
                process=TRANSFERS,
                operation=operation,
                name=f"to {name}",
                start_us=start_us - operation.transfer_us,
                end_us=start_us,
            )


def _label(operation: OperationRecord) -> str:
    """Return the stage, with the item of a fan-out."""
    return operation.stage if operation.item is None else f"{operation.stage}[{operation.item}]"


def _tracks(spans: Iterable[_Span]) -> dict[_Span, _Track]:
    """Give each span a track on which it overlaps nothing.

    The format allows only nested slices on a track. Plans made at different moments may overlap on
    paper, so a machine gets a second line where needed.
    """
    free_from_us: dict[tuple[str, str], list[float]] = defaultdict(list)
    placed: dict[_Span, _Track] = {}
    for span in sorted(spans, key=lambda s: (s.operation.machine, s.start_us, s.until_us)):
        lanes = free_from_us[span.process, span.operation.machine]
        lane = next((i for i, free_us in enumerate(lanes) if free_us <= span.start_us), len(lanes))
        lanes[lane : lane + 1] = [span.until_us]
        placed[span] = _Track(process=span.process, machine=span.operation.machine, lane=lane)
    return placed


def _metadata(record: RunRecord, identifiers: dict[_Track, int]) -> Iterator[TraceEvent]:
    """Name the processes and the tracks, and order them by machine."""
    for process, pid in PROCESSES.items():
        yield _meta("process_name", pid, 0, name=f"{process}: {record.run}")
        yield _meta("process_sort_index", pid, 0, sort_index=pid)
    ordered = sorted(identifiers, key=lambda track: (track.machine, track.lane))
    for index, track in enumerate(ordered):
        pid, tid = PROCESSES[track.process], identifiers[track]
        yield _meta("thread_name", pid, tid, name=track.name)
        yield _meta("thread_sort_index", pid, tid, sort_index=index)


def _meta(kind: str, pid: int, tid: int, **args: object) -> TraceEvent:
    return {"ph": "M", "name": kind, "pid": pid, "tid": tid, "args": args}


def _slice(span: _Span, tid: int, origin_us: int) -> TraceEvent:
    """Return a complete event, or an open one for a span that still runs."""
    event: TraceEvent = {
        "ph": "B" if span.end_us is None else "X",
        "name": span.name,
        "cat": span.operation.band.name.lower(),
        "pid": PROCESSES[span.process],
        "tid": tid,
        "ts": span.start_us - origin_us,
        "args": _arguments(span.operation),
    }
    if span.end_us is not None:
        event["dur"] = span.end_us - span.start_us
    return event


def _arguments(operation: OperationRecord) -> dict[str, Any]:
    """Return the details of a selected slice: plan, reality and the other candidates."""
    return {
        "operation": operation.operation,
        "work": operation.work,
        "state": operation.state.value,
        "provider": operation.provider,
        "attempt": operation.attempt,
        "predicted_us": _difference(operation.planned_start_us, operation.planned_end_us),
        "actual_us": _difference(operation.started_us, operation.ended_us),
        "provenance": operation.provenance,
        "refused": {
            f"{candidate.machine}:{candidate.provider}": candidate.reason.value
            for candidate in operation.candidates
            if candidate.reason is not None
        },
    }


def _difference(start_us: int | None, end_us: int | None) -> int | None:
    return None if start_us is None or end_us is None else end_us - start_us


def _arrows(
    tracks: dict[_Span, _Track], identifiers: dict[_Track, int], origin_us: int
) -> Iterator[TraceEvent]:
    """Return a pair of flow events for each edge, in reality and in the plan."""
    spans = {(span.process, span.operation.operation): span for span in tracks}
    numbers = count(1)
    for (process, _), consumer in spans.items():
        if process == TRANSFERS:
            continue
        for name in consumer.operation.waits_for:
            producer = spans.get((process, name))
            if producer is None or producer.end_us is None:
                continue
            shared = {"name": "output", "cat": "edge", "id": next(numbers)}
            # A flow binds to the slice that encloses its time, and a slice does not hold its end.
            leaves_us = max(producer.start_us, producer.end_us - 1) - origin_us
            pid, tid = PROCESSES[process], identifiers[tracks[producer]]
            yield {**shared, "ph": "s", "pid": pid, "tid": tid, "ts": leaves_us}
            arrives_us = consumer.start_us - origin_us
            tid = identifiers[tracks[consumer]]
            yield {**shared, "ph": "f", "bp": "e", "pid": pid, "tid": tid, "ts": arrives_us}


def _counters(record: RunRecord) -> Iterator[TraceEvent]:
    """Return how many operations ran and how many waited, at each change."""
    starts = [o.started_us for o in record.operations if o.started_us is not None]
    ends = [o.ended_us for o in record.operations if o.ended_us is not None and o.started_us]
    running = [(at_us, 1) for at_us in starts] + [(at_us, -1) for at_us in ends]
    waiting = [(record.submitted_us, len(record.operations))] + [(at_us, -1) for at_us in starts]
    for name, steps in (("operations running", running), ("operations waiting", waiting)):
        for at_us, value in _running_total(steps).items():
            yield {
                "ph": "C",
                "name": name,
                "pid": PROCESSES[ACTUAL],
                "ts": at_us - record.submitted_us,
                "args": {"operations": value},
            }


def _running_total(steps: Iterable[tuple[int, int]]) -> dict[int, int]:
    """Return the sum after each moment; steps of one moment count as one."""
    ordered = sorted(steps)
    totals = accumulate(step for _, step in ordered)
    return dict(zip((at_us for at_us, _ in ordered), totals, strict=True))


def _marks(record: RunRecord) -> Iterator[TraceEvent]:
    """Return vertical lines for the limits of the run and for its promise."""
    marks = {
        "deadline": record.deadline_us,
        "due": record.due_us,
        "promised finish p50": record.predicted_p50_us,
        "promised finish p95": record.predicted_p95_us,
    }
    for name, at_us in marks.items():
        if at_us is not None:
            ts = at_us - record.submitted_us
            yield {"ph": "i", "s": "g", "name": name, "pid": 1, "tid": 0, "ts": ts}


def _failures(record: RunRecord, identifiers: dict[_Track, int]) -> Iterator[TraceEvent]:
    """Return a mark for each attempt that failed, on its machine's track where there is one."""
    for operation in record.operations:
        for failure in operation.failures:
            yield _failure(operation, failure, identifiers, record.submitted_us)


def _fate(failure: AttemptRecord) -> str:
    if failure.gave_way_to:
        return f"gave way to {failure.gave_way_to}"
    return f"failed: {failure.reason.value}"


def _failure(
    operation: OperationRecord,
    failure: AttemptRecord,
    identifiers: dict[_Track, int],
    origin_us: int,
) -> TraceEvent:
    track = _Track(process=ACTUAL, machine=failure.machine, lane=0)
    tid = identifiers.get(track, 0)
    return {
        "ph": "i",
        "s": "t" if tid else "p",
        "name": f"{_label(operation)} {_fate(failure)}",
        "pid": PROCESSES[ACTUAL],
        "tid": tid,
        "ts": failure.at_us - origin_us,
        "args": {
            "machine": failure.machine,
            "provider": failure.provider,
            "attempt": failure.attempt,
            "message": failure.message,
        },
    }
