"""What the brain shows: runs, operations, candidates with reasons, and the view of a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.model.messages import FailureReason, MachineReport, Profile, Value
from scheduler.model.problem import Band


class RunState(StrEnum):
    """Where a run stands. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OperationState(StrEnum):
    """Where an operation stands."""

    EXPECTED = "expected"  # planned for, but its list is not there yet: it may never exist
    WAITING = "waiting"  # planned or queued, nothing sent
    DISPATCHED = "dispatched"  # sent to an agent
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """Why a candidate was not chosen, or why work waits. A closed set."""

    LATER_FINISH = "later_finish"  # the chosen candidate finishes earlier
    SAME_FINISH = "same_finish"  # would finish at the same time
    WORSE_PLAN = "worse_plan"  # would finish earlier by itself, but the plan as a whole would not
    NOT_PROFILED = "not_profiled"  # the model was not measured there yet
    REFUSED = "refused"  # the provider failed the canary, fell back or declines the model
    PROVIDER_UNUSABLE = "provider_unusable"
    FORBIDDEN = "forbidden"
    NOT_ALLOWED = "not_allowed"
    MACHINE_DOWN = "machine_down"
    SUSPECTED = "suspected"  # what runs there is overdue, and nothing is heard of it
    DRAINING = "draining"
    FAILED_BEFORE = "failed_before"  # an earlier attempt failed there
    NO_FUNCTION = "no_function"  # the machine does not run that function
    PINNED_ELSEWHERE = "pinned_elsewhere"  # already sent to another agent
    OUT_OF_MEMORY = "out_of_memory"
    BESIDE_CRITICAL = "beside_critical"  # nothing is measured on a box beside a critical run
    NOT_CONNECTED = "not_connected"
    NO_MACHINE = "no_machine"  # nothing has joined that could run it
    WAITS_FOR_INPUT = "waits_for_input"
    WAITS_FOR_MACHINE = "waits_for_machine"
    KEPT_FREE = "kept_free"  # the machine is kept free for a more urgent run that is expected


