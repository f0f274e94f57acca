"""Everything the brain can ask its shell to do."""

from __future__ import annotations

from dataclasses import dataclass

from scheduler.control.records import RunRecord, RunStory
from scheduler.control.records.plans import PlanRecord
from scheduler.model.measuring import Load
from scheduler.model.messages import AgentPlan, CallLease, MachineReport, Profile, Release
from scheduler.model.ports import CostQuery
from scheduler.model.problem import Problem
from scheduler.model.schedule import Schedule


@dataclass(frozen=True, slots=True, kw_only=True)
class SendPlan:
    """Give an agent its new plan."""

    plan: AgentPlan


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordRun:
    """Store the record of a run, and tell those who wait that it changed.

    Parameters
    ----------
    record
        With those of its operations that are not as they were in the record before; the others
        stay as they are stored.
    gone
        The `order` of operations that the record before had and that do not exist any more.
    """

    record: RunRecord
    gone: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetRun:
    """Delete the record of a run whose time to be kept is over, and its tensors."""

    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseInputs:
    """Delete the inputs that the API stored for a run that has ended, but for `keep`."""

    release: Release


@dataclass(frozen=True, slots=True, kw_only=True)
class RequestPlan:
    """Ask the solver process for a better plan of this snapshot; a newer request replaces it.

    Parameters
    ----------
    plan
        The plan in force, as it was made: its starts may be late by now, and newer work is not in
        it.
    """

    version: int
    problem: Problem
    plan: Schedule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WakeAt:
    """Send a `Tick` at this time; a later `WakeAt` replaces it."""

    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepProfile:
    """Keep a profile, with its operators, instead of the one that was kept for the same thing.

    Parameters
    ----------
    machine
        The machine that it was measured on; ``None`` if that is gone.
    """

    profile: Profile
    machine: MachineReport | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepExecution:
    """Keep the duration of an execution, and the load beside it, to train cost models on."""

    query: CostQuery
    machine: MachineReport
    duration_us: int
    load: Load
    at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgetProfiles:
    """Delete the profiles of a model that is gone."""

    digest: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepPlan:
    """Keep in history the fate of a plan that was proposed."""

    plan: PlanRecord


@dataclass(frozen=True, slots=True, kw_only=True)
class KeepStory:
    """Keep in history the transitions of a run that has ended."""

    story: RunStory


@dataclass(frozen=True, slots=True, kw_only=True)
class TellLease:
    """Tell the API processes of a box a lease as it stands; one without places has ended."""

    lease: CallLease


Command = (
    SendPlan
    | RecordRun
    | ForgetRun
    | ReleaseInputs
    | RequestPlan
    | WakeAt
    | KeepProfile
    | KeepExecution
    | ForgetProfiles
    | KeepPlan
    | KeepStory
    | TellLease
)
