"""Places for calls of a model on one box: the fastest, and of those that are alike the warm."""

from __future__ import annotations

from collections.abc import Container

from scheduler.control.forecast.refusals import absence_of
from scheduler.control.state.sessions import session_key
from scheduler.control.state.state import State
from scheduler.model.measuring import IDLE
from scheduler.model.messages import CallPlace, Profile, Verdict, WorkKind
from scheduler.model.ports import CostQuery, Prediction

ALIKE = 1.25
"""Predictions within this factor of the best are alike: other things decide among these."""


def call_query(state: State, digest: str, machine: str, provider: str) -> CostQuery:
    """The question to the oracle about a call of a model that is known, in one place."""
    load = state.foreseen.get(machine, IDLE)
    return CostQuery(
        kind=WorkKind.MODEL,
        name=next(iter(state.models[digest].names)),
        digest=digest,
        variant="",
        machine=machine,
        provider=provider,
        busy_machines=len(load.neighbours),
        load=load,
    )


def predicted(state: State, digest: str, machine: str, provider: str) -> Prediction | None:
    """Duration of a call in one place; ``None`` if nothing is known."""
    (found,) = state.oracle.predict([call_query(state, digest, machine, provider)])
    return found


def call_places(
    state: State, digest: str, box: str, lanes: int, held: Container[str]
) -> tuple[CallPlace, ...]:
    """The best places for calls, one a machine, so many at most; none where nothing is measured.

    Parameters
    ----------
    held
        Machines that have the lease already: among those that are alike they stay.
    """
    best = _best_by_machine(state, digest, box)
    fastest_us = min((place.expected_us for place in best), default=0)

    def rank(place: CallPlace) -> tuple[bool, bool, bool, int, int, str]:
        live = state.machines[place.machine]
        is_cold = session_key(live, digest, place.provider, ()) not in live.sessions
        planned = len(state.plan.queues.get(place.machine, ()))
        is_slow = place.expected_us > ALIKE * fastest_us
        is_new = place.machine not in held
        return is_slow, is_new, is_cold, planned, place.expected_us, place.machine

    return tuple(sorted(best, key=rank)[:lanes])


def _best_by_machine(state: State, digest: str, box: str) -> list[CallPlace]:
    found: dict[str, CallPlace] = {}
    for profile in _usable(state, digest, box):
        machine, provider = profile.machine, profile.provider
        cost = predicted(state, digest, machine, provider)
        before = found.get(machine)
        if cost is not None and (before is None or cost.p50_us < before.expected_us):
            found[machine] = CallPlace(
                machine=machine,
                provider=provider,
                expected_us=cost.p50_us,
                share=state.settings.call_share,
                hides_nan=profile.hides_nan,
                timeout_us=state.settings.timeout_us(cost.p95_us, cost.load_us),
            )
    return list(found.values())


def _usable(state: State, digest: str, box: str) -> list[Profile]:
    """Measurements of the model on machines of a box, with the providers on which it holds."""
    return [
        profile
        for name, live in state.machines.items()
        if live.box == box and absence_of(state, live)[0] is None
        for report in live.report.providers
        if (profile := state.profiles.get((digest, name, report.provider))) is not None
        and report.verdict is Verdict.USABLE
        and profile.verdict is Verdict.USABLE
    ]
