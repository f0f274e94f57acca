"""What the brain and the agents say to each other: plain data, the same on every wire.

The controller sends an `AgentPlan`; an agent answers with reports. Messages are frozen data
classes of JSON-ready values (plus ``bytes`` for small tensors), so the shells on both sides encode
them as they are. Times (`_us`) are microseconds since the Unix epoch, in the clock of the store.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from scheduler.model.measuring import Kind, Load, Peaks
from scheduler.model.problem import Band


class WorkKind(StrEnum):
    """What an operation runs."""

    MODEL = "model"
    FUNCTION = "function"
    PROFILE = "profile"  # canary and timing of a model on one provider of one machine


class FailureReason(StrEnum):
    """Why an operation, or a whole run, ended without a result. A closed set."""

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
    INVALID = "invalid"  # what came cannot be run at all: no retry


class Verdict(StrEnum):
    """What is known of a provider on a machine, or of a model on a provider."""

    USABLE = "usable"
    NOT_INSTALLED = "not_installed"
    NO_DEVICE = "no_device"
    FAILED = "failed"  # it raised, crashed or timed out
    FELL_BACK = "fell_back"  # nodes landed on another provider
    WRONG = "wrong"  # results differ from the CPU beyond the tolerance
    UNSUPPORTED = "unsupported"  # it declines the model


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorRef:
    """A tensor, by value when it is small and by address otherwise.

    Parameters
    ----------
    dtype
        NumPy name (``float32``, ``uint8``, ``bool``) or ``string`` (UTF-8).
    inline
        The raw little-endian, row-major bytes (for ``string``: a JSON list); ``None`` if stored.
    box
        The box whose shared memory holds it; a reader on that box opens `key`, others fetch `url`.
    key
        Path below the box's tensor folder: ``<run>/<operation>.<attempt>.<output>.<index>``.
    url
        Base address of an HTTP server that hands out ``/tensors/<key>``.
    """

    dtype: str
    shape: tuple[int, ...]
    size_bytes: int
    inline: bytes | None = None
    box: str = ""
    key: str = ""
    url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """What flows along an edge: one tensor, or a list of them whose length is known at run time."""

    tensors: tuple[TensorRef, ...]
    is_list: bool = False

    @property
    def size_bytes(self) -> int:
        """Bytes of all its tensors."""
        return sum(tensor.size_bytes for tensor in self.tensors)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where one input comes from: a value that is there, or an output still to be made.

    Parameters
    ----------
    value
        Given when the producer is done (or it is an input of the run); then `operation` is empty.
    operation, output
        The producer and the name of its output.
    item
        Which element of a list to take; ``None`` takes the whole value.
    """

    value: Value | None = None
    operation: str = ""
    output: str = ""
    item: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Binding:
    """One named input of an operation.

    Parameters
    ----------
    gather
        The input is the list of what all sources give, in order; otherwise there is one source.
    """

    name: str
    sources: tuple[Source, ...]
    gather: bool = False


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
        the order is kept, so a machine waits rather than overtake.
    stop
        ``(operation, attempt)`` pairs that are to be aborted if running and forgotten if not.
    release
        Tensors that this agent's box may delete.
    """

    agent: str
    epoch: int
    version: int
    queues: dict[str, tuple[Dispatch, ...]]
    stop: tuple[tuple[str, int], ...] = ()
    release: tuple[Release, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class PeerOutputs:
    """Agent to agent: an operation that you wait for is done, and here is what it gave."""

    operation: str
    attempt: int
    run: str
    outputs: dict[str, Value]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderReport:
    """A provider as found on a device of an agent.

    Parameters
    ----------
    device_class
        Our own label (``cpu``, ``gpu``, ``npu``, ``dsp``): ONNX Runtime reports CPU for simulators.
    simulated
        Its times say nothing about real hardware.
    terminates
        Whether a running inference can be stopped without ending the worker.
    fingerprint
        What its speed depends on: hardware and builds, in one line; empty if the agent did not say.
    """

    provider: str
    device_class: str
    verdict: Verdict
    reason: str = ""
    version: str = ""
    simulated: bool = False
    terminates: bool = False
    fingerprint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineReport:
    """A machine (lane) of an agent and the providers that its worker can use.

    Parameters
    ----------
    id
        Unique in the site: ``<agent>/<lane>``.
    functions
        Names of the registered functions that it can run; empty for lanes that run models only.
    peaks
        What its providers reach at most, of those that were measured.
    """

    id: str
    device: str
    device_class: str
    cores: tuple[int, ...]
    memory_bytes: int
    providers: tuple[ProviderReport, ...]
    functions: tuple[str, ...] = ()
    peaks: tuple[Peaks, ...] = ()

    def fingerprint(self, provider: str) -> str:
        """What the speed of a provider here depends on; empty if nobody said."""
        return next((each.fingerprint for each in self.providers if each.provider == provider), "")


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentJoined:
    """An agent is there, with these machines. A new incarnation has forgotten all plans."""

    at_us: int
    agent: str
    incarnation: str
    box: str
    url: str
    machines: tuple[MachineReport, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDraining:
    """An agent finishes what runs and takes nothing new."""

    at_us: int
    agent: str


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentLost:
    """An agent went silent or left. What it was given is given to others."""

    at_us: int
    agent: str
    incarnation: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineDown:
    """A worker died; its machine takes nothing until it is up again."""

    at_us: int
    machine: str
    reason: str


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
        When the worker began and when its outputs were readable.
    compute_us
        Pure execution inside the worker; the rest of the span is input, output and session load.
    load_us
        Time spent making the session, 0 if it was warm.
    profile
        For a profile: what was measured.
    load
        What else went on meanwhile; ``None`` if the agent did not look.
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


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorTime:
    """What one operator of a model took, as the runtime measured it.

    Parameters
    ----------
    name
        Of the node, or of the tensor that it makes: runtimes rename what they rewrite.
    kernel_ns
        Per run of the model, all its calls together.
    calls
        Per run of the model; more than 1 inside a loop.
    """

    name: str
    op_type: str
    provider: str
    kernel_ns: int
    calls: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """What a profile measured for one model on one provider of one machine.

    Parameters
    ----------
    samples_us
        Durations of repeated warm runs, in the order they were made.
    coverage
        Share of the graph's nodes that landed on the provider, 0 to 1.
    error
        Largest deviation from the CPU's result relative to its range; the canary's figure.
    load
        What else went on meanwhile; ``None`` if nobody looked.
    operators
        Time per operator in the order they run, where it was asked for; measured in a session of
        its own.
    operators_note
        What a reader of them should know, or why there are none.
    at_us
        When it was told of; 0 if nobody said.
    expected_us, provenance
        What had been predicted for the run, and from where, before it was measured; 0 if nothing.
    """

    digest: str
    machine: str
    provider: str
    verdict: Verdict
    reason: str = ""
    samples_us: tuple[int, ...] = ()
    load_us: int = 0
    peak_bytes: int = 0
    coverage: float = 0.0
    error: float = 0.0
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    load: Load | None = None
    operators: tuple[OperatorTime, ...] = ()
    operators_note: str = ""
    at_us: int = 0
    expected_us: int = 0
    provenance: str = ""


Report = (
    AgentJoined
    | AgentDraining
    | AgentLost
    | MachineDown
    | MachineUp
    | OperationStarted
    | OperationFinished
    | OperationFailed
)
"""What agents (and the shell that watches them) tell the brain."""
