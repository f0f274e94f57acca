from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

import pytest

from api.controller.controller import Controller
from api.controller.intake import TURN_S
from api.store import Store
from api.wiring import build_brain
from scheduler.control.brain import Brain
from scheduler.control.commands import Command
from scheduler.control.events import ControllerStarted, Event, RunSubmitted, Tick
from scheduler.control.records import RunState
from scheduler.model import keys
from scheduler.model.messages import AgentLost
from tests.api.controller.poisoned import CODE
from tests.api.controller.test_controller import in_office, is_run, logged, working
from tests.api.hand_agent import HandAgent

pytestmark = pytest.mark.anyio

Eventually = Callable[..., Awaitable[None]]
EVENT_S = 0.005
PATIENCE_S = 90.0
"""A process of its own takes seconds to start, and more on a busy box."""
Submit = Callable[..., Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[Controller]]


async def expire(store: Store) -> None:
    """As after a pause of the process or of the store that is longer than a lease."""
    await store.call("DEL", keys.lease(store.site))


async def test_office_goes_on_where_it_was_after_its_lease_ran_out(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    runs = [f"r-{number}" for number in range(10)]
    async with running() as controller, working(agent):
        await agent.join()
        await eventually(in_office(controller))
        folded = controller.status.folded
        for run in runs:
            await submit(run)
            await expire(store)
        for run in runs:
            await eventually(is_run(store, run, RunState.FINISHED))
        assert (controller.status.epoch, controller.status.folded) == (1, folded)
        assert controller.status.in_office
    assert len(await logged(store, ControllerStarted)) == 1
    assert len(agent.finished) == 3 * len(runs)


async def test_run_that_ended_stays_as_it_ended_when_its_submission_is_left_out(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    class Changed(Brain):
        def handle(self, event: Event) -> list[Command]:
            if isinstance(event, RunSubmitted):
                raise ZeroDivisionError
            return super().handle(event)

    def changed() -> Brain:
        whole = build_brain().state
        return Changed(oracle=whole.oracle, solvers=whole.solvers)

    async def aside() -> bool:
        return bool(await store.set_aside())

    async with running(), working(agent):
        await agent.join()
        await submit("r-1")
        await eventually(is_run(store, "r-1", RunState.FINISHED))
    async with running(changed) as controller:
        await eventually(aside)
        await eventually(in_office(controller))
    assert await is_run(store, "r-1", RunState.FINISHED)()
    # The log without the event has other effects than those that were written.
    started = await logged(store, ControllerStarted)
    assert [isinstance(event, ControllerStarted) and event.says_again for event in started] == [
        True,
        True,
    ]


async def test_others_get_their_turn_during_a_fold(
    store: Store, running: Running, eventually: Eventually
) -> None:
    class Slow(Brain):
        def handle(self, event: Event) -> list[Command]:
            time.sleep(EVENT_S)
            return super().handle(event)

    def slow() -> Brain:
        whole = build_brain().state
        return Slow(oracle=whole.oracle, solvers=whole.solvers)

    longest = 0

    async def watch() -> None:
        nonlocal longest
        while True:
            before = controller.status.folded
            await asyncio.sleep(0)
            longest = max(longest, controller.status.folded - before)

    await store.append(*(Tick(at_us=number) for number in range(100)))
    async with running(slow) as controller:
        watching = asyncio.create_task(watch())
        await eventually(in_office(controller))
        watching.cancel()
    # A turn ends with the event that goes past its time.
    assert 0 < longest <= TURN_S / EVENT_S + 1


async def test_agent_that_is_back_is_not_declared_lost(store: Store, agent: HandAgent) -> None:
    lease = await store.take_lease("one", 60_000)
    assert lease is not None
    lost = AgentLost(at_us=1, agent=agent.name, incarnation=agent.incarnation)
    await agent.beat()
    await store.declare_lost(lease, lost)
    assert await logged(store, AgentLost) == []
    await agent.die()
    await store.declare_lost(lease, lost)
    assert await logged(store, AgentLost) == [lost]


@asynccontextmanager
async def poisoned(url: str, site: str, run: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """A controller that ends with its process on that run."""
    command = (sys.executable, "-m", "tests.api.controller.poisoned", url, site, run)
    process = await asyncio.create_subprocess_exec(*command, stderr=subprocess.PIPE)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def test_event_during_which_two_controllers_ended_is_set_aside(
    store: Store, store_url: str, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    await agent.join()
    async with poisoned(store_url, store.site, "r-bad") as process, working(agent):
        await submit("r-1")
        await eventually(is_run(store, "r-1", RunState.FINISHED), PATIENCE_S)
        await submit("r-bad")
        assert await process.wait() == CODE
    async with poisoned(store_url, store.site, "r-bad") as process:
        assert await process.wait() == CODE
    async with poisoned(store_url, store.site, "r-bad"), working(agent):
        await submit("r-2")
        await eventually(is_run(store, "r-2", RunState.FINISHED), PATIENCE_S)
        await eventually(is_run(store, "r-bad", RunState.FAILED), PATIENCE_S)
    (found,) = await store.set_aside()
    assert (found.event, found.run) == ("RunSubmitted", "r-bad")
    assert found.reason == "two controllers ended while they took it in"
    bad = await store.run("r-bad")
    assert bad is not None
    assert bad.reason == "invalid"
