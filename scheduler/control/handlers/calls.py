"""Leases for calls: granted when they are wanted, kept true to the fleet, and accounted."""

from __future__ import annotations

from scheduler.control.commands import TellLease
from scheduler.control.events import CallsWanted
from scheduler.control.forecast.call_places import call_places, call_query, predicted
from scheduler.control.forecast.refusals import absence_of
from scheduler.control.records.costs import PredictedActual
from scheduler.control.state.leases import LiveLease
from scheduler.control.state.queries import forget_options_of_models, seen_load
from scheduler.control.state.state import State, Turn
from scheduler.control.state.transitions import called
from scheduler.model.messages import CallLease, CallsReported


def wanted(state: State, turn: Turn, event: CallsWanted) -> None:
    """Grant a lease, or renew it; where calls can go nowhere, it is told with no places."""
    if event.digest not in state.models:
        return
    key = (event.digest, event.box, event.band)
    lease = state.leases.live.get(key)
    if lease is None:
        state.leases.granted += 1
        lease = state.leases.live[key] = LiveLease(
            id=f"l-{state.leases.granted}",
            digest=event.digest,
            box=event.box,
            band=event.band,
            lanes=0,
            until_us=0,
        )
    lease.lanes = max(1, event.lanes)
    lease.until_us = event.at_us + state.settings.lease_us
    _choose(state, lease)


def reported(state: State, turn: Turn, event: CallsReported) -> None:
    """Account for calls: time of their machine, accuracy, and what the oracle learns from them."""
    for name, count in (
        ("calls", event.done),
        ("calls_failed", event.failed),
        ("calls_refused", event.refused),
        ("calls_late", event.late),
    ):
        state.count(name, count)
    waited_us = state.counters.get("call_revocation_us", 0)
    state.counters["call_revocation_us"] = max(waited_us, event.revocation_us)
    live = state.machines.get(event.machine)
    if live is None:
        return
    called(live, event)
    state.leases.served.append(event)
    state.allowance.earn(event.busy_us)
    if event.digest in state.models and event.p50_us:
        _learn(state, event)


def look(state: State, turn: Turn) -> None:
    """End leases whose time or model is gone, choose anew where a machine is, and tell changes."""
    for key, lease in list(state.leases.live.items()):
        if lease.until_us <= state.now_us or lease.digest not in state.models:
            lease.places, lease.until_us = (), min(lease.until_us, state.now_us)
            _tell(state, turn, lease)
            del state.leases.live[key]
            continue
        if any(_is_gone(state, place.machine) for place in lease.places):
            _choose(state, lease)
        _tell(state, turn, lease)


def _choose(state: State, lease: LiveLease) -> None:
    held = {place.machine for place in lease.places}
    lease.places = call_places(state, lease.digest, lease.box, lease.lanes, held)


def _is_gone(state: State, machine: str) -> bool:
    live = state.machines.get(machine)
    return live is None or absence_of(state, live)[0] is not None


def _tell(state: State, turn: Turn, lease: LiveLease) -> None:
    """Tell a lease to the API processes of its box and to the agents of its machines, if new."""
    now = CallLease(
        id=lease.id,
        epoch=state.epoch,
        digest=lease.digest,
        box=lease.box,
        band=lease.band,
        places=lease.places,
        until_us=lease.until_us,
    )
    before = lease.told
    if now == before:
        return
    lease.told = now
    turn.commands.append(TellLease(lease=now))
    places = (*now.places, *(before.places if before is not None else ()))
    for name in (place.machine for place in places):
        if name in state.machines:
            turn.resend[state.machines[name].agent] = None


def _learn(state: State, event: CallsReported) -> None:
    """Hold the median of a batch against its prediction, and let the oracle follow it."""
    cost = predicted(state, event.digest, event.machine, event.provider)
    if cost is not None:
        pair = PredictedActual(
            at_us=event.at_us,
            operation=f"{event.lease}/{event.machine}",
            work=next(iter(state.models[event.digest].names)),
            machine=event.machine,
            provider=event.provider,
            provenance=cost.provenance.value,
            p50_us=cost.p50_us,
            p95_us=cost.p95_us,
            actual_us=event.p50_us,
        )
        state.accuracy.add(pair)
    asked = call_query(state, event.digest, event.machine, event.provider)
    load = seen_load(state, event.machine)
    state.oracle.observe(asked, event.p50_us, load=load, at_us=event.at_us, load_us=event.load_us)
    forget_options_of_models(state, {event.digest: None})