class Ahead(StrEnum):
    """Why something started where more urgent work was planned before its end. A closed set."""

    UNDER_WAY = "under_way"  # its agent had not heard yet of the plan that has the other
    WAITED = "waited"  # it had waited as long as anything is kept waiting for what is expected
    OVERDUE = "overdue"  # the other had not come by when it was last counted on


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One way an operation could have run.

    Parameters
    ----------
    finish_us
        Predicted finish; ``None`` where there is no prediction.
    reason
        Why it was not chosen; ``None`` for the chosen one.
    """

    machine: str
    provider: str
    variant: str = ""
    finish_us: int | None = None
    reason: Reason | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRecord:
    """One attempt that did not succeed."""

    attempt: int
    machine: str
    provider: str
    reason: FailureReason
    message: str
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationRecord:
    """An operation as others see it: planned against actual, and why it is where it is.

    Parameters
    ----------
    provenance, duration_p50_us, duration_p95_us
        What its predicted duration comes from, and its distribution, with a warm session.
    load_us
        What making its session takes of the planned time, before it runs; 0 if it is there.
    order
        Place among the operations of its run: by stage, then by item.
    waits_for
        Operations whose outputs it takes: the edges of the graph, also once they are done; the
        first of them where it gathers many.
    shapes
        Of its inputs, once they are there; empty for lists, and in the bars of a view.
    ahead_of, ahead_why
        More urgent operation that was planned there before its end when it started, and why it
        started all the same; empty as a rule.
    """

    operation: str
    run: str
    stage: str
    item: int | None
    work: str
    state: OperationState
    band: Band
    machine: str = ""
    provider: str = ""
    attempt: int = 0
    waits_for: tuple[str, ...] = ()
    planned_start_us: int | None = None
    planned_end_us: int | None = None
    started_us: int | None = None
    ended_us: int | None = None
    transfer_us: int = 0
    load_us: int = 0
    provenance: str = ""
    duration_p50_us: int | None = None
    duration_p95_us: int | None = None
    candidates: tuple[Candidate, ...] = ()
    failures: tuple[AttemptRecord, ...] = ()
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict, hash=False)
    order: int = 0
    ahead_of: str = ""
    ahead_why: Ahead | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRecord:
    """A run as others see it.

    Parameters
    ----------
    kind
        ``run``, or ``profile`` for the measuring of a model.
    predicted_p50_us, predicted_p95_us
        Promised finish, absolute: by the first plan that placed all of the run. It stays as it is.
    chance
        Of a finish by the deadline, 0 to 1, by these; ``None`` without a deadline or a promise.
    estimated_p50_us, estimated_p95_us, estimated_chance
        The same by the plan of now; the last ones of a run that has ended.
    effective_band
        What `band` counts as by now; ``None`` in records of before.
    reason, detail
        Why it waits, or why it ended as it did; `reason` is a value of `Reason` or `FailureReason`.
    thrown_away_us
        Work of others that was stopped for it, and is done again.
    operations_total, operations_done
        How many operations it has, and how many of them are done. Of a long fan-out `operations`
        holds only those that a plan has reached.
    """

    run: str
    kind: str
    workload: str
    state: RunState
    band: Band
    submitted_us: int
    started_us: int | None = None
    ended_us: int | None = None
    deadline_us: int | None = None
    due_us: int | None = None
    predicted_p50_us: int | None = None
    predicted_p95_us: int | None = None
    chance: float | None = None
    reason: str = ""
    detail: str = ""
    effective_band: Band | None = None
    outputs: dict[str, Value] = field(default_factory=dict)
    operations_total: int = 0
    operations_done: int = 0
    operations: tuple[OperationRecord, ...] = ()
    estimated_p50_us: int | None = None
    estimated_p95_us: int | None = None
    estimated_chance: float | None = None
    thrown_away_us: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class MachineView:
    """A machine and how it is doing. `busy_us` and `since_us` give its utilisation."""

    report: MachineReport
    agent: str
    box: str
    state: str  # up, suspected, restarting, down, draining, lost
    reason: str = ""
    busy_us: int = 0
    since_us: int = 0
    running: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SiteView:
    """Everything a dashboard needs, at one moment.

    Parameters
    ----------
    bars
        Operations that are planned, running or ended lately.
    runs, runs_left_out
        Runs that are under way, the most urgent of those that wait, and the latest that ended; and
        how many more wait, by the band that they count as.
    origin_us
        Start of the earliest unfinished run: makespans count from here.
    planned_makespan_us, bound_us
        Of the current plan, from `origin_us`; 0 when nothing is planned.
    actual_makespan_us
        From `origin_us` to now, or to the last end when nothing is left.
    """

    at_us: int
    version: int
    placement: str
    improve: bool = True
    plan_source: str
    origin_us: int
    planned_makespan_us: int
    actual_makespan_us: int
    bound_us: int
    machines: tuple[MachineView, ...]
    bars: tuple[OperationRecord, ...]
    runs: tuple[RunRecord, ...]
    counters: dict[str, int]
    profiles: tuple[Profile, ...] = ()
    runs_left_out: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """What stopping a running operation for a critical one would be; all times predicted.

    Parameters
    ----------
    operation, victim, run
        The critical operation, the one that would give way, and its run.
    ends_worker
        Whether its worker has to end, because its provider cannot be stopped.
    stop_us, restart_us, load_us
        Until it lets go; until the next worker takes work; the sessions to be made again.
    lost_us
        Work done that is to be done again.
    gain_us
        By how much earlier the critical operation ends.
    provenance
        Of the time to stop and to restart.
    refused
        Why it is not done; empty if it is.
    """

    operation: str
    victim: str
    run: str
    machine: str
    provider: str
    ends_worker: bool
    stop_us: int
    restart_us: int
    load_us: int
    lost_us: int
    gain_us: int
    provenance: str
    refused: str = ""

    @property
    def cost_us(self) -> int:
        """Time of the machine that it takes."""
        return self.lost_us + self.stop_us + self.restart_us + self.load_us


@dataclass(frozen=True, slots=True, kw_only=True)
class LeftOut:
    """A place that could run some work and was not considered, and why."""

    work: str
    machine: str
    provider: str
    reason: Reason
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """The answer to a dry run. Nothing of it has happened.

    Parameters
    ----------
    left_out
        Where work of the run was not considered, though nobody forbade it.
    preempted
        Runs that would finish later, with by how many microseconds.
    preemptions
        What runs and would be stopped for it, and what would not, with the reason.
    beyond
        Operations of its own beyond the planning horizon: the times said are of those before them.
    ahead
        Operations that come before it and are beyond the planning horizon: it begins no earlier
        than is said, and later by what they take. 0 where all that comes before it is counted in.
    """

    record: RunRecord
    makespan_us: int
    bound_us: int
    gap: float
    solver: str
    preempted: dict[str, int] = field(default_factory=dict)
    preemptions: tuple[Preemption, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    ahead: int = 0
    beyond: int = 0
