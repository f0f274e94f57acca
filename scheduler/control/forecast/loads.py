"""Loads that machines will be under: those that the plan causes, and those seen of late."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain
from math import log

from scheduler.control.state.fleet import LiveMachine
from scheduler.control.state.operations import PENDING, LiveRun, is_ready
from scheduler.control.state.queries import kind_of
from scheduler.control.state.state import State
from scheduler.model.measuring import IDLE, Kind, Load, Neighbour

FUNCTION_PROVIDER = "python"
"""Stands for the provider of a function."""
FRESH_US = 5_000_000
"""Foreign load that an agent saw is expected to last no longer than this."""
PACE_STEP = 1.1
DECADE = 10.0
"""Steps in which the pace of a core, and the rest before a run, are told apart."""
MOST_NEIGHBOURS = 4
"""More than these do no further harm, as far as costs are known."""
MOST_LOADS = 1_000
"""Loads that are told apart by number before the counting begins anew."""


def foresee(state: State, extra: Iterable[LiveRun] = ()) -> None:
    """Work out the load of every machine, as the plan in force and the pending work will cause it.

    A lane is busy when it runs something or has something planned; all are, when more is ready to
    run than there are lanes. What is foreign is expected to stay as it was seen a moment ago.
    `extra` runs are counted in although they were not accepted.
    """
    per_agent: dict[str, list[tuple[str, Neighbour]]] = {}
    all_busy = _is_everything_needed(state, extra)
    for name, live in state.machines.items():
        neighbour = _neighbour(state, name, live, all_busy)
        if neighbour is not None:
            per_agent.setdefault(live.agent, []).append((name, neighbour))
    found = {
        name: _load(state, name, per_agent.get(live.agent, ()))
        for name, live in state.machines.items()
    }
    if found != state.foreseen:
        state.foreseen = found
        state.load_keys = _numbers(state, found.values())


def _numbers(state: State, loads: Iterable[Load]) -> tuple[int, ...]:
    """Numbers that stand for loads: quicker to compare, as a part of the key of options."""
    if len(state.loads_seen) > MOST_LOADS:
        state.loads_seen.clear()
        state.options.clear()
    seen = state.loads_seen
    return tuple([seen.setdefault(load, len(seen)) for load in loads])


def _is_everything_needed(state: State, extra: Iterable[LiveRun]) -> bool:
    lanes = sum(live.is_up for live in state.machines.values())
    ready = 0
    for run in chain(extra, state.index.by_urgency()):
        if run.kind != "run":
            continue
        for op in run.open.values():
            ready += op.state in PENDING and is_ready(op)
            if ready > lanes:
                return True
    return False


def _neighbour(state: State, name: str, live: LiveMachine, all_busy: bool) -> Neighbour | None:
    """The neighbour that the others on the box have on that machine."""
    queue = state.plan.queues.get(name)
    work = live.running or (queue[0] if queue else "")
    if work:
        return kind_of(state, state.operations[work])
    if all_busy and live.is_up:
        return Neighbour(kind=Kind.UNKNOWN, provider="")
    return None


def _load(state: State, name: str, busy: list[tuple[str, Neighbour]] | tuple[()]) -> Load:
    neighbours = tuple([neighbour for other, neighbour in busy if other != name])
    neighbours = neighbours[:MOST_NEIGHBOURS]
    at_us, seen = state.sensed.get(name, (0, IDLE))
    if seen is IDLE or state.now_us - at_us > FRESH_US:
        return Load(neighbours=neighbours) if neighbours else IDLE
    return Load(
        neighbours=neighbours,
        utilisation=round(4 * seen.utilisation) / 4,
        foreign=round(seen.foreign, 1),
        contention=round(seen.contention, 1),
        memory_pressure=round(seen.memory_pressure, 1),
        frequency=round(seen.frequency, 1),
        pace_ns=_in_steps(seen.pace_ns),
        throttled=seen.throttled,
        idle_us=_in_steps(seen.idle_us, DECADE),
    )


def _in_steps(value: int, step: float = PACE_STEP) -> int:
    """The nearest power of the step: loads that differ by less are the same, and remembered."""
    return round(step ** round(log(value, step))) if value > 0 else 0
