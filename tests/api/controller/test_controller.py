from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import replace

import pytest

from api.controller.controller import Controller
from api.store import Lease, Store
from api.wiring import build_brain
from scheduler.control.brain import Brain
from scheduler.control.commands import Command, RecordRun
from scheduler.control.events import ControllerStarted, Event, RunSubmitted
from scheduler.control.records import RunState
from scheduler.model import keys
from scheduler.model.errors import UnknownName
from scheduler.model.messages import AgentLost
from tests.api.hand_agent import SMALL, HandAgent

pytestmark = pytest.mark.anyio

Condition = Callable[[], Awaitable[bool]]
Eventually = Callable[[Condition], Awaitable[None]]
Submit = Callable[..., Awaitable[None]]
Running = Callable[..., AbstractAsyncContextManager[Controller]]


@asynccontextmanager
async def working(agent: HandAgent) -> AsyncIterator[None]:
    task = asyncio.create_task(agent.work_forever())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def is_run(store: Store, run: str, state: RunState) -> Condition:
    async def condition() -> bool:
        record = await store.run(run)
        return record is not None and record.state is state

    return condition


def has_plan(agent: HandAgent, epoch: int) -> Condition:
    async def condition() -> bool:
        await agent.next_plans()
        return any(plan.epoch >= epoch and any(plan.queues.values()) for plan in agent.plans)

    return condition


def in_office(controller: Controller) -> Condition:
    async def condition() -> bool:
        return controller.status.in_office

    return condition


async def usurped(store: Store) -> Lease:
    """As after a longer pause of the process: the lease runs out, another takes it."""
    # At one stroke: the holder would have it back in between.
    _, epoch, _ = await store.together(
        ("DEL", keys.lease(store.site)),
        ("INCR", keys.epoch(store.site)),
        ("SET", keys.lease(store.site), "usurper:2", "PX", 60_000),
    )
    assert epoch == 2
    return Lease(controller="usurper", epoch=epoch)


async def logged(store: Store, kind: type[Event]) -> list[Event]:
    return [event for _, event in await store.events() if isinstance(event, kind)]


