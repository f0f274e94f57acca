"""Questions to the controller that change nothing, and their answers."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import dataclass, replace

from api.store import codec
from api.store.connection import LONGEST_BLOCK_MS
from api.store.log import FIRST
from api.store.runs import Runs, StoredRun
from scheduler.control.events import EVENT_TYPES, Event, RunSubmitted
from scheduler.control.forecast.costs import CostQuestion
from scheduler.control.records import Preview, RunRecord, RunStory
from scheduler.control.records.costs import KnownCost
from scheduler.model import errors, keys
from scheduler.model.errors import FjordError, Unavailable

QUESTIONS_KEPT = 1_000
"""More than a controller lets wait: older ones were given up by those who asked."""
REPLY_KEPT_MS = 30_000
"""An answer that nobody fetched is gone after this time."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A question that only the controller can answer: a dry run, costs, the state of a run.

    Parameters
    ----------
    submission, costs, run
        One of them.
    is_story
        True if the story of the run is wanted, and not its record.
    expires_us
        After this time nobody waits for the answer.
    """

    id: str
    expires_us: int
    submission: RunSubmitted | None = None
    costs: CostQuestion | None = None
    run: str = ""
    is_story: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """The answer, or the error of the controller: name of its class, message and field.

    Parameters
    ----------
    record
        Of a run, with its open operations; ``None`` if the controller does not know it.
    story
        Of a run up to now; ``None`` if the controller does not know it, or knows of no transition.
    """

    preview: Preview | None = None
    costs: tuple[KnownCost, ...] = ()
    record: RunRecord | None = None
    story: RunStory | None = None
    error: str = ""
    message: str = ""
    field: str = ""

    @classmethod
    def refused(cls, error: FjordError) -> Answer:
        """The answer that makes the asking side raise the same error."""
        return cls(error=type(error).__name__, message=error.message, field=error.field)

    def unwrap(self) -> Answer:
        """The answer, or the error raised."""
        if not self.error:
            return self
        raise getattr(errors, self.error, FjordError)(self.message, field=self.field)


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """The place up to which a controller has read: ids of the last event and the last question."""

    event: str = FIRST
    question: str = FIRST


@dataclass(frozen=True, slots=True, kw_only=True)
class Inbox:
    """Events and questions that came for the controller, and the position after them.

    Parameters
    ----------
    events
        With their ids; each is read when it is asked for, since a page of large ones takes long.
    """

    events: Iterator[tuple[str, Event]]
    questions: list[Question]
    position: Position


class Questions(Runs):
    """Ask the controller in office."""

    async def ask(self, submission: RunSubmitted, timeout_s: float) -> Preview:
        """Ask the controller in office for its prediction of a run, without submitting it.

        Raises
        ------
        Unavailable
            If no controller answers in time.
        InvalidInput
            If it refuses the submission.
        """
        answer = await self._ask(timeout_s, submission=submission)
        if answer.preview is None:
            raise Unavailable("the controller in office answers no such question")
        return answer.preview

    async def ask_costs(self, question: CostQuestion, timeout_s: float) -> tuple[KnownCost, ...]:
        """Ask the controller in office for its predictions of work beside an assumed load.

        Raises
        ------
        Unavailable
            If no controller answers in time.
        """
        return (await self._ask(timeout_s, costs=question)).costs

    async def present(self, run_id: str, timeout_s: float) -> StoredRun | None:
        """A run as it is now; `None` if there is no such run.

        The controller says of what has not ended where it would run by the plan in force and why.
        If no controller answers in time, the run is as its record has it.
        """
        found = await self.stored(run_id)
        if found is None or found.record.ended_us is not None:
            return found
        try:
            now = (await self._ask(timeout_s, run=run_id)).record
        except Unavailable:
            return found
        if now is None:
            return found
        if now.ended_us is not None:
            return await self.stored(run_id)
        still_open = {op.order: codec.encode(op) for op in now.operations}
        return StoredRun(
            record=replace(now, operations=()), operations=found.operations | still_open
        )

    async def story(self, run_id: str, timeout_s: float) -> RunStory | None:
        """The story of a run up to now; ``None`` if there is no such run.

        Raises
        ------
        Unavailable
            If the run has not ended, and no controller answers in time: only it knows the story.
        """
        found = await self.with_story(run_id)
        if found is None:
            return None
        record, story = found
        if story is None and record.ended_us is None:
            story = (await self._ask(timeout_s, run=run_id, is_story=True)).story
        return story or RunStory(run=run_id, submitted_us=record.submitted_us)

    async def _ask(
        self,
        timeout_s: float,
        *,
        submission: RunSubmitted | None = None,
        costs: CostQuestion | None = None,
        run: str = "",
        is_story: bool = False,
    ) -> Answer:
        question = Question(
            id=uuid.uuid4().hex,
            expires_us=self.now_us() + int(timeout_s * 1_000_000),
            submission=submission,
            costs=costs,
            run=run,
            is_story=is_story,
        )
        reply = keys.reply(self.site, question.id)
        key = keys.queries(self.site)
        await self.call("XADD", key, "MAXLEN", "~", QUESTIONS_KEPT, "*", *codec.fields(question))
        wait_s = min(timeout_s, LONGEST_BLOCK_MS / 1000)
        found = await self.block(wait_s, "BLPOP", reply, wait_s)
        if found is None:
            raise Unavailable(f"no controller answered within {timeout_s:g} s")
        return codec.decode(Answer, found[1]).unwrap()

    async def reply(self, question: Question, answer: Answer) -> None:
        """Answer a question."""
        key = keys.reply(self.site, question.id)
        await self.together(("RPUSH", key, codec.encode(answer)), ("PEXPIRE", key, REPLY_KEPT_MS))

    async def inbox(self, position: Position, *, block_ms: int | None, count: int = 1000) -> Inbox:
        """Read the news for the controller after that position, over both streams at once."""
        log, asked = keys.events(self.site), keys.queries(self.site)
        after = {log: position.event, asked: position.question}
        found = await self.read(after, block_ms=block_ms, count=count)
        questions = codec.entries(found.get(asked, []), {"Question": Question})
        return Inbox(
            events=codec.each_entry(found.get(log, []), EVENT_TYPES),
            questions=[question for _, question in questions],
            position=Position(
                event=_last_id(found.get(log), position.event),
                question=_last_id(found.get(asked), position.question),
            ),
        )


def _last_id(found: list[codec.RawEntry] | None, before: str) -> str:
    # Unreadable entries count too: the reader must get past them.
    return found[-1][0].decode() if found else before
