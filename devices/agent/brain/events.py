"""Events of an agent. Each carries its time, so that the state reads no clock."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.links import Transfer
from scheduler.model.measuring import Load
from scheduler.model.messages import AgentPlan, FailureReason, PeerOutputs, Profile, Value


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanReceived:
    """The controller sent a plan."""

    at_us: int
    plan: AgentPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerReceived:
    """Another agent finished something that is waited for here."""

    at_us: int
    peer: PeerOutputs


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerReady:
    """A machine's worker started and takes work."""

    at_us: int
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFinishedOperation:
    """A worker finished an operation; `at_us` is the time from which its outputs were readable.

    Parameters
    ----------
    load
        Contention on the box meanwhile; ``None`` if nobody looked.
    """

    at_us: int
    machine: str
    operation: str
    attempt: int
    started_us: int
    compute_us: int
    load_us: int
    outputs: dict[str, Value]
    profile: Profile | None = None
    load: Load | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerFailedOperation:
    """A worker could not finish an operation; it goes on with others."""

    at_us: int
    machine: str
    operation: str
    attempt: int
    reason: FailureReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerServedCalls:
    """A worker served calls under a lease; the counts are those of `CallsReported`."""

    at_us: int
    machine: str
    lease: str
    since_us: int
    done: int
    failed: int
    refused: int
    late: int
    busy_us: int
    p50_us: int
    p95_us: int
    waited_us: int
    revocation_us: int
    load_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerDied:
    """A machine's worker ended; a new one is being started."""

    at_us: int
    machine: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """The inputs of an operation that lay on other boxes are here now."""

    at_us: int
    operation: str
    attempt: int
    inputs: dict[str, Value]
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchFailed:
    """An input cannot be had."""

    at_us: int
    operation: str
    attempt: int
    reason: FailureReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelReady:
    """A model's file is in the cache."""

    at_us: int
    digest: str
    path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFailed:
    """A model's file cannot be had."""

    at_us: int
    digest: str
    reason: FailureReason
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DrainRequested:
    """The agent is to finish running operations and leave."""

    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejoined:
    """The site may have given up on the agent; it joined anew and has forgotten its plans."""

    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """Time passed: the moment given by `AgentState.wake_us` is there."""

    at_us: int


Event = (
    PlanReceived
    | PeerReceived
    | WorkerReady
    | WorkerFinishedOperation
    | WorkerFailedOperation
    | WorkerServedCalls
    | WorkerDied
    | Fetched
    | FetchFailed
    | ModelReady
    | ModelFailed
    | DrainRequested
    | Rejoined
    | Tick
)
