"""The office of the controller: its lease, and writes that only its holder can make."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from api.store import codec
from api.store.batches import Batch, Batches, parts
from api.store.checkpoints import Checkpoints
from api.store.connection import Argument
from api.store.keeping import LeaseKeeper
from api.store.scripts import COMMIT, DECLARE_LOST, DROP_LEASE, HOLD_LEASE, TAKE_LEASE
from api.store.trail import SetAside, Trail
from scheduler.control.events import EVENT_TYPES, Event
from scheduler.model import keys
from scheduler.model.errors import StaleEpoch
from scheduler.model.messages import AgentLost


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """The right to write for a site, until somebody with a higher epoch has it."""

    controller: str
    epoch: int

    @property
    def value(self) -> str:
        """The value that the lease's key holds."""
        return f"{self.controller}:{self.epoch}"


class Store(Checkpoints, Batches):
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

    async def epoch_in_office(self) -> int | None:
        """Epoch of the controller that holds the lease; ``None`` if none does."""
        held = await self.call("GET", keys.lease(self.site))
        return None if held is None else int(held.rpartition(b":")[2])

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
        for commands in parts(self.commands_of(batch)):
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
        """True if somebody follows the view."""
        return bool(await self.call("EXISTS", keys.watched(self.site)))


def _require(held: bool, lease: Lease) -> None:
    if not held:
        raise StaleEpoch(f"controller {lease.controller} lost the office of epoch {lease.epoch}")
