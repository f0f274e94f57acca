"""Reports of agents, and of the shell that watches them, to the brain: events of its log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from scheduler.model.links import LinkMeasured, Transfer
from scheduler.model.measuring import Load
from scheduler.model.messages.calls import CallsReported
from scheduler.model.messages.machines import MachineReport
from scheduler.model.messages.profiles import Profile
from scheduler.model.messages.values import Value


class FailureReason(StrEnum):
    """Reason why an operation, or a whole run, ended without a result. A closed set."""

    ERROR = "error"  # the model or function raised: the input is at fault, another machine may help
    WORKER_CRASHED = "worker_crashed"
    TIMEOUT = "timeout"  # ran far longer than predicted and was stopped
    OUT_OF_MEMORY = "out_of_memory"
    OUT_OF_SPACE = "out_of_space"
    INPUT_LOST = "input_lost"  # a tensor it needs is gone or cannot be fetched
    PROVIDER_REFUSED = "provider_refused"  # fell back, or failed the canary
    AGENT_LOST = "agent_lost"
    MACHINE_DOWN = "machine_down"
    DEADLINE = "deadline"  # dropped: the deadline passed
    CANCELLED = "cancelled"
    UNPLACEABLE = "unplaceable"  # no machine that joined can take it, and none came that can
    INVALID = "invalid"  # the work cannot be run at all: no retry


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined:
    """An agent is there, with these machines. A new incarnation has forgotten all plans.

    Parameters
    ----------
    protocol
        Form of messages that it speaks, see `protocol`.
    """

    at_us: int
    agent: str
    incarnation: str
    box: str
    url: str
    machines: tuple[MachineReport, ...]
    protocol: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDraining:
    """An agent finishes its running operations and takes no new ones."""

    at_us: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLost:
    """An agent went silent or left. Its operations are given to others."""

    at_us: int
    agent: str
    incarnation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDown:
    """A worker ended; its machine starts nothing until it is up again.

    Parameters
    ----------
    is_planned
        True if its agent ended the worker to stop an operation. The machine's queue is kept.
    """

    at_us: int
    machine: str
    reason: str
    is_planned: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineUp:
    """A machine takes work again."""

    at_us: int
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationStarted:
    """A worker began an operation."""

    at_us: int
    operation: str
    attempt: int
    run: str
    machine: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFinished:
    """An operation is done.

    Parameters
    ----------
    started_us, at_us
        Begin of the execution, and the time from which its outputs were readable.
    compute_us
        Pure execution inside the worker; the rest of the span is input, output and session load.
    load_us
        Time spent making the session, 0 if it was warm.
    profile
        Measurements, if the operation was a profile.
    load
        Load of the box meanwhile; ``None`` if the agent did not measure it.
    transfers
        Tensors fetched for it from other boxes before it began.
    """

    at_us: int
    operation: str
    attempt: int
    run: str
    machine: str
    started_us: int
    compute_us: int
    outputs: dict[str, Value]
    load_us: int = 0
    profile: Profile | None = None
    load: Load | None = None
    transfers: tuple[Transfer, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationFailed:
    """An operation ended without a result on this machine."""

    at_us: int
    operation: str
    attempt: int
    run: str
    machine: str
    reason: FailureReason
    message: str


Report = (
    AgentJoined
    | AgentDraining
    | AgentLost
    | MachineDown
    | MachineUp
    | OperationStarted
    | OperationFinished
    | OperationFailed
    | LinkMeasured
    | CallsReported
)
"""Any report of an agent, or of the shell that watches agents."""
