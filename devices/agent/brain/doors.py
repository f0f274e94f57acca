"""Doors of the workers: the leases under which each takes calls, as plans tell them.

The agent starts, stops and judges workers, and gives them operations. Calls it does not see: it
tells a worker which leases hold, and hears in batches what was called. While work that is more
urgent than a lease is queued on a machine, the lease is paused there, so that no call goes between
two such operations.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable

from devices.agent.brain.instructions import AdmitCalls, Instruction, LeaseGrant
from devices.agent.brain.lane import Lane
from devices.agent.brain.needs import Needs
from scheduler.model.messages import CallLease, CallPlace

MOST_KNOWN = 256
"""Leases that are remembered after they ended: workers tell of their last calls later."""


class Doors:
    """Leases of one agent, and what its workers were told of them."""

    def __init__(self, needs: Needs) -> None:
        self._needs = needs
        self._leases: tuple[CallLease, ...] = ()
        self._known: OrderedDict[str, CallLease] = OrderedDict()
        self._told: dict[str, tuple[LeaseGrant, ...]] = {}

    def hold(self, leases: Iterable[CallLease]) -> None:
        """Take over the leases of a plan; those that it does not name have ended."""
        self._leases = tuple(leases)
        for lease in self._leases:
            self._known[lease.id] = lease
            self._known.move_to_end(lease.id)
        while len(self._known) > MOST_KNOWN:
            self._known.popitem(last=False)

    def began_anew(self, machine: str) -> None:
        """Note that the worker of a machine is a new one: it was told nothing."""
        self._told.pop(machine, None)

    def look_after(self, lane: Lane) -> list[Instruction]:
        """Tell a worker the leases that hold now, if it knows others."""
        machine = lane.report.id
        if not lane.is_ready or not (self._leases or machine in self._told):
            return []
        asked: list[Instruction] = []
        grants: list[LeaseGrant] = []
        for lease in self._leases:
            place = _place(lease, machine)
            if place is not None:
                path, missing = self._needs.model(lease.digest)
                asked += missing
                if path:
                    is_paused = any(each.dispatch.band < lease.band for each in lane.queue)
                    grants.append(
                        LeaseGrant(lease=lease, place=place, model_path=path, is_paused=is_paused)
                    )
        if tuple(grants) != self._told.get(machine, ()):
            self._told[machine] = tuple(grants)
            asked.append(AdmitCalls(machine=machine, grants=tuple(grants)))
        return asked

    def find(self, lease: str, machine: str) -> tuple[CallLease, CallPlace] | None:
        """A lease that a worker tells of, with its place there; ``None`` for one long forgotten."""
        known = self._known.get(lease)
        place = _place(known, machine) if known is not None else None
        return (known, place) if known is not None and place is not None else None


def _place(lease: CallLease, machine: str) -> CallPlace | None:
    return next((place for place in lease.places if place.machine == machine), None)
