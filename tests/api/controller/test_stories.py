"""Stories from the brain to the store: they go out with the end, and are asked for before."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from api.store import Store
from scheduler.control.records import RunState, RunStory, Trigger
from scheduler.model.errors import Unavailable
from scheduler.model.messages import FailureReason, OperationFailed
from tests.api.controller.conftest import Running
from tests.api.controller.test_controller import Eventually, Submit, has_plan, is_run, working
from tests.api.hand_agent import HandAgent

pytestmark = pytest.mark.anyio


async def lose_first(agent: HandAgent) -> None:
    """Report that the first attempt that the agent was sent is lost."""
    (dispatch, *_) = agent.plans[-1].queues["a/cpu0"]
    agent.finished.add((dispatch.operation, dispatch.attempt))
    await agent.store.append(
        OperationFailed(
            at_us=agent.store.now_us(),
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            run=dispatch.run,
            machine=dispatch.machine,
            reason=FailureReason.CANCELLED,
            message="stopped by hand",
        )
    )


def told(story: RunStory | None) -> list[tuple[str, int, Trigger]]:
    assert story is not None
    return [(line.operation, line.attempt, line.trigger) for line in story.lines]


def is_told(store: Store, run: str, trigger: Trigger) -> Callable[[], Awaitable[bool]]:
    async def condition() -> bool:
        story = await store.story(run, 10.0)
        return story is not None and any(line.trigger is trigger for line in story.lines)

    return condition


async def test_a_run_that_was_tried_again_leaves_its_story_with_the_record_of_its_end(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async with running():
        await agent.join()
        await submit("r-1")
        await eventually(has_plan(agent, epoch=1))
        assert ("r-1/s0", 1, Trigger.SENT) in told(await store.story("r-1", 10.0))
        await lose_first(agent)
        await eventually(is_told(store, "r-1", Trigger.LOST))
        assert await store.with_story("r-1") == (await store.summary("r-1"), None)
        async with working(agent):
            await eventually(is_run(store, "r-1", RunState.FINISHED))
    # Nobody is in office any more: it is as it was written.
    lines = told(await store.story("r-1", 10.0))
    assert lines[0] == ("", 0, Trigger.SUBMITTED)
    first, second = ("r-1/s0", 1, Trigger.LOST), ("r-1/s0", 2, Trigger.FINISHED)
    assert lines.index(first) < lines.index(second)
    assert lines[-1] == ("", 0, Trigger.FINISHED)


async def test_the_next_controller_writes_the_story_of_a_run_that_ended_between_two(
    store: Store, running: Running, agent: HandAgent, submit: Submit, eventually: Eventually
) -> None:
    async with running():
        await agent.join()
        await submit("r-1")
        await eventually(has_plan(agent, epoch=1))
    for plan in agent.plans[-1:]:
        await agent.carry_out(plan)
    async with running(), working(agent):
        await eventually(is_run(store, "r-1", RunState.FINISHED))
    lines = told(await store.story("r-1", 10.0))
    assert (lines[0][2], lines[-1][2]) == (Trigger.SUBMITTED, Trigger.FINISHED)


async def test_the_story_of_a_run_that_lives_is_not_to_be_had_without_a_controller(
    store: Store, running: Running, submit: Submit, eventually: Eventually
) -> None:
    async with running():
        await submit("r-1")
        await eventually(is_run(store, "r-1", RunState.QUEUED))
    with pytest.raises(Unavailable, match="no controller answered"):
        await store.story("r-1", 0.01)
    assert await store.story("r-9", 0.01) is None
