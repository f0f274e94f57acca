"""Effects of a batch of commands: the least that has to be written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

from api.store import Batch
from scheduler.control.commands import (
    Command,
    ForgetProfiles,
    ForgetRun,
    KeepExecution,
    KeepPlan,
    KeepProfile,
    KeepStory,
    RecordRun,
    ReleaseInputs,
    RequestPlan,
    SendPlan,
    TellLease,
    WakeAt,
)
from scheduler.control.records import RunRecord, RunStory
from scheduler.control.records.plans import PlanRecord
from scheduler.model.messages import AgentPlan, CallLease, Release


@dataclass(slots=True)
class Effects:
    """Commands taken together: of several that replace each other, only the last is left."""

    plans: dict[str, AgentPlan] = field(default_factory=dict)
    records: dict[str, RunRecord] = field(default_factory=dict)
    gone: dict[str, dict[int, None]] = field(default_factory=dict)
    forget: dict[str, Release] = field(default_factory=dict)
    release: list[Release] = field(default_factory=list)
    unprofiled: list[str] = field(default_factory=list)
    kept: list[KeepProfile | KeepExecution] = field(default_factory=list)
    judged: list[PlanRecord] = field(default_factory=list)
    stories: dict[str, RunStory] = field(default_factory=dict)
    leases: dict[str, CallLease] = field(default_factory=dict)
    request: RequestPlan | None = None
    wake: WakeAt | None = None

    @classmethod
    def of(cls, commands: Iterable[Command]) -> Self:
        """The effects of the commands of one event."""
        effects = cls()
        effects.add(commands)
        return effects

    def add(self, commands: Iterable[Command]) -> None:
        """Take in commands, in the order in which the brain gave them."""
        for command in commands:
            self._add(command)

    def _add(self, command: Command) -> None:
        match command:
            case SendPlan(plan=plan):
                self._send(plan)
            case RecordRun():
                self._record(command)
            case ForgetRun(release=release):
                # Its record is written all the same: history keeps it.
                self.forget[release.run] = release
            case ReleaseInputs(release=release):
                self.release.append(release)
            case KeepPlan() | KeepStory() | TellLease():
                self._tell(command)
            case KeepProfile() | KeepExecution():
                self.kept.append(command)
            case ForgetProfiles(digest=digest):
                self._unprofile(digest)
            case RequestPlan():
                self.request = command
            case WakeAt():
                self.wake = command

    def _send(self, plan: AgentPlan) -> None:
        earlier = self.plans.get(plan.agent)
        self.plans[plan.agent] = plan if earlier is None else merged(earlier, plan)

    def _tell(self, command: KeepPlan | KeepStory | TellLease) -> None:
        match command:
            case KeepPlan(plan=plan):
                self.judged.append(plan)
            case KeepStory(story=story):
                self.stories[story.run] = story
            case TellLease(lease=lease):
                self.leases[lease.id] = lease

    def _unprofile(self, digest: str) -> None:
        self.kept = [each for each in self.kept if not _is_profile_of(each, digest)]
        self.unprofiled.append(digest)

    def _record(self, command: RecordRun) -> None:
        """Keep the later record of a run, with the latest of each operation that changed."""
        run, gone = command.record.run, dict.fromkeys(command.gone)
        earlier = self.records.get(run)
        before = {} if earlier is None else {op.order: op for op in earlier.operations}
        changed = {op.order: op for op in command.record.operations}
        kept = {order: op for order, op in before.items() if order not in gone}
        self.records[run] = replace(command.record, operations=tuple((kept | changed).values()))
        self.gone[run] = self.gone.get(run, {}) | gone

    def batch(self) -> Batch:
        """All that is to be written."""
        return Batch(
            plans=tuple(self.plans.values()),
            records=tuple(self.records.values()),
            gone={run: tuple(orders) for run, orders in self.gone.items() if orders},
            forget=tuple(self.forget.values()),
            release=tuple(self.release),
            history=tuple(self.judged),
            stories=tuple(self.stories.values()),
            leases=tuple(self.leases.values()),
            unprofiled=tuple(self.unprofiled),
            profiles=tuple(each.profile for each in self.kept if isinstance(each, KeepProfile)),
        )


def _is_profile_of(kept: KeepProfile | KeepExecution, digest: str) -> bool:
    return isinstance(kept, KeepProfile) and kept.profile.digest == digest


def merged(earlier: AgentPlan, later: AgentPlan) -> AgentPlan:
    """One plan for two: queues and leases of the later one, all else that either asks for.

    Queues and leases are said anew in each plan; stops, releases, links to measure and models to
    unload are said once.
    """
    queued = {
        (dispatch.operation, dispatch.attempt)
        for queue in later.queues.values()
        for dispatch in queue
    }
    stopped = tuple(pair for pair in earlier.stop if pair not in queued)
    return replace(
        later,
        stop=tuple(dict.fromkeys((*stopped, *later.stop))),
        release=(*earlier.release, *later.release),
        measure=tuple(dict.fromkeys((*earlier.measure, *later.measure))),
        unload=tuple(dict.fromkeys((*earlier.unload, *later.unload))),
    )
