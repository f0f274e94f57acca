"""The trace of a run holds what Perfetto needs: tracks, slices, arrows, counters and marks."""

import json
from typing import Any

from api.http.show.trace import PROCESSES, trace
from scheduler.control.records import (
    AttemptRecord,
    OperationRecord,
    OperationState,
    RunRecord,
    RunState,
)
from scheduler.model.messages import FailureReason
from scheduler.model.problem import Band

SUBMITTED_US = 1_700_000_000_000_000


def operation(
    stage: str, planned: tuple[int, int], actual: tuple[int, int | None] | None, **given: Any
) -> OperationRecord:
    at = SUBMITTED_US
    started, ended = actual or (None, None)
    fields: dict[str, Any] = {
        "operation": f"r-1/{stage}",
        "run": "r-1",
        "stage": stage,
        "item": None,
        "work": stage,
        "state": OperationState.DONE,
        "band": Band.NORMAL,
        "machine": "a/cpu0",
        "provider": "cpu",
        "planned_start_us": at + planned[0],
        "planned_end_us": at + planned[1],
        "started_us": None if started is None else at + started,
        "ended_us": None if ended is None else at + ended,
    }
    return OperationRecord(**fields | given)


def run(*operations: OperationRecord, **given: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "run": "r-1",
        "kind": "run",
        "workload": "ocr@1",
        "state": RunState.FINISHED,
        "band": Band.NORMAL,
        "submitted_us": SUBMITTED_US,
        "operations": operations,
    }
    return RunRecord(**fields | given)


def events(record: RunRecord, phase: str) -> list[dict[str, Any]]:
    made = json.loads(json.dumps(trace(record)))
    return [event for event in made["traceEvents"] if event["ph"] == phase]


def track_names(record: RunRecord, process: str) -> list[str]:
    names = [e for e in events(record, "M") if e["name"] == "thread_name"]
    return [e["args"]["name"] for e in names if e["pid"] == PROCESSES[process]]


def test_planned_and_actual_have_a_track_per_machine() -> None:
    record = run(
        operation("decode", (0, 100), (10, 120)),
        operation("detect", (100, 300), (130, 290), machine="a/webgpu0"),
    )
    for process in ("actual", "planned"):
        assert track_names(record, process) == ["a/cpu0", "a/webgpu0"]
    slices = [(e["name"], e["ts"], e["dur"]) for e in events(record, "X") if e["pid"] == 1]
    assert slices == [("decode", 10, 110), ("detect", 130, 160)]


def test_edge_is_an_arrow_that_leaves_inside_its_producer() -> None:
    consumer = operation("detect", (100, 300), (130, 290), waits_for=("r-1/decode",))
    record = run(operation("decode", (0, 100), (10, 120)), consumer)
    leaves, arrives = events(record, "s"), events(record, "f")
    assert {e["ts"] for e in leaves} == {119, 99}
    assert {e["ts"] for e in arrives} == {130, 100}
    assert [e["id"] for e in leaves] == [e["id"] for e in arrives]


def test_slices_of_one_track_never_overlap() -> None:
    record = run(operation("one", (0, 100), None), operation("two", (50, 150), None))
    assert track_names(record, "planned") == ["a/cpu0", "a/cpu0 (2)"]


def test_running_operation_is_an_open_slice_and_a_waiting_one_has_no_actual_slice() -> None:
    record = run(operation("now", (0, 100), (5, None)), operation("later", (100, 200), None))
    assert [e["name"] for e in events(record, "B")] == ["now"]
    assert [e["name"] for e in events(record, "X")] == ["now", "later"]


def test_counters_follow_starts_and_ends() -> None:
    record = run(operation("one", (0, 100), (0, 100)), operation("two", (0, 100), (40, 90)))
    running = [
        (e["ts"], e["args"]["operations"])
        for e in events(record, "C")
        if e["name"] == "operations running"
    ]
    assert running == [(0, 1), (40, 2), (90, 1), (100, 0)]


def test_transfer_stands_before_its_operation_on_a_track_of_its_own() -> None:
    record = run(operation("detect", (0, 100), (50, 90), transfer_us=20))
    assert track_names(record, "transfers") == ["a/cpu0"]
    transfer = next(e for e in events(record, "X") if e["pid"] == PROCESSES["transfers"])
    assert (transfer["ts"], transfer["dur"]) == (30, 20)


def test_deadline_prediction_and_failed_attempt_are_marked() -> None:
    failure = AttemptRecord(
        attempt=1,
        machine="a/cpu0",
        provider="openvino",
        reason=FailureReason.WORKER_CRASHED,
        message="signal 9",
        at_us=SUBMITTED_US + 30,
    )
    record = run(
        operation("detect", (0, 100), (50, 90), failures=(failure,)),
        deadline_us=SUBMITTED_US + 500,
        predicted_p95_us=SUBMITTED_US + 120,
    )
    marks = {e["name"]: e["ts"] for e in events(record, "i")}
    assert marks == {
        "deadline": 500,
        "promised finish p95": 120,
        "detect failed: worker_crashed": 30,
    }


def test_attempt_that_gave_way_is_marked_with_what_it_gave_way_to() -> None:
    stopped = AttemptRecord(
        attempt=1,
        machine="a/cpu0",
        provider="cpu",
        reason=FailureReason.CANCELLED,
        message="gave way to r-now/only",
        at_us=SUBMITTED_US + 30,
        gave_way_to="r-now/only",
    )
    record = run(operation("detect", (0, 100), (50, 90), failures=(stopped,)))
    assert [e["name"] for e in events(record, "i")] == ["detect gave way to r-now/only"]


def test_run_without_operations_is_a_valid_trace() -> None:
    assert trace(run(state=RunState.QUEUED))["otherData"]["state"] == "queued"
