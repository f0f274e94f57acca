"""Views of a site, with keyword defaults; times count from `NOW_US`, in milliseconds."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.http.answers import ModelAnswer
from api.store.catalogue import TensorInfo, WorkloadRecord
from api.store.partitions import PartitionRecord, PieceRecord
from scheduler.control.records import (
    AttemptRecord,
    Candidate,
    MachineView,
    OperationRecord,
    OperationState,
    Reason,
    RunRecord,
    RunState,
    SiteView,
)
from scheduler.control.workload import Stage, StageInput, Workload
from scheduler.model.messages import (
    FailureReason,
    MachineReport,
    ProviderReport,
    Verdict,
    WorkKind,
)
from scheduler.model.problem import Band

NOW_US = 1_760_000_000_000_000
MS = 1000


def machine(name: str, **given: Any) -> MachineView:
    agent = given.pop("agent", "harbour")
    provider = ProviderReport(provider="cpu", device_class="cpu", verdict=Verdict.USABLE)
    report = MachineReport(
        id=f"{agent}/{name}",
        device="cpu",
        device_class=given.pop("device_class", "cpu"),
        cores=given.pop("cores", (0,)),
        memory_bytes=8 << 30,
        providers=given.pop("providers", (provider,)),
        functions=given.pop("functions", ()),
    )
    fields: dict[str, Any] = {"state": "up", "since_us": NOW_US - 600_000 * MS}
    return MachineView(report=report, agent=agent, box=agent, **fields | given)


def operation(
    stage: str,
    start_ms: int,
    end_ms: int,
    *,
    machine: str = "harbour/cpu0",
    actual_ms: tuple[int, int | None] | None = None,
    **given: Any,
) -> OperationRecord:
    """Make an operation whose times count from `NOW_US`, in milliseconds."""
    started, ended = actual_ms or (None, None)
    run = given.get("run", "r-one")
    fields: dict[str, Any] = {
        "operation": f"{run}/{stage}",
        "run": run,
        "stage": stage,
        "item": None,
        "work": stage,
        "state": OperationState.DONE if ended is not None else OperationState.WAITING,
        "band": Band.NORMAL,
        "machine": machine,
        "provider": "cpu",
        "attempt": 1,
        "planned_start_us": NOW_US + start_ms * MS,
        "planned_end_us": NOW_US + end_ms * MS,
        "started_us": None if started is None else NOW_US + started * MS,
        "ended_us": None if ended is None else NOW_US + ended * MS,
        "provenance": "measured",
        "candidates": candidates(machine, end_ms),
    }
    return OperationRecord(**fields | given)


def candidates(machine: str, end_ms: int) -> tuple[Candidate, ...]:
    finish_us = NOW_US + end_ms * MS
    return (
        Candidate(machine=machine, provider="cpu", finish_us=finish_us),
        Candidate(
            machine="harbour/cpu1",
            provider="cpu",
            finish_us=finish_us + 12 * MS,
            reason=Reason.LATER_FINISH,
        ),
        Candidate(machine="harbour/webgpu0", provider="webgpu", reason=Reason.NOT_PROFILED),
    )


def run(run: str = "r-one", **given: Any) -> RunRecord:
    fields: dict[str, Any] = {
        "kind": "run",
        "workload": "ocr@1",
        "state": RunState.RUNNING,
        "band": Band.NORMAL,
        "submitted_us": NOW_US - 200 * MS,
        "started_us": NOW_US - 190 * MS,
    }
    return RunRecord(run=run, **fields | given)


def view(*bars: OperationRecord, **given: Any) -> SiteView:
    fields: dict[str, Any] = {
        "at_us": NOW_US,
        "version": 1,
        "placement": "heft",
        "plan_source": "cp_sat",
        "origin_us": NOW_US - 200 * MS,
        "planned_makespan_us": 0,
        "actual_makespan_us": 0,
        "bound_us": 0,
        "machines": (machine("cpu0"), machine("cpu1", cores=(1,))),
        "bars": bars,
        "runs": (),
        "counters": {},
    }
    return SiteView(**fields | given)


def model(name: str = "det") -> ModelAnswer:
    tensor = {"name": "x", "dtype": "float32", "shape": [1, 3]}
    return ModelAnswer(
        name=name,
        digest="d" * 64,
        size_bytes=4 << 20,
        inputs=[tensor],
        outputs=[tensor | {"name": "y"}],
        created_us=NOW_US,
        profile_shapes={"x": [1, 3]},
        profile_inputs={},
        assumed=[],
        notes=[],
        profiles=[],
        partitions=[partition(name)],
    )


def partition(model: str) -> PartitionRecord:
    """Make a cut into two pieces of which the first takes three times as long."""
    pieces = tuple(
        PieceRecord(
            model=f"{model}#p-0.{place}of2",
            digest=str(place) * 64,
            run_us=run_us,
            crossing_bytes=(2 - place) << 10,
        )
        for place, run_us in ((1, 3_000), (2, 1_000))
    )
    return PartitionRecord(
        id="p-0",
        cuts=(("a",),),
        pieces=pieces,
        whole_us=3_900,
        inputs_tried=3,
        is_bitwise=True,
        error=0.0,
    )


def workload(name: str = "ocr") -> WorkloadRecord:
    """Make a diamond of four stages: a function, two models beside each other, a function."""
    stages = (
        stage("decode", "decode_image"),
        stage("detect", "det", "decode", kind=WorkKind.MODEL),
        stage("orient", "det", "decode", kind=WorkKind.MODEL),
        stage("text", "gather_text", "detect", "orient"),
    )
    graph = Workload(name=name, version=1, stages=stages, outputs={"lines": ("text", "text")})
    image = TensorInfo(name="image", dtype="uint8", shape=(-1,))
    return WorkloadRecord(
        name=name, version=1, request={}, workload=graph, inputs=(image,), created_us=NOW_US
    )


def stage(name: str, target: str, *before: str, kind: WorkKind = WorkKind.FUNCTION) -> Stage:
    inputs = tuple(StageInput(name=each, stage=each, output="out") for each in before)
    return Stage(name=name, kind=kind, target=target, inputs=inputs, outputs=("out",))


def failure(machine: str, at_ms: int) -> AttemptRecord:
    return AttemptRecord(
        attempt=1,
        machine=machine,
        provider="cpu",
        reason=FailureReason.WORKER_CRASHED,
        message="ended by signal 9",
        at_us=NOW_US + at_ms * MS,
    )


def without_candidates(operation: OperationRecord) -> OperationRecord:
    return replace(operation, candidates=())
