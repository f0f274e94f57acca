"""The loops that write for people: the view of the site, and the report on costs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace
from typing import TYPE_CHECKING

from api.controller.fenced import FencedStore
from api.controller.settings import ControllerSettings
from api.learning.learning import CostLearning
from api.process.stalls import LoopStalls
from api.store import Batch
from scheduler.control.records import SiteView
from scheduler.control.records.plans import PlanRecord, shown

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

VIEW_SHARE = 0.05
"""Views take no more than this of the time, and reports on costs neither: a large site, or a slow
box, shows less of them."""


class Views:
    """Writes the view of the site after changes, but not more often than it can be seen."""

    def __init__(
        self, store: FencedStore, settings: ControllerSettings, stalls: LoopStalls
    ) -> None:
        self._store = store
        self._settings = settings
        self._stalls = stalls
        self._changed = asyncio.Event()
        self._kept: PlanRecord | None = None

    def changed(self) -> None:
        """There is something new to see."""
        self._changed.set()

    async def work(self, brain: Brain) -> None:
        """Write views until cancelled."""
        settings, store = self._settings, self._store
        while True:
            await self._changed.wait()
            await asyncio.sleep(settings.view_s)
            if not await store.insist(store.plain.is_watched):
                await asyncio.sleep(settings.unwatched_view_s - settings.view_s)
            self._changed.clear()
            began_s = time.perf_counter()
            view = brain.view(store.plain.now_us())
            took_s = time.perf_counter() - began_s
            self._stalls.took(took_s, "a view")
            await store.commit(Batch(view=view, history=self._shown(view)))
            await asyncio.sleep(max(0.0, took_s / VIEW_SHARE - settings.view_s))

    def _shown(self, view: SiteView) -> tuple[PlanRecord, ...]:
        """The plan that a view shows, if it is a new one and the last was kept a while ago."""
        plan = shown(view)
        last, pause_us = self._kept, self._settings.unwatched_view_s * 1_000_000
        if plan is None:
            return ()
        if last is not None and (
            plan.version == last.version or plan.at_us - last.at_us < pause_us
        ):
            return ()
        self._kept = plan
        return (plan,)


class CostReports:
    """Writes the report on costs after changes of the site, or of learning."""

    def __init__(
        self,
        store: FencedStore,
        settings: ControllerSettings,
        stalls: LoopStalls,
        learning: CostLearning | None,
    ) -> None:
        self._store = store
        self._pause_s = settings.costs_s
        self._stalls = stalls
        self._learning = learning
        self._changed = asyncio.Event()

    def changed(self) -> None:
        """There is something new to report."""
        self._changed.set()

    async def work(self, brain: Brain) -> None:
        """Write reports until cancelled."""
        while True:
            await self._changed.wait()
            self._changed.clear()
            began_s = time.perf_counter()
            costs = brain.costs(self._store.plain.now_us())
            took_s = time.perf_counter() - began_s
            self._stalls.took(took_s, "a report on costs")
            if self._learning is not None:
                costs = replace(costs, learning=self._learning.report)
            await self._store.commit(Batch(costs=costs))
            await asyncio.sleep(max(self._pause_s, took_s / VIEW_SHARE))
