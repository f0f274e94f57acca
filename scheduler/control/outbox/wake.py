"""The next time at which the brain has something to do though nothing happens."""

from __future__ import annotations

from collections.abc import Iterable

from scheduler.control.commands import WakeAt
from scheduler.control.planning.backfilling import ends_us
from scheduler.control.planning.preemption import look_again_us
from scheduler.control.state.runs import forget_at_us
from scheduler.control.state.state import State, Turn


def wake(state: State, turn: Turn, due_us: Iterable[int | None]) -> None:
    """Ask to be woken for the next thing to do: a deadline, a plan to make anew, a run to forget.

    Parameters
    ----------
    due_us
        Times at which handlers have something to do; ``None`` for one that has nothing.
    """
    times = [state.deadlines[0][0]] if state.deadlines else []
    if state.ended:
        times.append(forget_at_us(state, state.ended[0]))
    stale_us = state.plan.stale_us if state.plan.planned else None
    found = (
        *due_us,
        look_again_us(state),
        stale_us,
        state.suspicions.due_us(),
        state.ageing.due_us,
    )
    times += [each_us for each_us in found if each_us is not None]
    times += ends_us(state)
    alive = (agent for agent in state.agents.values() if agent.is_alive)
    times += [agent.release_by_us for agent in alive if agent.release_by_us is not None]
    # Also a later one: a wake-up for nothing costs the store two syncs, in which others wait.
    if times and min(times) != state.wake_us:
        state.wake_us = min(times)
        turn.commands.append(WakeAt(at_us=state.wake_us))
