"""The office of the controller: its lease, and writes that only its holder can make."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from api.store import codec
from api.store.checkpoints import Checkpoints, Keeping
from api.store.connection import Argument, Command
from api.store.history import HistoryQueue, RunEnded, RunForgotten
from api.store.keeping import LeaseKeeper
from api.store.queue import FINAL, queues
from api.store.runs import ViewChanged
from api.store.scripts import COMMIT, DECLARE_LOST, DROP_LEASE, HOLD_LEASE, TAKE_LEASE
from api.store.trail import SetAside, Trail
from scheduler.control.events import EVENT_TYPES, Event
from scheduler.control.records import RunRecord, SiteView
from scheduler.control.records.costs import CostReport
from scheduler.control.records.plans import PlanRecord
from scheduler.model import keys
from scheduler.model.errors import StaleEpoch
from scheduler.model.messages import AgentLost, AgentPlan, Profile, Release

T = TypeVar("T")

CHANGES_KEPT = 10_000
"""Entries of the stream of changes: minutes of a busy site, for readers that fell behind."""
MOST_COMMANDS, MOST_BYTES = 500, 1 << 20
"""Of one script: encoding them takes some 10 ms, and so does carrying them out."""
MOST_FIELDS = 500
"""Fields of one command inside a script, whose arguments travel over a stack of 8,000 places."""
PLANS_KEPT = 1_000
"""Entries of an agent's stream: the latest plan replaces all before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write for a site, until somebody with a higher epoch has it."""

    controller: str
    epoch: int

    @property
    def value(self) -> str:
        """The value that the lease's key holds."""
        return f"{self.controller}:{self.epoch}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """All that a controller writes at once.

    Parameters
    ----------
    trail, done
        Events that the writer takes in next, and the last one of which all that follows is written
        with this.
    undone
        True if nothing is known to be written any more: everything has to be said again.
    aside
        Events that every fold is to leave out from now on.
    records, gone
        Runs with those of their operations that changed, and the places of those that vanished.
    forget
        Runs whose records go once history has them, and whose tensors go at once.
    history
        Plans that history keeps; it keeps each record of `records` that has ended anyway.
    release
        Tensors of runs that ended.
    unprofiled
        Digests of models whose profiles go, before those in `profiles` are kept.
    checkpoint
        Written last: all that it names is in the store by then.
    """

    trail: Trail | None = None
    aside: tuple[SetAside, ...] = ()
    events: tuple[Event, ...] = ()
    plans: tuple[AgentPlan, ...] = ()
    records: tuple[RunRecord, ...] = ()
    gone: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    forget: tuple[Release, ...] = ()
    release: tuple[Release, ...] = ()
    history: tuple[PlanRecord, ...] = ()
    unprofiled: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    view: SiteView | None = None
    costs: CostReport | None = None
    checkpoint: Keeping | None = None
    done: str = ""
    undone: bool = False


class Store(Checkpoints, HistoryQueue):
    """The store of one site, with all that the service keeps in it."""

    async def take_lease(self, controller: str, ttl_ms: int, *, ended: str = "") -> Lease | None:
        """Take office if it is free; ``None`` if another controller holds it.

        Parameters
        ----------
        ended
            The names of controllers that have ended for certain begin with this: a lease that one
            of them left behind counts for nothing. Empty if none is known to have ended.
        """
        touched = [keys.lease(self.site), keys.epoch(self.site)]
        epoch = await self.run_script(TAKE_LEASE, touched, [controller, ttl_ms, ended])
        return None if epoch is None else Lease(controller=controller, epoch=int(epoch))

    async def hold(self, lease: Lease, ttl_ms: int) -> None:
        """Keep the office for another while, also if its lease ran out and nobody else took it.

        Raises
        ------
        StaleEpoch
            If another has taken office since.
        """
        touched = [keys.lease(self.site), keys.epoch(self.site)]
        held = await self.run_script(HOLD_LEASE, touched, [lease.value, lease.epoch, ttl_ms])
        _require(bool(held), lease)

    def keeper(
        self,
        lease: Lease,
        ttl_ms: int,
        *,
        turns: Callable[[], int],
        wedged_s: float,
        on_lost: Callable[[], object],
    ) -> LeaseKeeper:
        """Make a keeper that holds a lease from a thread; see there for the parameters."""
        return LeaseKeeper(
            self.url,
            self.site,
            value=lease.value,
            epoch=lease.epoch,
            ttl_ms=ttl_ms,
            turns=turns,
            wedged_s=wedged_s,
            on_lost=on_lost,
        )

    async def resign(self, lease: Lease, *, in_order: bool = True) -> None:
        """Leave the office to the next, if it is still held.

        Parameters
        ----------
        in_order
            True if nothing broke: then no trail is left.
        """
        trail = [keys.trail(self.site)] if in_order else []
        await self.run_script(DROP_LEASE, [keys.lease(self.site), *trail], [lease.value])

    async def commit(self, lease: Lease, batch: Batch) -> None:
        """Write a batch, and only while the lease is held.

        A large batch is written in parts, each of them whole or not at all, and the trail with the
        last: encoding all of it at once would hold the loop, and writing it the store. A controller
        that takes office says everything again, so a batch that broke off is completed by it.

        Raises
        ------
        StaleEpoch
            If the lease is not held; nothing was written of this part and those after it.
        """
        for commands in _parts(self._commands_of(batch)):
            touched = [keys.lease(self.site)]
            arguments: list[Argument] = [lease.value]
            for name, key, *rest in commands:
                touched.append(str(key))
                arguments += [name, len(rest), *rest]
            _require(bool(await self.run_script(COMMIT, touched, arguments)), lease)

    async def declare_lost(self, lease: Lease, event: AgentLost) -> None:
        """Append that an agent is lost, unless it shows a sign of life by now.

        Raises
        ------
        StaleEpoch
            If the office is lost; nothing was written.
        """
        heartbeat = keys.heartbeat(self.site, event.agent)
        touched = [keys.lease(self.site), heartbeat, keys.events(self.site)]
        arguments: list[Argument] = [lease.value, event.incarnation, *codec.fields(event)]
        _require(bool(await self.run_script(DECLARE_LOST, touched, arguments)), lease)

    async def skipped(self) -> set[str]:
        """Ids of events that a fold leaves out."""
        return {member.decode() for member in await self.call("SMEMBERS", keys.skipped(self.site))}

    async def set_aside(self) -> list[SetAside]:
        """The events that a fold leaves out, with reasons, the latest first."""
        found = await self.call("HVALS", keys.set_aside(self.site))
        aside = [codec.decode(SetAside, data) for data in found]
        return sorted(aside, key=lambda each: (-each.at_us, each.entry))

    async def trail(self) -> Trail | None:
        """The trail of the controller before; ``None`` if it left in order."""
        data = await self.call("GET", keys.trail(self.site))
        return None if data is None else codec.decode(Trail, data)

    async def done(self) -> str | None:
        """Id of the last event whose effects are written; ``None`` if no controller said so yet."""
        entry = await self.call("GET", keys.done(self.site))
        return None if entry is None else str(entry.decode())

    async def trailed(self, trail: Trail) -> list[tuple[str, Event]]:
        """The events of a trail, with their ids."""
        key = keys.events(self.site)
        found = await self.call("XRANGE", key, trail.start, "+", "COUNT", trail.count)
        return codec.entries(found, EVENT_TYPES)

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
        """True if somebody has looked at the view lately."""
        return bool(await self.call("EXISTS", keys.watched(self.site)))

    def _commands_of(self, batch: Batch) -> Iterator[Command]:
        for plan in batch.plans:
            yield self._added(keys.plans(self.site, plan.agent), plan, PLANS_KEPT)
        for record in batch.records:
            yield from self._record_commands(record, batch.gone.get(record.run, ()))
        yield from self._ended_commands(batch)
        yield from self._profile_commands(batch)
        if batch.view is not None:
            yield ("SET", keys.view(self.site), codec.encode(batch.view))
            change = ViewChanged(at_us=batch.view.at_us)
            yield self._added(keys.changes(self.site), change, CHANGES_KEPT)
        if batch.costs is not None:
            yield ("SET", keys.costs(self.site), codec.encode(batch.costs))
        for event in batch.events:
            yield ("XADD", keys.events(self.site), "*", *codec.fields(event))
        yield from self._own_commands(batch)

    def _own_commands(self, batch: Batch) -> Iterator[Command]:
        """Commands that write for the next controller alone."""
        for aside in batch.aside:
            yield ("SADD", keys.skipped(self.site), aside.entry)
            yield ("HSET", keys.set_aside(self.site), aside.entry, codec.encode(aside))
        if batch.trail is not None:
            yield ("SET", keys.trail(self.site), codec.encode(batch.trail))
        if batch.undone:
            yield ("DEL", keys.done(self.site))
        if batch.done:
            yield ("SET", keys.done(self.site), batch.done)
        if batch.checkpoint is not None:
            yield from self._checkpoint_commands(batch.checkpoint)

    def _checkpoint_commands(self, keeping: Keeping) -> Iterator[Command]:
        key = keys.checkpoints(self.site)
        for entry in keeping.drop:
            yield ("HDEL", key, entry)
        yield ("HSET", key, keeping.event, keeping.packed)
        if keeping.behind:
            yield ("SET", keys.trimmed(self.site), keeping.behind)
            yield ("XTRIM", keys.events(self.site), "MINID", keeping.behind)
            yield ("XDEL", keys.events(self.site), keeping.behind)
        for entries in _slices(keeping.unskip):
            yield ("SREM", keys.skipped(self.site), *entries)

    def _ended_commands(self, batch: Batch) -> Iterator[Command]:
        for release in batch.forget:
            yield self.for_history(RunForgotten(run=release.run))
        for release in (*batch.forget, *batch.release):
            yield self._added(keys.changes(self.site), release, CHANGES_KEPT)
        for passed in batch.history:
            yield self.for_history(passed)

    def _profile_commands(self, batch: Batch) -> Iterator[Command]:
        for digest in batch.unprofiled:
            yield ("DEL", keys.profiles(self.site, digest))
        for profile in batch.profiles:
            key = keys.profiles(self.site, profile.digest)
            yield ("HSET", key, profile_field(profile), codec.encode(profile))

    def _record_commands(self, record: RunRecord, gone: tuple[int, ...]) -> Iterator[Command]:
        summary = replace(record, operations=())
        key = keys.operations(self.site, record.run)
        for places in _slices(gone):
            yield ("HDEL", key, *places)
        for operations in _slices(record.operations):
            pairs: list[Argument] = []
            for op in operations:
                pairs += [op.order, codec.encode(op)]
            yield ("HSET", key, *pairs)
        yield ("HSET", keys.run(self.site, record.run), "record", codec.encode(summary))
        yield ("ZADD", keys.runs(self.site), record.submitted_us, record.run)
        yield self._added(keys.changes(self.site), summary, CHANGES_KEPT)
        if record.state in FINAL:
            for queue in queues(self.site, record.workload):
                yield ("SREM", queue, record.run)
        if record.ended_us is not None:
            yield self.for_history(RunEnded(run=record.run))

    @staticmethod
    def _added(key: str, message: object, kept: int) -> Command:
        return ("XADD", key, "MAXLEN", "~", kept, "*", *codec.fields(message))


def _parts(commands: Iterable[Command]) -> Iterator[list[Command]]:
    """Commands that are written together; at least one part, though it be empty."""
    part: list[Command] = []
    size = 0
    for command in commands:
        if len(part) == MOST_COMMANDS or size > MOST_BYTES:
            yield part
            part, size = [], 0
        part.append(command)
        size += sum(len(argument) for argument in command if isinstance(argument, bytes))
    yield part


def _slices(found: Sequence[T]) -> Iterator[Sequence[T]]:
    """Parts that a script in the store can hand to one command: its stack is limited."""
    for i in range(0, len(found), MOST_FIELDS):
        yield found[i : i + MOST_FIELDS]


def profile_field(profile: Profile) -> str:
    """The name that a profile is kept under: a newer one of the same thing takes its place."""
    shapes = ";".join(
        f"{name}={','.join(map(str, shape))}" for name, shape in sorted(profile.shapes.items())
    )
    return f"{profile.machine}|{profile.provider}|{shapes}"


def _require(held: bool, lease: Lease) -> None:
    if not held:
        raise StaleEpoch(f"controller {lease.controller} lost the office of epoch {lease.epoch}")