async def test_run_goes_from_the_log_to_an_agent_and_back(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async with running(), working(agent):
        await agent.join()
        await submit("r-1")
        await eventually(is_run(store, "r-1", RunState.FINISHED))
    record = await store.run("r-1")
    assert record is not None
    assert [op.operation for op in record.operations] == ["r-1/s0", "r-1/s1", "r-1/s2"]
    assert list(record.outputs) == ["y"]


async def test_fold_of_the_log_is_what_was_shown(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    runs = [f"r-{number}" for number in range(5)]
    async with running(), working(agent):
        await agent.join()
        for run in runs:
            await submit(run)
        for run in runs:
            await eventually(is_run(store, run, RunState.FINISHED))
    brain = build_brain()
    for _, event in await store.events():
        brain.handle(event)
    for run in runs:
        folded = brain.record(run)
        assert folded is not None
        assert replace(folded, operations=()) == await store.summary(run)


async def test_next_controller_folds_the_log_and_sends_the_plans_again(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async with running():
        await agent.join()
        await submit("r-1")
        await eventually(has_plan(agent, epoch=1))
    async with running() as second:
        await eventually(in_office(second))
        assert second.status.epoch == 2
        await eventually(has_plan(agent, epoch=2))
        for plan in agent.plans[-1:]:
            await agent.carry_out(plan)
        async with working(agent):
            await eventually(is_run(store, "r-1", RunState.FINISHED))
    epochs = [e.epoch for e in await logged(store, ControllerStarted) if hasattr(e, "epoch")]
    assert epochs == [1, 2]


async def test_controller_whose_lease_was_taken_falls_silent(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async with running() as controller:
        await eventually(in_office(controller))
        usurper = await usurped(store)
        await agent.join()
        await submit("r-1")

        async def silent() -> bool:
            return not controller.status.in_office

        await eventually(silent)
        assert await agent.next_plans() == []
        await store.resign(usurper)
        await eventually(has_plan(agent, epoch=3))


async def test_event_that_breaks_the_brain_stops_nobody_else(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    class Fragile(Brain):
        def handle(self, event: Event) -> list[Command]:
            if isinstance(event, RunSubmitted) and event.run == "r-bad":
                # Half of a change is made when it breaks.
                self.state.sequence += 100
                raise ZeroDivisionError
            return super().handle(event)

    def fragile() -> Brain:
        whole = build_brain().state
        return Fragile(oracle=whole.oracle, solvers=whole.solvers)

    async with running(fragile) as controller, working(agent):
        await agent.join()
        for run in ("r-1", "r-bad", "r-2"):
            await submit(run)
        for run in ("r-1", "r-2"):
            await eventually(is_run(store, run, RunState.FINISHED))
        assert controller.status.defects == 1
    bad = await store.run("r-bad")
    assert bad is not None
    assert (bad.state, bad.reason) == (RunState.FAILED, "invalid")


async def test_event_whose_effects_cannot_be_written_stops_nobody_else(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    class Odd(Brain):
        def handle(self, event: Event) -> list[Command]:
            commands = super().handle(event)
            if isinstance(event, RunSubmitted) and event.run == "r-bad":
                record = self.record(event.run)
                assert record is not None
                odd = replace(record, detail=object())  # type: ignore[arg-type]
                return [*commands, RecordRun(record=odd)]
            return commands

    def odd() -> Brain:
        whole = build_brain().state
        return Odd(oracle=whole.oracle, solvers=whole.solvers)

    async with running(odd), working(agent):
        await agent.join()
        await submit("r-1")
        await eventually(is_run(store, "r-1", RunState.FINISHED))
        await submit("r-bad")
        await submit("r-2")
        await eventually(is_run(store, "r-2", RunState.FINISHED))
        await eventually(is_run(store, "r-bad", RunState.FAILED))
    (aside,) = await store.set_aside()
    assert aside.run == "r-bad"


async def test_silent_agent_is_lost_and_may_come_back(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async def lost() -> bool:
        return bool(await logged(store, AgentLost))

    async with running() as controller:
        await agent.join()
        await eventually(in_office(controller))
        await agent.die()
        await eventually(lost)
        again = HandAgent(store, incarnation="2")
        await again.join()
        async with working(again):
            await submit("r-1")
            await eventually(is_run(store, "r-1", RunState.FINISHED))
    assert len(await logged(store, AgentLost)) == 1


async def test_brain_is_woken_when_it_asked_for_it(
    store: Store, running: Running, submit: Submit, eventually: Eventually
) -> None:
    async with running():
        # Nobody could run it; only the clock can end it.
        await submit("r-1", deadline_us=store.now_us() + 50_000)
        await eventually(is_run(store, "r-1", RunState.FAILED))
    record = await store.run("r-1")
    assert record is not None
    assert record.reason == "deadline"


async def test_dry_run_is_answered_and_changes_nothing(
    store: Store, running: Running, agent: HandAgent, submit: Submit
) -> None:
    async with running():
        await agent.join()
        await submit("r-1")
        question = RunSubmitted(
            at_us=store.now_us(), run="r-2", workload="chain@1", inputs={"x": SMALL}
        )
        preview = await store.ask(question, 10.0)
        assert preview.record.run == "r-2"
        assert 0 < preview.bound_us <= preview.makespan_us
        with pytest.raises(UnknownName, match="workload must be one of"):
            await store.ask(replace(question, workload="nothing@1"), 10.0)
    assert [record.run for record in await store.runs()] == ["r-1"]


async def test_view_shows_the_end_of_all_activity(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async def shown() -> bool:
        view = await store.view()
        return view is not None and view.counters.get("runs_finished") == 1

    async with running(), working(agent):
        await agent.join()
        await submit("r-1")
        await eventually(shown)
    view = await store.view()
    assert view is not None
    assert [run.state for run in view.runs] in ([], [RunState.FINISHED])
