"""What the brain remembers: runs, operations, agents and machines. The fold of the event log.

Only data and look-ups. Every collection keeps insertion order, so that the same log always gives
the same commands.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field

from scheduler.control.commands import Command
from scheduler.control.records import (
    AttemptRecord,
    Candidate,
    OperationRecord,
    OperationState,
    RunState,
)
from scheduler.control.settings import BrainSettings
from scheduler.control.workload import Stage, Workload
from scheduler.model.messages import (
    FailureReason,
    MachineReport,
    Profile,
    Release,
    TensorRef,
    Value,
    WorkKind,
)
from scheduler.model.ports import DurationOracle, Solver
from scheduler.model.problem import Band, Edge, Mode, Problem

PENDING = frozenset({OperationState.EXPECTED, OperationState.WAITING, OperationState.DISPATCHED})
"""Not started."""
SENT = frozenset({OperationState.DISPATCHED, OperationState.RUNNING})
"""With an agent."""
ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED})
"""For good, as far as is known."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where and when the plan puts an operation. Times are absolute.

    Parameters
    ----------
    p95_end_us
        Predicted end if everything up to it takes its 95th percentile.
    transfer_us
        Longest transfer from a producer on another box.
    """

    mode: Mode
    provenance: str
    start_us: int
    end_us: int
    p95_end_us: int
    transfer_us: int = 0


@dataclass(slots=True)
class LiveOperation:
    """An operation of a run and all that happened to it.

    Parameters
    ----------
    attempt
        Number of the latest attempt that was sent; 0 before the first.
    agent
        Where the latest attempt is; empty while it is with nobody.
    mode
        How its latest attempt runs, or was to run last.
    sent
        Per machine that the latest attempt was queued on, in which mode.
    unresolved
        Producers whose outputs the latest message about this operation did not hold.
    notify
        Agents that the latest message named as waiting for the outputs.
    lost
        Attempts that were given up with their machine or agent and not reported yet.
    expected_end_us
        When the plan in force expects it to end.
    only
        For a profile: the one (machine, provider) that it measures.
    """

    id: str
    run: LiveRun
    stage: Stage
    item: int | None = None
    state: OperationState = OperationState.WAITING
    producers: tuple[str, ...] = ()
    consumers: tuple[str, ...] = ()
    edges: tuple[Edge, ...] = ()
    only: tuple[str, str] | None = None
    attempt: int = 0
    agent: str = ""
    machine: str = ""
    provider: str = ""
    mode: Mode | None = None
    sent: dict[str, Mode] = field(default_factory=dict)
    sent_us: int = 0
    unresolved: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    placement: Placement | None = None
    expected_end_us: int = 0
    candidates: tuple[Candidate, ...] = ()
    started_us: int | None = None
    ended_us: int | None = None
    outputs: dict[str, Value] = field(default_factory=dict)
    failures: list[AttemptRecord] = field(default_factory=list)
    excluded: dict[tuple[str, str], FailureReason] = field(default_factory=dict)
    own_failures: int = 0
    lost_attempts: int = 0
    lost: list[int] = field(default_factory=list)
    record: OperationRecord | None = None

    @property
    def band(self) -> Band:
        """The band of its run as it counts now."""
        return self.run.effective_band

    @property
    def is_profile(self) -> bool:
        """Whether it measures a model."""
        return self.stage.kind is WorkKind.PROFILE


@dataclass(slots=True)
class LiveRun:
    """A run: the operations it is known to have, in topological order, and how it stands.

    Parameters
    ----------
    lengths
        Number of items per fan-out, once its list is there.
    effective_band
        `band`, but raised while others wait for a profile.
    unfinished
        Operations that are not done.
    touched
        Agents that were sent any of its operations.
    """

    id: str
    kind: str
    workload: str
    sequence: int
    submitted_us: int
    band: Band
    effective_band: Band
    graph: Workload
    inputs: dict[str, Value] = field(default_factory=dict)
    weight: int = 1
    deadline_us: int | None = None
    due_us: int | None = None
    drop_late: bool = True
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    state: RunState = RunState.QUEUED
    operations: dict[str, LiveOperation] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    touched: dict[str, None] = field(default_factory=dict)
    unfinished: int = 0
    started_us: int | None = None
    ended_us: int | None = None
    reason: str = ""
    detail: str = ""
    outputs: dict[str, Value] = field(default_factory=dict)
    recorded_us: int = 0

    @property
    def is_ended(self) -> bool:
        """Whether its state is final."""
        return self.ended_us is not None


@dataclass(slots=True)
class LiveMachine:
    """A machine as its agent reported it, and how it is doing.

    Parameters
    ----------
    queue
        Attempts sent to it that have not started, in the order of the last message.
    running
        Operation that runs on it; empty if none is known to.
    """

    report: MachineReport
    agent: str
    box: str
    since_us: int
    is_up: bool = True
    reason: str = ""
    busy_us: int = 0
    running: str = ""
    queue: list[tuple[str, int]] = field(default_factory=list)


@dataclass(slots=True)
class LiveAgent:
    """An agent, alive or lost.

    Parameters
    ----------
    version
        Of the last plan that was made for it.
    stops
        Attempts that it was told to stop and has not reported.
    releases
        What it may delete and was not told yet.
    """

    id: str
    incarnation: str
    box: str
    is_alive: bool = True
    is_draining: bool = False
    version: int = 0
    machines: list[str] = field(default_factory=list)
    stops: dict[tuple[str, int], None] = field(default_factory=dict)
    releases: list[Release] = field(default_factory=list)


@dataclass(slots=True)
class LiveModel:
    """A model file and under which names it is known."""

    digest: str
    names: dict[str, None]
    size_bytes: int
    shapes: dict[str, tuple[int, ...]]


@dataclass(frozen=True, slots=True)
class Options:
    """What a kind of work can run on, and why it cannot run on the rest."""

    modes: tuple[Mode, ...] = ()
    provenance: tuple[str, ...] = ()
    refused: tuple[Candidate, ...] = ()


@dataclass(slots=True)
class LivePlan:
    """The plan in force.

    Parameters
    ----------
    planned
        Operations that it places and that have not started.
    queues
        Per machine, those of them that can be sent or were sent, in order. What may never exist,
        and what gathers it, is planned for but holds nobody up.
    end_us
        When it is predicted to be through; absolute.
    problem, origin_us
        What it was made from, and the absolute time of its origin.
    proven_us
        Absolute time before which no plan could end, by a solver's proof; 0 if there is none.
    left_out
        How many pending operations are beyond the horizon.
    """

    version: int = 0
    source: str = ""
    end_us: int = 0
    problem: Problem | None = None
    origin_us: int = 0
    proven_us: int = 0
    left_out: int = 0
    planned: dict[str, LiveOperation] = field(default_factory=dict)
    queues: dict[str, list[str]] = field(default_factory=dict)

    def drop(self, op: LiveOperation) -> None:
        """Take an operation out: it has started, or will not."""
        if self.planned.pop(op.id, None) is not None and op.placement is not None:
            queue = self.queues.get(op.placement.mode.machine, [])
            if op.id in queue:
                queue.remove(op.id)


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A question to the solver process that waits for its answer."""

    version: int
    at_us: int
    origin_us: int
    problem: Problem


