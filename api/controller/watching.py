"""The loop that looks after agents: those that went silent are declared lost."""

from __future__ import annotations

import asyncio
import time
from functools import partial
from typing import TYPE_CHECKING

from api.controller.fenced import FencedStore
from api.controller.settings import ControllerSettings
from api.controller.silence import Silence
from scheduler.model.errors import Unavailable
from scheduler.model.messages import AgentLost

if TYPE_CHECKING:
    from scheduler.control.brain import Brain


class AgentWatch:
    """Looks for the heartbeats of the agents that a brain knows."""

    def __init__(self, settings: ControllerSettings) -> None:
        self._period_s = settings.heartbeat_s
        self._silence = Silence(
            period_s=settings.heartbeat_s, misses=settings.misses, grace_s=settings.grace_s
        )

    def slept(self) -> None:
        """The store was away, or this process: nobody could show or see a sign of life."""
        self._silence.slept(_awake_s())

    async def work(self, brain: Brain, store: FencedStore) -> None:
        """Tell the brain of agents that went silent, until cancelled."""
        while True:
            await asyncio.sleep(self._period_s)
            joined = brain.agents()
            try:
                alive = await store.plain.heartbeats(list(joined))
            except Unavailable:
                self.slept()
                continue
            for agent, incarnation in self._silence.look(_awake_s(), joined, alive):
                at_us = store.plain.now_us()
                lost = AgentLost(at_us=at_us, agent=agent, incarnation=incarnation)
                await store.fenced(partial(store.plain.declare_lost, store.lease, lost))


def _awake_s() -> float:
    """Seconds of a clock that also counts while this computer sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))
