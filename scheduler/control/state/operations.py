"""Live runs and operations, their placements and their options."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.control.records import (
    Ahead,
    AttemptRecord,
    Candidate,
    Cause,
    Inversion,
    OperationRecord,
    OperationState,
    RunState,
)
from scheduler.control.state.story import Story
from scheduler.control.workload import Stage, Workload
from scheduler.model.measuring import Load
from scheduler.model.messages import (
    Binding,
    FailureReason,
    Gate,
    TensorRef,
    Value,
    Work,
    WorkKind,
)
from scheduler.model.problem import Band, Edge, Mode

PENDING = frozenset({OperationState.EXPECTED, OperationState.WAITING, OperationState.DISPATCHED})
"""Not started."""
SENT = frozenset({OperationState.DISPATCHED, OperationState.RUNNING})
"""With an agent."""
ENDED = frozenset({OperationState.DONE, OperationState.FAILED, OperationState.CANCELLED})
"""For good, as far as is known."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Place and time that the plan gives an operation. Times are absolute.

    Parameters
    ----------
    start_us
        Time at which its machine turns to it: the load of its session, if it has one, comes first.
    transfer_us
        Longest transfer from a producer on another box.
    load_us
        Share of the time from start to end for making its session.
    spread_us
        Standard deviation of its end, by the durations along its chain.
    """

    mode: Mode
    provenance: str
    start_us: int
    end_us: int
    transfer_us: int = 0
    load_us: int = 0
    spread_us: float = 0.0


@dataclass(slots=True)
class LiveOperation:
    """An operation of a run and all that happened to it.

    Parameters
    ----------
    order
        Place among the operations of its run: by stage, then by item.
    unmet
        Edges from the producers that are not done.
    attempt
        Number of the latest attempt that was sent; 0 before the first.
    agent
        The agent that has the latest attempt; empty while nobody has it.
    runtime, plug_in
        Versions of ONNX Runtime and of the provider's package that the agent had then.
    mode
        The mode that its latest attempt runs in, or was to run in last.
    sent
        Per machine that the latest attempt was queued on, in which mode.
    inputs, unresolved
        Bindings of its inputs, once an agent was told; ``None`` after they changed. And the
        producers whose outputs the latest message about it did not hold.
    notify
        Agents that the latest message named as waiting for the outputs.
    lost
        Attempts that were given up and not reported yet, with the number that each adds to
        `lost_attempts`.
    gave_way
        Number of times that it was stopped for something more urgent.
    held_since_us
        Time since when it could have run but for a reservation.
    gate
        Times before which its agent was told not to start it.
    ahead_of, ahead_why
        More urgent operation that was planned there before its end when it started, and why.
    expected_end_us
        End that the plan in force expects.
    foreseen
        Per machine that the latest attempt was queued on, the load that was expected there.
    shapes
        Of its inputs, once they are there.
    load_us
        While it runs: the share of its time that is expected to go into making its session.
    only
        For a profile: the one (machine, provider) that it measures.
    ready_us, accounted_us, waited
        Time since when it could have begun, time up to which its wait is accounted for, and causes.
    bar
        Its record in the view once it has ended, without candidates.
    """

    id: str
    run: LiveRun
    stage: Stage
    item: int | None = None
    order: int = 0
    state: OperationState = OperationState.WAITING
    producers: tuple[str, ...] = ()
    consumers: list[str] = field(default_factory=list)
    edges: tuple[Edge, ...] = ()
    unmet: dict[str, Edge] = field(default_factory=dict)
    only: tuple[str, str] | None = None
    attempt: int = 0
    agent: str = ""
    machine: str = ""
    provider: str = ""
    mode: Mode | None = None
    sent: dict[str, Mode] = field(default_factory=dict)
    foreseen: dict[str, Load] = field(default_factory=dict)
    shapes: tuple[tuple[str, tuple[int, ...]], ...] | None = None
    sent_us: int = 0
    inputs: tuple[Binding, ...] | None = None
    unresolved: tuple[str, ...] = ()
    notify: tuple[str, ...] = ()
    placement: Placement | None = None
    expected_end_us: int = 0
    candidates: tuple[Candidate, ...] = ()
    load_us: int = 0
    started_us: int | None = None
    ended_us: int | None = None
    outputs: dict[str, Value] = field(default_factory=dict)
    failures: list[AttemptRecord] = field(default_factory=list)
    excluded: dict[tuple[str, str], FailureReason] = field(default_factory=dict)
    own_failures: int = 0
    lost_attempts: int = 0
    lost: dict[int, int] = field(default_factory=dict)
    gave_way: int = 0
    held_since_us: int | None = None
    ready_us: int | None = None
    accounted_us: int = 0
    waited: dict[Cause, int] = field(default_factory=dict)
    gate: Gate | None = None
    ahead_of: str = ""
    ahead_why: Ahead | None = None
    runtime: str = ""
    plug_in: str = ""
    bar: OperationRecord | None = None

    @property
    def band(self) -> Band:
        """The band of its run as it counts now."""
        return self.run.effective_band

    @property
    def is_profile(self) -> bool:
        """True if it measures a model."""
        return self.stage.kind is WorkKind.PROFILE


@dataclass(slots=True)
class LiveRun:
    """A run: the operations it is known to have, in topological order, and how it stands.

    Parameters
    ----------
    lengths
        Number of items per fan-out, once its list is there.
    effective_band
        `band`, but raised while others wait for a profile, or when it has waited long.
    served_us
        Time at which something of it last started.
    is_extra
        True if nobody can wait for its result: something is known of the model there.
    open
        Those operations that have not ended, in the same order.
    items
        The operations of each stage, by item.
    expanded
        Per fan-out, how many of its items have operations.
    rest
        Number of operations that are only a number so far: items that nobody can plan for yet, and
        those that gather them.
    changed, gone
        Operations that its record does not say yet, and the `order` of those that it still says and
        that vanished.
    total, done
        Number of operations, the rest included, and of those that are done.
    planned_end
        Latest planned end of its ended operations, and the standard deviation of that.
    touched
        Agents that were sent any of its operations.
    promise
        Finish, and standard deviation of that, by the first plan that placed all that was left of
        it; ``None`` before there is one.
    works
        Messages to agents about the work of each stage.
    waited
        Causes for which it waited, once it has ended.
    inversions
        The latest starts of less urgent work that went before it.
    threw_away_us
        Work of others that was stopped for it, and is done again.
    story
        Its transitions and those of its operations, until its operations are let go of.
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
    is_extra: bool = False
    allow: tuple[str, ...] = ()
    forbid: tuple[str, ...] = ()
    state: RunState = RunState.QUEUED
    operations: dict[str, LiveOperation] = field(default_factory=dict)
    open: dict[str, LiveOperation] = field(default_factory=dict)
    items: dict[str, list[LiveOperation]] = field(default_factory=dict)
    lengths: dict[str, int] = field(default_factory=dict)
    expanded: dict[str, int] = field(default_factory=dict)
    rest: int = 0
    changed: dict[str, None] = field(default_factory=dict)
    gone: dict[int, None] = field(default_factory=dict)
    total: int = 0
    done: int = 0
    planned_end: tuple[int, float] = (0, 0.0)
    touched: dict[str, None] = field(default_factory=dict)
    works: dict[str, Work] = field(default_factory=dict)
    started_us: int | None = None
    ended_us: int | None = None
    reason: str = ""
    detail: str = ""
    outputs: dict[str, Value] = field(default_factory=dict)
    recorded_us: int = 0
    served_us: int = 0
    promise: tuple[int, float] | None = None
    waited: dict[Cause, int] = field(default_factory=dict)
    inversions: list[Inversion] = field(default_factory=list)
    threw_away_us: int = 0
    story: Story = field(default_factory=Story)

    @property
    def unfinished(self) -> int:
        """Operations that are not done."""
        return len(self.open) + self.rest

    @property
    def is_ended(self) -> bool:
        """True if its state is final."""
        return self.ended_us is not None


@dataclass(frozen=True, slots=True)
class Options:
    """Modes that a kind of work can run in, and the refusals of the rest."""

    modes: tuple[Mode, ...] = ()
    provenance: tuple[str, ...] = ()
    refused: tuple[Candidate, ...] = ()


OptionsKey = tuple[object, ...]
"""Kind, target and digest of the work, then all else that its options depend on.

These are the declared duration, the allowed and forbidden machines, the input shapes, and the
numbers of the expected loads.
"""


def is_ready(op: LiveOperation) -> bool:
    """True if everything it waits for is done."""
    return op.state is not OperationState.EXPECTED and not op.unmet


def stored_boxes(tensors: tuple[TensorRef, ...]) -> dict[str, None]:
    """Boxes that hold tensors which do not travel inside messages."""
    return {tensor.box: None for tensor in tensors if tensor.inline is None}