@dataclass(slots=True)
class Turn:
    """What the handling of one event has found to do.

    Parameters
    ----------
    replan
        Whether all pending work must be planned again.
    replanned
        Whether that has happened: windows are filled to the brim then.
    runs
        Runs whose record changed.
    stops
        What agents are to be told, per agent.
    resend
        Agents that need their plan again although its queues are the same.
    """

    replan: bool = False
    replanned: bool = False
    runs: dict[str, None] = field(default_factory=dict)
    stops: dict[str, list[tuple[str, int]]] = field(default_factory=dict)
    resend: dict[str, None] = field(default_factory=dict)
    commands: list[Command] = field(default_factory=list)


@dataclass(slots=True)
class State:
    """All of it.

    Parameters
    ----------
    now_us
        The latest time that an event carried.
    active
        The runs that have not ended.
    profiles
        By digest, machine and provider.
    items_seen
        By workload and fan-out: sum of the lengths of the lists that were there, and how many.
    options
        What kinds of work can run on, until something changes it.
    answered_version
        Version of the plan that the solver process has nothing more to say about.
    deadlines
        Heap of (time, sequence, run) at which a run is dropped.
    profile_runs
        How often each id of a profile run was taken.
    retried
        Operations that failed by their own fault and may be tried elsewhere.
    blocked_runs
        Runs of which something can run nowhere now, with what they were last said to wait for.
    wake_us
        When the shell was last asked to send a `Tick`.
    """

    oracle: DurationOracle
    solvers: Mapping[str, Solver]
    settings: BrainSettings
    now_us: int = 0
    epoch: int = 0
    placement: str = ""
    improve: bool = True
    sequence: int = 0
    agents: dict[str, LiveAgent] = field(default_factory=dict)
    machines: dict[str, LiveMachine] = field(default_factory=dict)
    models: dict[str, LiveModel] = field(default_factory=dict)
    workloads: dict[str, Workload] = field(default_factory=dict)
    runs: dict[str, LiveRun] = field(default_factory=dict)
    active: dict[str, LiveRun] = field(default_factory=dict)
    operations: dict[str, LiveOperation] = field(default_factory=dict)
    profiles: dict[tuple[str, str, str], Profile] = field(default_factory=dict)
    items_seen: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    options: dict[tuple[object, ...], Options] = field(default_factory=dict)
    plan: LivePlan = field(default_factory=LivePlan)
    request: PlanRequest | None = None
    answered_version: int = -1
    deadlines: list[tuple[int, int, str]] = field(default_factory=list)
    ended: deque[str] = field(default_factory=deque)
    retried: dict[str, None] = field(default_factory=dict)
    blocked_runs: dict[str, str] = field(default_factory=dict)
    profile_runs: dict[str, int] = field(default_factory=dict)
    ended_operations: deque[LiveOperation] = field(default_factory=lambda: deque(maxlen=600))
    forgotten: deque[Release] = field(default_factory=lambda: deque(maxlen=100))
    wake_us: int | None = None
    origin_us: int = 0
    last_end_us: int = 0
    counters: dict[str, int] = field(default_factory=dict)

    def count(self, counter: str, by: int = 1) -> None:
        """Add to a counter of the view."""
        self.counters[counter] = self.counters.get(counter, 0) + by

    def living_boxes(self) -> dict[str, None]:
        """Boxes that have an agent which is alive."""
        return {agent.box: None for agent in self.agents.values() if agent.is_alive}

    def agent_of(self, machine: str) -> LiveAgent:
        """The agent that a machine belongs to."""
        return self.agents[self.machines[machine].agent]


def is_ready(op: LiveOperation) -> bool:
    """Whether everything it waits for is done."""
    operations = op.run.operations
    return op.state is not OperationState.EXPECTED and all(
        operations[name].state is OperationState.DONE for name in op.producers
    )


def stored_boxes(tensors: tuple[TensorRef, ...]) -> dict[str, None]:
    """Boxes that hold tensors which do not travel inside messages."""
    return {tensor.box: None for tensor in tensors if tensor.inline is None}
