"""Answers of the service, as the OpenAPI document declares them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from api.history.misses import Miss
from api.store import SetAside
from api.store.catalogue import WorkloadRecord
from api.store.partitions import PartitionRecord
from scheduler.control.records import (
    Cause,
    Inversion,
    MachineView,
    OperationRecord,
    RunRecord,
)
from scheduler.control.records.costs import KnownCost, KnownLink, Learning
from scheduler.control.records.plans import PlanRecord
from scheduler.model.measuring import Peaks
from scheduler.model.messages import Profile


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelAnswer:
    """A model, and its measurements on each machine.

    Parameters
    ----------
    profile_shapes, profile_inputs
        Shapes and example values that it is measured with.
    assumed
        Sizes among the shapes that neither the file nor its user says.
    notes
        Questions to the user: sizes and values that were made up.
    partitions
        Its proven cuts, oldest first, with the times of their pieces.
    """

    name: str
    digest: str
    size_bytes: int
    inputs: list[dict[str, Any]]
    outputs: list[dict[str, Any]]
    created_us: int
    profile_shapes: dict[str, list[int]]
    profile_inputs: dict[str, Any]
    assumed: list[dict[str, Any]]
    notes: list[str]
    profiles: list[Profile]
    partitions: list[PartitionRecord] = field(default_factory=list)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelList:
    """All models."""

    models: list[ModelAnswer]


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorAnswer:
    """The time of one operator, beside its counts in the graph.

    Parameters
    ----------
    share
        Of the time of all operators.
    nodes
        Nodes of the file that it runs: that of its name, and those fused with it. Empty
        where the name is the provider's own; then nothing is counted.
    roofline_us
        Least time, by its counts and the peaks of the machine.
    """

    name: str
    op_type: str
    provider: str
    kernel_us: float
    share: float
    calls: int
    nodes: tuple[str, ...] = ()
    flops: int | None = None
    moved_bytes: int | None = None
    roofline_us: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileAnswer:
    """The measurement of a model in one place, beside the prior of physics.

    Parameters
    ----------
    roofline_us
        Time by the prior; ``None`` where the graph cannot be counted.
    operators
        In the order they run; empty unless they were measured and asked for.
    note
        A remark for the reader: why nothing is counted, or that other shapes were measured.
    """

    profile: Profile
    p50_us: int | None
    p95_us: int | None
    roofline_us: float | None
    operators: tuple[OperatorAnswer, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileList:
    """All that was measured of a model, the latest first."""

    model: str
    profiles: tuple[ProfileAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOperators:
    """The operators of the model that a stage of a run ran, on each machine where it ran it.

    They were measured in a background run of their own: with the shapes of the run where that was
    done, else with those that the profile names, and its note says so.
    """

    run: str
    stage: str
    model: str
    profiles: tuple[ProfileAnswer, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkloadList:
    """All versions of all workloads."""

    workloads: list[WorkloadRecord]


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted:
    """A run was accepted, or is being cancelled."""

    run: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputTensor:
    """An output: its data, or where it is to be fetched when it is large."""

    dtype: str
    shape: tuple[int, ...]
    data: Any = None
    href: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult(RunRecord):
    """A run with its outputs, once it has finished."""

    results: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunList:
    """Runs without their operations, the latest first.

    Parameters
    ----------
    next
        Cursor of the next page; empty if there is none.
    """

    runs: list[RunRecord]
    next: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MissList:
    """Deadlines and due dates that were not kept, the latest first."""

    misses: tuple[Miss, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanList:
    """Plans that were in force or proposed, the latest first."""

    plans: tuple[PlanRecord, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """The operations of a run, with candidates, reasons and failed attempts.

    Parameters
    ----------
    waited
        Waits of the run by cause in microseconds, along the chain of operations that its
        end hung on; the rest of its time is work.
    inversions
        The latest starts of less urgent work on a machine that was to do something of the run.
    """

    run: str
    operations: tuple[OperationRecord, ...]
    waited: dict[Cause, int]
    inversions: tuple[Inversion, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceList:
    """All machines of the site."""

    machines: tuple[MachineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The rules by which work is placed."""

    placement: str
    improve: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class MachinePeaks:
    """Peaks of the providers of a machine, of those that were measured."""

    machine: str
    peaks: tuple[Peaks, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CostModels:
    """The models and measurements that predictions stand on.

    Parameters
    ----------
    artifact
        The learned model in force; ``null`` if there is none.
    notes
        Remarks for a person, one sentence each.
    pairs, observations
        Pieces of work in one place that were measured, and how many executions taught it.
    links
        Times of tensors between boxes, and from hand to hand within one.
    learning
        Training on measurements: the condition it waits for, and the ends of the latest ones.
    """

    at_us: int
    artifact: dict[str, str] | None
    notes: tuple[str, ...]
    pairs: int
    observations: int
    learning: Learning
    machines: tuple[MachinePeaks, ...]
    links: tuple[KnownLink, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PredictionList:
    """Predictions of work, place by place."""

    predictions: tuple[KnownCost, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SetAsideList:
    """Events that no controller takes in any more, the latest first."""

    events: tuple[SetAside, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """Answer to an agent that joins: its site, the store, the time there, the token for tensors."""

    site: str
    store_url: str
    time_us: int
    tensor_token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The process lives, or the service is ready.

    Parameters
    ----------
    set_aside
        Events that no controller takes in any more: each is a defect to be reported.
    """

    status: str
    machines: int | None = None
    set_aside: int | None = None
