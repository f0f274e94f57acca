"""A controller in office: one brain, one log, and the loops that keep them going.

The brain is the fold of the log, so it can be thrown away at any moment. That is also the answer
to an event that the brain cannot take in (a defect): its id is written down, the office is given
up, and whoever takes it next folds the log without that event. No handler has to undo anything.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from api.controller.effects import Effects
from api.controller.searching import search_s, with_better_bound
from api.controller.settings import ControllerSettings, ControllerStatus
from api.learning import CostLearning
from api.solver_process import SolverProcess
from api.store import Answer, Batch, Inbox, Lease, Position, Question, Store, queued
from scheduler.control.commands import RequestPlan
from scheduler.control.events import (
    ControllerStarted,
    Event,
    PlanProposed,
    RunSubmitted,
    Tick,
)
from scheduler.control.records import RunRecord, RunState
from scheduler.model.errors import Defect, FjordError, StaleEpoch, Unavailable, UnknownName
from scheduler.model.messages import AgentLost, FailureReason

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

T = TypeVar("T")
_log = logging.getLogger(__name__)

BLOCK_MS = 1_000
"""A read of the log comes back this often though nothing came."""
VIEW_SHARE = 0.05
"""Views take no more than this of the time: a large site, or a slow box, shows less of them."""
FOLD_COUNT = 256
"""Events folded in one go: the lease is renewed and requests are answered in between."""


class BrokenEvent(Defect):
    """The brain could not take in an event. It is marked: the next fold leaves it out."""


class Office:
    """What a controller does from taking office to losing it."""

    def __init__(
        self,
        store: Store,
        lease: Lease,
        make_brain: Callable[[], Brain],
        solver: SolverProcess,
        settings: ControllerSettings,
        status: ControllerStatus,
        *,
        learning: CostLearning | None = None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._make_brain = make_brain
        self._solver = solver
        self._settings = settings
        self._status = status
        self._learning = learning
        self._brain = make_brain()
        self._position = Position()
        self._wake_us: int | None = None
        self._wake_moved = asyncio.Event()
        self._changed = asyncio.Event()
        self._learned = asyncio.Event()
        self._request: RequestPlan | None = None
        self._requested = asyncio.Event()
        self._tasks: asyncio.TaskGroup

    async def hold(self) -> None:
        """Fold the log, then work until the office is lost.

        Raises
        ------
        ExceptionGroup
            Of `StaleEpoch`, of `BrokenEvent`, or of whatever broke.
        """
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._renew(), name="lease")
            await self._fold()
            self._status.in_office = True
            for loop in (self._watch, self._tick, self._show, self._report, self._search):
                self._tasks.create_task(loop(), name=loop.__name__.strip("_"))
            if self._learning is not None:
                work = self._learning.work(self._brain, self._say, self._learned.set)
                self._tasks.create_task(work, name="learning")
            await self._work()

    async def _fold(self) -> None:
        """Bring the brain up to the end of the log, then have it say again what counts."""
        begin_s = time.perf_counter()
        skipped = await self._insist(self._store.skipped)
        at = Position()
        questions: list[Question] = []
        count = 0
        while (inbox := await self._next_page(at)).position != at:
            at = inbox.position
            # Whoever asks while nobody is in office is answered as soon as somebody is.
            questions += inbox.questions
            kept = [pair for pair in inbox.events if pair[0] not in skipped]
            count += len(kept)
            # What follows from these was written by whoever took them in first.
            await self._take(kept, Effects())
            # Others on this event loop get their turn.
            await asyncio.sleep(0)
        self._position = at
        self._answer_soon(questions)
        self._status.folded, self._status.fold_s = count, time.perf_counter() - begin_s
        await self._say(ControllerStarted(at_us=self._store.now_us(), epoch=self._lease.epoch))

    async def _next_page(self, at: Position) -> Inbox:
        return await self._insist(lambda: self._store.inbox(at, block_ms=None, count=FOLD_COUNT))

    async def _work(self) -> None:
        """Take in events, carry out what follows, answer questions. The hot path."""
        while True:
            inbox = await self._insist(lambda: self._store.inbox(self._position, block_ms=BLOCK_MS))
            self._position = inbox.position
            if inbox.events:
                effects = Effects()
                await self._take(inbox.events, effects)
                await self._carry_out(effects)
                self._status.events += len(inbox.events)
            self._answer_soon(inbox.questions)

    async def _take(self, events: list[tuple[str, Event]], effects: Effects) -> None:
        for entry_id, event in events:
            try:
                effects.add(self._brain.handle(event))
            except Exception as error:
                await self._leave_out(entry_id, event)
                raise BrokenEvent(f"event {entry_id} cannot be taken in: {event!r}") from error

    async def _carry_out(self, effects: Effects) -> None:
        await self._commit(effects.batch())
        if self._learning is not None:
            self._learning.take(effects.kept)
        if effects.wake is not None:
            self._wake_us = effects.wake.at_us
            self._wake_moved.set()
        if effects.request is not None:
            self._request = effects.request
            self._requested.set()
        self._changed.set()
        self._learned.set()

    async def _leave_out(self, entry_id: str, event: Event) -> None:
        """Have every fold leave out an event; a run that was accepted by it fails with a reason."""
        failed = (_refused(event, self._store.now_us()),) if isinstance(event, RunSubmitted) else ()
        await self._commit(Batch(skip=(entry_id,), records=failed))

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self._settings.lease_ms / 3_000)
            await self._insist(lambda: self._store.renew(self._lease, self._settings.lease_ms))

    async def _watch(self) -> None:
        """Tell the brain of agents that went silent."""
        missed: dict[tuple[str, str], int] = {}
        while True:
            await asyncio.sleep(self._settings.heartbeat_s)
            joined = self._brain.agents()
            try:
                alive = await self._store.heartbeats(list(joined))
            except Unavailable:
                # Nobody can show a sign of life while the store is away.
                missed.clear()
                continue
            silent = [pair for pair in joined.items() if alive.get(pair[0]) != pair[1]]
            missed = {pair: missed.get(pair, 0) + 1 for pair in silent}
            for (agent, incarnation), times in missed.items():
                if times == self._settings.misses:
                    at_us = self._store.now_us()
                    await self._say(AgentLost(at_us=at_us, agent=agent, incarnation=incarnation))

    async def _tick(self) -> None:
        """Wake the brain when it asked for it."""
        while True:
            self._wake_moved.clear()
            wait_s = None
            if self._wake_us is not None:
                wait_s = (self._wake_us - self._store.now_us()) / 1_000_000
                if wait_s <= 0:
                    self._wake_us = None
                    await self._say(Tick(at_us=self._store.now_us()))
                    continue
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait_s):
                    await self._wake_moved.wait()

    async def _show(self) -> None:
        """Write the view of the site after changes, but not more often than it can be seen."""
        settings = self._settings
        while True:
            await self._changed.wait()
            await asyncio.sleep(settings.view_s)
            if not await self._insist(self._store.is_watched):
                await asyncio.sleep(settings.unwatched_view_s - settings.view_s)
            self._changed.clear()
            began_s = time.perf_counter()
            view = self._brain.view(self._store.now_us())
            took_s = time.perf_counter() - began_s
            await self._commit(Batch(view=view))
            await asyncio.sleep(max(0.0, took_s / VIEW_SHARE - settings.view_s))

    async def _report(self) -> None:
        """Write the report on costs after changes."""
        while True:
            await self._learned.wait()
            self._learned.clear()
            costs = self._brain.costs(self._store.now_us())
            if self._learning is not None:
                costs = replace(costs, learning=self._learning.report)
            await self._commit(Batch(costs=costs))
            await asyncio.sleep(self._settings.costs_s)

    async def _search(self) -> None:
        """Have the solver process look for a better plan; only the latest snapshot counts."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            request, self._request = self._request, None
            if request is None:
                continue
            time_s = search_s(request.problem, self._settings.search_s)
            result = None
            # A process that has yet to start, which takes long on a busy box, holds up no question.
            if self._solver.prepare():
                result = await self._solver.solve(request.problem, time_s, request.plan)
            # No plan is an answer too: the brain asks again only after it.
            await self._say(
                PlanProposed(
                    at_us=self._store.now_us(),
                    version=request.version,
                    solver="" if result is None else result.found_by,
                    schedule=None if result is None else result.schedule,
                    bound_us=None if result is None else result.bound,
                )
            )

    def _answer_soon(self, questions: list[Question]) -> None:
        for question in questions:
            if question.expires_us > self._store.now_us():
                self._tasks.create_task(self._answer(question), name="question")

    async def _answer(self, question: Question) -> None:
        try:
            answer = await self._answer_to(question)
        except FjordError as error:
            answer = Answer.refused(error)
        except Exception as error:
            _log.exception("question cannot be answered: %r", question)
            answer = Answer.refused(Defect(f"the controller broke on this question: {error!r}"))
        # Without an answer the other side gives up by itself.
        with contextlib.suppress(Unavailable):
            await self._store.reply(question, answer)

    async def _answer_to(self, question: Question) -> Answer:
        if question.costs is not None:
            return Answer(costs=self._brain.costs_beside(question.costs))
        if question.submission is None:
            raise UnknownName("a question must be about a submission or about costs")
        preview, problem = self._brain.preview(question.submission)
        longest_s = self._settings.question_s
        return Answer(preview=await with_better_bound(preview, problem, self._solver, longest_s))

    async def _say(self, event: Event) -> None:
        """Append an event of the controller's own."""
        await self._commit(Batch(events=(event,)))

    async def _commit(self, batch: Batch) -> None:
        await self._insist(lambda: self._store.commit(self._lease, batch))

    async def _insist(self, action: Callable[[], Awaitable[T]]) -> T:
        """Do it again until the store answers. What a controller writes may be written twice."""
        while True:
            try:
                return await action()
            except StaleEpoch:
                raise
            except Unavailable as error:
                _log.warning("waiting for the store: %s", error)
                await asyncio.sleep(self._settings.retry_s)


def _refused(event: RunSubmitted, at_us: int) -> RunRecord:
    return replace(
        queued(event),
        state=RunState.FAILED,
        ended_us=at_us,
        reason=FailureReason.INVALID,
        detail="the controller broke on this run: a defect, see its log",
    )
