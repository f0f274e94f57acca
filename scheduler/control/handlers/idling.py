"""When a machine has been idle long enough to measure on it what nobody asked for."""

from __future__ import annotations

from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.state import State


def gap_due_us(state: State) -> int | None:
    """When the next machine is to be looked at; ``None`` while there is nothing to look for."""
    # Asked after each event: a look at what is busy must cost next to nothing.
    idle = [
        (name, live)
        for name, live in state.machines.items()
        if live.has_gaps and not live.running and not live.queue
    ]
    times = [idle_from_us(state, name, live) for name, live in idle]
    return min((time_us for time_us in times if time_us is not None), default=None)


def idle_from_us(state: State, name: str, live: LiveMachine) -> int | None:
    """From when on a machine may be measured on; ``None`` if it is busy or nothing calls for it."""
    settings = state.settings
    if not live.has_gaps or settings.fill_share <= 0 or not live.is_up:
        return None
    agent = state.agents[live.agent]
    is_busy = live.running or live.queue or state.plan.queues.get(name)
    if is_busy or not agent.takes_work or name in state.suspicions.of:
        return None
    # One at a time: what waits to be measured already is enough.
    if state.index.profiles:
        return None
    return max(live.free_us + settings.fill_idle_us, live.fill_from_us)


def charge(state: State, machine: str, took_us: int) -> None:
    """Keep a machine from being measured on again before its share of time allows it."""
    live, share = state.machines.get(machine), state.settings.fill_share
    if live is not None and share > 0:
        live.fill_from_us = state.now_us + round(took_us * (1.0 / share - 1.0))
