from __future__ import annotations

import asyncio

import pytest

from api.store import Answer, Position, Store
from scheduler.control.events import RunSubmitted, Tick
from scheduler.control.records import Preview, RunRecord, RunState
from scheduler.model.errors import Unavailable, UnknownName
from scheduler.model.problem import Band

pytestmark = pytest.mark.anyio

SUBMISSION = RunSubmitted(at_us=1, run="r-1", workload="ocr@1", inputs={})
PREVIEW = Preview(
    record=RunRecord(
        run="r-1",
        kind="run",
        workload="ocr@1",
        state=RunState.QUEUED,
        band=Band.NORMAL,
        submitted_us=1,
    ),
    makespan_us=10,
    bound_us=5,
    gap=0.5,
    solver="heft",
)


async def answer_one(store: Store, answer: Answer) -> RunSubmitted:
    inbox = await store.inbox(Position(), block_ms=10_000)
    (question,) = inbox.questions
    await store.reply(question, answer)
    assert question.submission is not None
    return question.submission


async def test_answer_reaches_the_one_who_asked(store: Store) -> None:
    answering = asyncio.create_task(answer_one(store, Answer(preview=PREVIEW)))
    assert await store.ask(SUBMISSION, 10.0) == PREVIEW
    assert await answering == SUBMISSION


async def test_refusal_is_raised_where_it_was_asked(store: Store) -> None:
    refusal = Answer.refused(UnknownName("there is no workload 'ocr'", field="workload"))
    answering = asyncio.create_task(answer_one(store, refusal))
    with pytest.raises(UnknownName, match="no workload 'ocr'") as caught:
        await store.ask(SUBMISSION, 10.0)
    assert caught.value.field == "workload"
    await answering


async def test_question_without_a_controller_is_given_up(store: Store) -> None:
    with pytest.raises(Unavailable, match="no controller answered within"):
        await store.ask(SUBMISSION, 0.01)


async def test_inbox_gets_past_entries_that_cannot_be_read(store: Store, site: str) -> None:
    await store.call("XADD", f"fjord:{{{site}}}:events", "*", "t", "Nonsense")
    inbox = await store.inbox(Position(), block_ms=None)
    assert list(inbox.events) == []
    assert inbox.position != Position()
    await store.append(Tick(at_us=1))
    later = await store.inbox(inbox.position, block_ms=None)
    assert [event for _, event in later.events] == [Tick(at_us=1)]
