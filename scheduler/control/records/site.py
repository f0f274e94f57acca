"""The site at one moment, and the answer to a dry run."""

from __future__ import annotations

from dataclasses import dataclass, field

from scheduler.control.records.reasons import Reason
from scheduler.control.records.runs import Inversion, OperationRecord, RunRecord
from scheduler.model.messages import MachineReport, Profile
from scheduler.model.problem import Band


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
        Less urgent work does not run there between these.
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
        Windows that the plan in force keeps free.
    inversions
        The latest ones; a counter says how many there were.
    epoch
        Of the controller that made it; 0 where an older release did.
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
    epoch: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Preemption:
    """The stop of a running operation for a critical one, before it is made; all times predicted.

    Parameters
    ----------
    operation, victim, run
        The critical operation, the one that would give way, and its run.
    ends_worker
        True if its worker has to end, because its provider cannot be stopped.
    stop_us, restart_us, load_us
        Until it lets go; until the next worker takes work; the sessions to be made again.
    lost_us
        Work done that is to be done again.
    gain_us
        By how much earlier the critical operation ends.
    provenance
        Of the time to stop and to restart.
    refused
        The reason that it is not done; empty if it is.
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
        Places where work of the run was not considered, though nobody forbade it.
    preempted
        Runs that would finish later, with by how many microseconds.
    preemptions
        Operations that run and would be stopped for it, and those that would not, with the reason.
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
