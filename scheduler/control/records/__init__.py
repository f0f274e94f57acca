"""All that the brain shows: runs, operations, candidates with reasons, and the view of a site."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from scheduler.model.messages import FailureReason, MachineReport, Profile, Value
from scheduler.model.problem import Band


class RunState(StrEnum):
    """The state of a run. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    CANCELLED = "cancelled"


class OperationState(StrEnum):
    """The state of an operation."""

    EXPECTED = "expected"  # planned for, but its list is not there yet: it may never exist
    WAITING = "waiting"  # planned or queued, nothing sent
    DISPATCHED = "dispatched"  # sent to an agent
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Reason(StrEnum):
    """The reason why a candidate was not chosen, or work waits. A closed set."""

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


class ReplanReason(StrEnum):
    """The reason for which all pending work is planned again. A closed set; each is counted."""

    SUBMITTED = "submitted"  # a run came, and could not be put into the plan in force
    RUN_ENDED = "run_ended"  # a run ended while an agent had work of it
    LIST_KNOWN = "list_known"  # a fan-out is not as long as it was expected to be
    UNPLANNED = "unplanned"  # something ended that the plan did not have
    FREED_URGENT = "freed_urgent"  # urgent work can start now that is behind less urgent work
    OFF_PLAN = "off_plan"  # operations took longer or shorter than planned, for long enough
    ROOM = "room"  # the plan has room for what was beyond its horizon
    FAILED = "failed"  # an attempt failed by its own fault
    LOST = "lost"  # an attempt was lost with its machine, its agent or its inputs
    OUTPUT_LOST = "output_lost"  # something is to be made again
    GAVE_WAY = "gave_way"  # something was stopped for more urgent work
    IN_THE_WAY = "in_the_way"  # less urgent work that has begun keeps critical work waiting
    RESERVATION = "reservation"  # what a machine is kept free for has not come, or is over
    SUSPECTED = "suspected"  # a machine does not answer
    ANSWERED = "answered"  # a suspected machine answers
    FLEET = "fleet"  # an agent or a machine came, went or changed
    TO_MEASURE = "to_measure"  # there is something to be measured
    MEASURED = "measured"  # something was measured, or will not be
    QUIET = "quiet"  # critical runs came to a box, or left it, and something is to be measured
    AGED = "aged"  # a run counts as another band because it has waited, or waits no longer
    COSTS = "costs"  # predictions stand on another model
    POLICY = "policy"  # an operator chose another policy
    WORKLOAD = "workload"  # a workload is gone for which a machine was kept free


class Cause(StrEnum):
    """The cause for which an operation waited that could have begun. A closed set."""

    LOWER_WORK = "lower_work"  # less urgent work was finishing on its machine
    STOP = "stop"  # what ran there was told to stop and had not let go
    RESTART = "restart"  # the worker there was started again
    OTHER_WORK = "other_work"  # work of other runs, at least as urgent, went first
    OWN_WORK = "own_work"  # other operations of its run went first
    TRANSFER = "transfer"  # its inputs came from another box
    WORKER = "worker"  # its agent had handed it to the worker, which had not begun
    SESSION = "session"  # its session was made
    KEPT_FREE = "kept_free"  # the machine was kept free for a more urgent run
    NO_MACHINE = "no_machine"  # no machine was there that could run it
    RETRY = "retry"  # attempts that failed or gave way
    CONTROLLER = "controller"  # it was being planned, and word of that was on its way
    FORGOTTEN = "forgotten"  # longer ago than is remembered of its machine


class InversionKind(StrEnum):
    """The place of the more urgent work of an inversion: where it was, or ran in the end."""

    UNSENT = "unsent"  # it was ready, and its agent had not been told
    SAME_MACHINE = "same_machine"  # after the less urgent
    SAME_AGENT = "same_agent"  # on another machine of the agent
    ELSEWHERE = "elsewhere"  # with the agent that it had been sent to before: it stays with that


@dataclass(frozen=True, slots=True, kw_only=True)
class Inversion:
    """Less urgent work that began on a machine while more urgent work was ready for it.

    Parameters
    ----------
    kind
        Where that was, or ran in the end.
    operation, run, band
        The more urgent.
    ready_us, began_us, started_us
        When that could have begun there, when the less urgent did, and when the former did at last.
    """

    kind: InversionKind
    machine: str
    operation: str
    run: str
    band: Band
    lower_operation: str
    lower_run: str
    lower_band: Band
    ready_us: int
    began_us: int
    started_us: int


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
    """One attempt that did not succeed.

    Parameters
    ----------
    started_us
        When it began; ``None`` if it had not.
    gave_way_to
        The more urgent operation that it was stopped for; empty if it was not.
    """

    attempt: int
    machine: str
    provider: str
    reason: FailureReason
    message: str
    at_us: int
    started_us: int | None = None
    gave_way_to: str = ""


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
    ready_us, waited
        Since when it could have begun, and by cause, in microseconds, what it waited for from then
        to its start, and for its session after that. Empty in the bars of a view.
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
    ready_us: int | None = None
    waited: dict[Cause, int] = field(default_factory=dict, hash=False)
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
    waited
        What it waited for, by cause in microseconds, along the chain of operations that its end
        hung on; the rest of its time is work. Of a run that has not ended only when it is asked
        for by itself.
    inversions
        The latest starts of less urgent work on a machine that was to do something of it.
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
    waited: dict[Cause, int] = field(default_factory=dict)
    inversions: tuple[Inversion, ...] = ()
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
class KeptWindow:
    """A stretch of time for which a machine is kept free.

    Parameters
    ----------
    workload, band
        Of the run that it is kept for.
    run
        That run, if it is under way; empty for the next run of a stream.
    from_us, until_us
        What is less urgent does not run there between these.
    """

    machine: str
    workload: str
    band: Band
    from_us: int
    until_us: int
    run: str = ""


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
    kept
        What is kept free by the plan in force.
    inversions
        The latest ones; a counter says how many there were.
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
    kept: tuple[KeptWindow, ...] = ()
    inversions: tuple[Inversion, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """The stop of a running operation for a critical one, before it is made; all times predicted.

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
