"""Instructions of an agent's state to its shell."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.model.links import LinkAsk
from scheduler.model.messages import (
    CallLease,
    CallPlace,
    Dispatch,
    PeerOutputs,
    Release,
    Report,
    Value,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartOnWorker:
    """Give an operation to its machine's idle worker; all inputs are inline or on this box."""

    dispatch: Dispatch
    inputs: dict[str, Value]
    model_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmOnWorker:
    """Let an idle worker make the session that its next operation will need."""

    dispatch: Dispatch
    model_path: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseGrant:
    """A lease on one machine, with the file of its model.

    Parameters
    ----------
    is_paused
        True while more urgent work is queued there.
    """

    lease: CallLease
    place: CallPlace
    model_path: str
    is_paused: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmitCalls:
    """Have a machine's worker take calls under these leases and under no others."""

    machine: str
    grants: tuple[LeaseGrant, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchTensors:
    """Bring the inputs of an operation to this box; answer `Fetched` or `FetchFailed`."""

    dispatch: Dispatch
    inputs: dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class FetchModel:
    """Bring a model's file into the cache; answer `ModelReady` or `ModelFailed`."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class UnloadModel:
    """Let all workers drop their sessions of a model."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelOnWorker:
    """Ask a worker to stop an operation where its provider can."""

    machine: str
    operation: str
    attempt: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KillWorker:
    """End a machine's worker at any point of its work; a new one is started."""

    machine: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Emit:
    """Tell the controller."""

    report: Report


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyPeer:
    """Tell another agent the outputs of an operation."""

    agent: str
    peer: PeerOutputs


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseTensors:
    """Delete tensors of a run from this box."""

    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureLink:
    """Measure the link from another box and tell the controller."""

    ask: LinkAsk


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """Nothing runs any more: the agent may leave."""


Instruction = (
    StartOnWorker
    | WarmOnWorker
    | AdmitCalls
    | UnloadModel
    | FetchTensors
    | FetchModel
    | CancelOnWorker
    | KillWorker
    | Emit
    | NotifyPeer
    | ReleaseTensors
    | MeasureLink
    | Exit
)
