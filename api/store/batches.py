"""Batches of all that a controller writes at once, and the commands that write them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from api.store import codec
from api.store.checkpoints import Keeping
from api.store.connection import Argument, Command
from api.store.history import HistoryQueue, RunEnded, RunForgotten
from api.store.queue import FINAL, queues
from api.store.runs import STORY, ViewChanged
from api.store.trail import SetAside, Trail
from scheduler.control.events import Event
from scheduler.control.records import RunRecord, RunStory, SiteView
from scheduler.control.records.costs import CostReport
from scheduler.control.records.plans import PlanRecord
from scheduler.model import keys
from scheduler.model.messages import AgentPlan, CallLease, Profile, Release

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
    stories
        Of runs in `records` that have ended: history keeps them with these.
    leases
        Leases for calls that are new, changed or ended.
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
    stories: tuple[RunStory, ...] = ()
    leases: tuple[CallLease, ...] = ()
    unprofiled: tuple[str, ...] = ()
    profiles: tuple[Profile, ...] = ()
    view: SiteView | None = None
    costs: CostReport | None = None
    checkpoint: Keeping | None = None
    done: str = ""
    undone: bool = False


class Batches(HistoryQueue):
    """The commands that write a batch."""

    def commands_of(self, batch: Batch) -> Iterator[Command]:
        """Commands that write all of a batch, in the order in which they may break off."""
        for plan in batch.plans:
            yield self._added(keys.plans(self.site, plan.agent), plan, PLANS_KEPT)
        for lease in batch.leases:
            yield self._added(keys.changes(self.site), lease, CHANGES_KEPT)
        for story in batch.stories:
            # Before its record: history takes both as soon as that says that the run has ended.
            yield ("HSET", keys.run(self.site, story.run), STORY, codec.encode(story))
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
        change = codec.fields(summary)
        yield ("HSET", keys.run(self.site, record.run), "record", change[-1])
        yield ("ZADD", keys.runs(self.site), record.submitted_us, record.run)
        yield self._entry(keys.changes(self.site), change, CHANGES_KEPT)
        if record.state in FINAL:
            for queue in queues(self.site, record.workload):
                yield ("SREM", queue, record.run)
        if record.ended_us is not None:
            yield self.for_history(RunEnded(run=record.run))

    def _added(self, key: str, message: object, kept: int) -> Command:
        return self._entry(key, codec.fields(message), kept)

    @staticmethod
    def _entry(key: str, fields: codec.Fields, kept: int) -> Command:
        return ("XADD", key, "MAXLEN", "~", kept, "*", *fields)


def parts(commands: Iterable[Command]) -> Iterator[list[Command]]:
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
