"""What the controller tells agents to do, and agents tell each other when it is done."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scheduler.model.links import LinkAsk
from scheduler.model.measuring import Kind
from scheduler.model.messages.values import Binding, Value
from scheduler.model.problem import Band


class WorkKind(StrEnum):
    """What an operation runs."""

    MODEL = "model"
    FUNCTION = "function"
    PROFILE = "profile"  # canary and timing of a model on one provider of one machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What to execute.

    Parameters
    ----------
    name
        Name of the model or function.
    digest
        SHA-256 of the model file in hex; empty for a function.
    params
        Arguments of a function; shapes and repeats of a profile.
    outputs
        Names of the outputs that somebody reads; empty means all.
    """

    kind: WorkKind
    name: str
    digest: str = ""
    params: dict[str, Any] = field(default_factory=dict)
    outputs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """When an operation may not start: something more urgent is to come to its machine.

    It may start before, and would be through in time. It may start once the other has begun. What
    comes after it in the queue goes ahead meanwhile. Times are absolute.

    Parameters
    ----------
    operation
        The more urgent one.
    from_us, until_us
        Between these it waits, and no longer.
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
        Predicted duration, for the watchdog and for display.
    timeout_us
        Execution longer than this is a hang: the worker is ended and the operation fails.
    kind
        What it spends its time on, for those that run beside it.
    gate
        When it may not start for something more urgent; ``None`` for never.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """A run's tensors that may be deleted: all of them, but for the keys in `keep`."""

    run: str
    keep: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentPlan:
    """All that an agent is to do next. It replaces what was sent before and has not started.

    Parameters
    ----------
    epoch
        Fencing epoch of the controller; a lower one than the highest seen is refused.
    version
        Rises with each plan to this agent.
    queues
        Per machine, its next operations in order. The head starts when all it waits for is there;
        the order is kept, so a machine waits rather than overtake. What has a shut gate is passed.
    stop
        ``(operation, attempt)`` pairs that are to be aborted if running and forgotten if not.
    release
        Tensors that this agent's box may delete.
    measure
        Boxes to measure the way from, one after the other, when nothing is in the way.
    unload
        Digests of models that were deleted: no worker needs to hold a session of them.
    protocol
        The form of messages that this one has, see `protocol`.
    """

    agent: str
    epoch: int
    version: int
    queues: dict[str, tuple[Dispatch, ...]]
    stop: tuple[tuple[str, int], ...] = ()
    release: tuple[Release, ...] = ()
    measure: tuple[LinkAsk, ...] = ()
    unload: tuple[str, ...] = ()
    protocol: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerOutputs:
    """Agent to agent: an operation that you wait for is done, and here is what it gave."""

    operation: str
    attempt: int
    run: str
    outputs: dict[str, Value]
