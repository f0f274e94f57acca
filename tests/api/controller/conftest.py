from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from api.controller.controller import Controller
from api.controller.settings import ControllerSettings
from api.controller.solver_process import SolverProcess
from api.process.stalls import LoopStalls
from api.store import Store
from api.wiring import build_brain
from scheduler.control.brain import Brain, BrainSettings
from scheduler.control.events import RunSubmitted, WorkloadAdded
from scheduler.model.problem import Band
from scheduler.portfolio import warm_up
from tests.api.hand_agent import SMALL, HandAgent, chain

FAST = ControllerSettings(lease_ms=600, standby_s=0.02, heartbeat_s=0.05, view_s=0.01)


@pytest.fixture
async def agent(store: Store) -> HandAgent:
    return HandAgent(store)


@pytest.fixture
async def submit(store: Store) -> Callable[..., Awaitable[None]]:
    added = WorkloadAdded(at_us=store.now_us(), workload=chain())
    await store.append(added)

    async def send(run: str, deadline_us: int | None = None, band: Band = Band.NORMAL) -> None:
        await store.submit(
            RunSubmitted(
                at_us=store.now_us(),
                run=run,
                workload=added.workload.key,
                inputs={"x": SMALL},
                deadline_us=deadline_us,
                band=band,
            )
        )

    return send


Running = Callable[..., AbstractAsyncContextManager[Controller]]


@pytest.fixture(scope="session")
def compiled() -> None:
    """As in a service, a brain in office never waits for a compiler: it would lose its lease."""
    warm_up(names=(BrainSettings().placement,))


@pytest.fixture
def running(store: Store, compiled: None) -> Running:
    """Run a candidate for the office: `async with running() as controller`."""

    @asynccontextmanager
    async def run(
        make_brain: Callable[[], Brain] = build_brain, settings: ControllerSettings = FAST
    ) -> AsyncIterator[Controller]:
        async with SolverProcess() as solver:
            stalls = LoopStalls()
            controller = Controller(store, make_brain, solver, stalls, settings)
            tasks = [asyncio.create_task(stalls.watch()), asyncio.create_task(controller.run())]
            try:
                yield controller
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)

    return run
