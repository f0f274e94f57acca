"""Plans that the controller sends to agents, and outputs that agents announce to each other."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scheduler.model.links import LinkAsk
from scheduler.model.measuring import Kind
from scheduler.model.messages.calls import CallLease
from scheduler.model.messages.values import Binding, Value
from scheduler.model.problem import Band


class WorkKind(StrEnum):
    """Kind of work that an operation runs."""

    MODEL = "model"
    FUNCTION = "function"
    PROFILE = "profile"  # canary and timing of a model on one provider of one machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """Work to execute.

    Parameters
    ----------
    name
        Name of the model or function.
    digest
        SHA-256 of the model file in hex; empty for a function.
    params
        Arguments of a function; shapes and repeats of a profile.
    outputs
        Names of the outputs that are read; empty for all.
    """

    kind: WorkKind
    name: str
    digest: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """Time span in which an operation may not start, because a more urgent one is expected.

    It may start before the span, as it ends in time then, and once the other one has begun. Later
    operations of the queue go ahead meanwhile. Times are absolute.

    Parameters
    ----------
    operation
        The more urgent operation.
    from_us, until_us
        Begin and end of the wait.
    """

    operation: str
    from_us: int
    until_us: int

    def is_shut(self, at_us: int) -> bool:
        """True if it keeps an operation waiting at that time, unless the other has begun."""
        return self.from_us < at_us < self.until_us


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """One operation given to one machine. ``(operation, attempt)`` identifies it for ever.

    Parameters
    ----------
    notify
        Agents on other boxes that wait for the outputs; the agent tells them directly.
    expected_us
        Predicted duration, used by the watchdog and shown to users.
    timeout_us
        Longest execution; beyond it the worker hangs, is ended, and the operation fails.
    kind
        Bottleneck of the work, which decides its effect on neighbours.
    gate
        Span in which it waits for a more urgent operation; ``None`` for no wait.
    hides_nan
        Operator of the model that makes a number of a NaN there; empty if none is known to. Inputs
        with a NaN are refused.
    """

    operation: str
    attempt: int
    run: str
    machine: str
    provider: str
    variant: str
    work: Work
    inputs: tuple[Binding, ...]
    band: Band
    planned_start_us: int
    expected_us: int
    timeout_us: int
    notify: tuple[str, ...] = ()
    kind: Kind = Kind.UNKNOWN
    gate: Gate | None = None
    hides_nan: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Tensors of a run that may be deleted: all of them, except for the keys in `keep`."""

    run: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """Complete plan of an agent. It replaces all earlier dispatches that have not started.

    Parameters
    ----------
    epoch
        Fencing epoch of the controller; a lower one than the highest seen is refused.
    version
        Rises with each plan to this agent.
    queues
        Per machine, its next operations in order. The head starts once its inputs are there; the
        order is kept, so a machine waits rather than overtakes. Operations with a shut gate are
        passed over.
    stop
        ``(operation, attempt)`` pairs to abort if running, and to forget if not.
    release
        Tensors that this agent's box may delete.
    measure
        Boxes to measure the link from, one after the other, when the machine is idle.
    unload
        Digests of deleted models, whose sessions workers can drop.
    leases
        All leases with places on its machines; one that is missing has ended.
    protocol
        Form of this message, see `protocol`.
    """

    agent: str
    epoch: int
    version: int
    queues: dict[str, tuple[Dispatch, ...]]
    stop: tuple[tuple[str, int], ...] = ()
    release: tuple[Release, ...] = ()
    measure: tuple[LinkAsk, ...] = ()
    unload: tuple[str, ...] = ()
    leases: tuple[CallLease, ...] = ()
    protocol: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerOutputs:
    """Message between agents: an awaited operation is done, with its outputs."""

    operation: str
    attempt: int
    run: str
    outputs: dict[str, Value]
