"""The office of the controller: its lease, and writes that only its holder can make."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from api.store import codec
from api.store.connection import Argument, Command
from api.store.history import HistoryQueue, RunEnded, RunForgotten
from api.store.questions import Questions
from api.store.runs import ViewChanged
from api.store.scripts import COMMIT, DROP_LEASE, RENEW_LEASE, TAKE_LEASE
from scheduler.control.events import Event
from scheduler.control.plan_records import PlanRecord
from scheduler.control.predicting.costs import CostReport
from scheduler.control.records import RunRecord, SiteView
from scheduler.model import keys
from scheduler.model.errors import StaleEpoch
from scheduler.model.messages import AgentPlan, Profile, Release

CHANGES_KEPT = 10_000
"""Entries of the stream of changes: minutes of a busy site, for readers that fell behind."""
PLANS_KEPT = 1_000
"""Entries of an agent's stream: the latest plan replaces all before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write for a site, until somebody with a higher epoch has it."""

    controller: str
    epoch: int

    @property
    def value(self) -> str:
        """What the lease's key holds."""
        return f"{self.controller}:{self.epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """What a controller writes at once.

    Parameters
    ----------
    skip
        Ids of events that every fold is to leave out from now on.
    forget
        Runs whose records go once history has them, and whose tensors go at once.
    history
        Plans that history keeps; it keeps each record of `records` that has ended anyway.
    release
        Tensors of runs that ended.
    unprofiled
        Digests of models whose profiles go, before those in `profiles` are kept.
    """

    skip: tuple[str, ...] = ()
    events: tuple[Event, ...] = ()
    plans: tuple[AgentPlan, ...] = ()
    records: tuple[RunRecord, ...] = ()
    forget: tuple[Release, ...] = ()
    release: tuple[Release, ...] = ()
    history: tuple[PlanRecord, ...] = ()
    unprofiled: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    view: SiteView | None = None
    costs: CostReport | None = None


class Store(Questions, HistoryQueue):
    """The store of one site, with all that the service keeps in it."""

    async def take_lease(self, controller: str, ttl_ms: int) -> Lease | None:
        """Take office if it is free; ``None`` if another controller holds it."""
        touched = [keys.lease(self.site), keys.epoch(self.site)]
        epoch = await self.run_script(TAKE_LEASE, touched, [controller, ttl_ms])
        return None if epoch is None else Lease(controller=controller, epoch=int(epoch))

    async def renew(self, lease: Lease, ttl_ms: int) -> None:
        """Keep the office for another while.

        Raises
        ------
        StaleEpoch
            If it is lost.
        """
        held = await self.run_script(RENEW_LEASE, [keys.lease(self.site)], [lease.value, ttl_ms])
        _require(bool(held), lease)

    async def resign(self, lease: Lease) -> None:
        """Leave the office to the next, if it is still held."""
        await self.run_script(DROP_LEASE, [keys.lease(self.site)], [lease.value])

    async def commit(self, lease: Lease, batch: Batch) -> None:
        """Write a batch, all of it and only if the lease is still held.

        Raises
        ------
        StaleEpoch
            If it is lost; nothing was written.
        """
        touched = [keys.lease(self.site)]
        arguments: list[Argument] = [lease.value]
        for name, key, *rest in self._commands_of(batch):
            touched.append(str(key))
            arguments += [name, len(rest), *rest]
        _require(bool(await self.run_script(COMMIT, touched, arguments)), lease)

    async def skipped(self) -> set[str]:
        """Ids of events that a fold leaves out."""
        return {member.decode() for member in await self.call("SMEMBERS", keys.skipped(self.site))}

    async def heartbeats(self, agents: list[str]) -> dict[str, str]:
        """Incarnation of each of these agents that is alive."""
        if not agents:
            return {}
        found = await self.call("MGET", *(keys.heartbeat(self.site, agent) for agent in agents))
        return {
            agent: data.decode()
            for agent, data in zip(agents, found, strict=True)
            if data is not None
        }

    async def is_watched(self) -> bool:
        """Whether somebody has looked at the view lately."""
        return bool(await self.call("EXISTS", keys.watched(self.site)))

    def _commands_of(self, batch: Batch) -> Iterator[Command]:
        for plan in batch.plans:
            yield self._added(keys.plans(self.site, plan.agent), plan, PLANS_KEPT)
        for record in batch.records:
            yield from self._record_commands(record)
        for release in batch.forget:
            yield self.for_history(RunForgotten(run=release.run))
        for release in (*batch.forget, *batch.release):
            yield self._added(keys.changes(self.site), release, CHANGES_KEPT)
        for passed in batch.history:
            yield self.for_history(passed)
        yield from self._profile_commands(batch)
        if batch.view is not None:
            yield ("SET", keys.view(self.site), codec.encode(batch.view))
            change = ViewChanged(at_us=batch.view.at_us)
            yield self._added(keys.changes(self.site), change, CHANGES_KEPT)
        if batch.costs is not None:
            yield ("SET", keys.costs(self.site), codec.encode(batch.costs))
        for event in batch.events:
            yield ("XADD", keys.events(self.site), "*", *codec.fields(event))
        if batch.skip:
            yield ("SADD", keys.skipped(self.site), *batch.skip)

    def _profile_commands(self, batch: Batch) -> Iterator[Command]:
        for digest in batch.unprofiled:
            yield ("DEL", keys.profiles(self.site, digest))
        for profile in batch.profiles:
            key = keys.profiles(self.site, profile.digest)
            yield ("HSET", key, profile_field(profile), codec.encode(profile))

    def _record_commands(self, record: RunRecord) -> Iterator[Command]:
        summary = replace(record, operations=())
        operations = codec.encode(record.operations)
        key = keys.run(self.site, record.run)
        yield ("HSET", key, "record", codec.encode(summary), "operations", operations)
        yield ("ZADD", keys.runs(self.site), record.submitted_us, record.run)
        yield self._added(keys.changes(self.site), summary, CHANGES_KEPT)
        if record.ended_us is not None:
            yield self.for_history(RunEnded(run=record.run))

    @staticmethod
    def _added(key: str, message: object, kept: int) -> Command:
        return ("XADD", key, "MAXLEN", "~", kept, "*", *codec.fields(message))


def profile_field(profile: Profile) -> str:
    """What a profile is kept under: a newer one of the same thing takes its place."""
    shapes = ";".join(
        f"{name}={','.join(map(str, shape))}" for name, shape in sorted(profile.shapes.items())
    )
    return f"{profile.machine}|{profile.provider}|{shapes}"


def _require(held: bool, lease: Lease) -> None:
    if not held:
        raise StaleEpoch(f"controller {lease.controller} lost the office of epoch {lease.epoch}")
