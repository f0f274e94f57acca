"""A controller in office: one brain, one log, and the loops that keep them going.

The brain is the fold of the log, so it can be thrown away at any moment. That is also the answer
to an event that the brain cannot take in (a defect): its id is written down, and a fresh brain
folds the log without it, now and at every later fold. No handler has to undo anything.
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
from api.solver_process import SolverProcess
from api.store import Answer, Batch, Inbox, Lease, Position, Question, Store, later, queued
from scheduler.control.commands import RequestPlan
from scheduler.control.events import (
    ControllerStarted,
    Event,
    PlanProposed,
    RunSubmitted,
    Tick,
)
from scheduler.control.records import RunRecord, RunState
from scheduler.model.errors import Defect, FjordError, StaleEpoch, Unavailable
from scheduler.model.messages import AgentLost, FailureReason

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

T = TypeVar("T")
_log = logging.getLogger(__name__)

FOLD_COUNT = 256
"""Events folded in one go: the lease is renewed and requests are answered in between."""


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
    ) -> None:
        self._store = store
        self._lease = lease
        self._make_brain = make_brain
        self._solver = solver
        self._settings = settings
        self._status = status
        self._brain = make_brain()
        self._position = Position()
        self._wake_us: int | None = None
        self._wake_moved = asyncio.Event()
        self._changed = asyncio.Event()
        self._request: RequestPlan | None = None
        self._requested = asyncio.Event()
        self._tasks: asyncio.TaskGroup

    async def hold(self) -> None:
        """Fold the log, then work until the office is lost.

        Raises
        ------
        ExceptionGroup
            Of `StaleEpoch`, or of whatever broke.
        """
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._renew(), name="lease")
            await self._fold()
            self._status.in_office = True
            for loop in (self._watch, self._tick, self._show, self._search):
                self._tasks.create_task(loop(), name=loop.__name__.strip("_"))
            await self._work()

    async def _work(self) -> None:
        """Take in events, carry out what follows, answer questions. The hot path."""
        block_ms = 1_000
        while True:
            inbox = await self._insist(lambda: self._store.inbox(self._position, block_ms=block_ms))
            effects = Effects()
            broken = self._take(inbox.events, effects)
            if broken is not None:
                await self._leave_out(*broken)
                continue
            self._position = inbox.position
            if inbox.events:
                await self._carry_out(effects)
            for question in inbox.questions:
                self._tasks.create_task(self._answer(question), name="question")

    def _take(self, events: list[tuple[str, Event]], effects: Effects) -> tuple[str, Event] | None:
        """Let the brain take in events; returns the one at which it broke, if any."""
        for entry_id, event in events:
            try:
                effects.add(self._brain.handle(event))
            except Exception:
                _log.exception("event %s cannot be taken in: %r", entry_id, event)
                return entry_id, event
        return None

    async def _carry_out(self, effects: Effects) -> None:
        await self._commit(effects.batch(self._position.event))
        self._set_alarm(effects)
        if effects.request is not None:
            self._request = effects.request
            self._requested.set()
        self._changed.set()
        self._status.events += 1

    def _set_alarm(self, effects: Effects) -> None:
        if effects.wake is not None:
            self._wake_us = effects.wake.at_us
            self._wake_moved.set()

    async def _fold(self) -> None:
        """Make a brain from the log, and write what an earlier controller had no time to write."""
        while (broken := await self._fold_once()) is not None:
            await self._mark(*broken)
        started = ControllerStarted(at_us=self._store.now_us(), epoch=self._lease.epoch)
        await self._commit(Batch(events=(started,)))
        self._changed.set()

    async def _fold_once(self) -> tuple[str, Event] | None:
        begin = time.perf_counter()
        skipped = await self._insist(self._store.skipped)
        done = await self._insist(self._store.done)
        self._brain = self._make_brain()
        self._request = None
        effects = Effects()
        at = Position(question=await self._insist(self._store.last_question))
        count = 0
        while (inbox := await self._next_page(at)).position != at:
            at = inbox.position
            kept = [(entry, event) for entry, event in inbox.events if entry not in skipped]
            count += len(kept)
            old = [pair for pair in kept if not later(pair[0], done)]
            broken = self._take(old, effects)
            if old:
                # What follows from these was written by whoever took them in first.
                effects = Effects(wake=effects.wake)
            broken = broken or self._take(kept[len(old) :], effects)
            if broken is not None:
                return broken
            # Others on this event loop get their turn.
            await asyncio.sleep(0)
        effects.drop_plans()
        self._position = at
        await self._carry_out(effects)
        self._status.folded, self._status.fold_s = count, time.perf_counter() - begin
        return None

    async def _next_page(self, at: Position) -> Inbox:
        return await self._insist(lambda: self._store.inbox(at, block_ms=None, count=FOLD_COUNT))

    async def _leave_out(self, entry_id: str, event: Event) -> None:
        """Fold again without an event that the brain cannot take in."""
        await self._mark(entry_id, event)
        await self._fold()

    async def _mark(self, entry_id: str, event: Event) -> None:
        """Have every fold leave out an event; a run that was accepted by it fails with a reason."""
        self._status.defects += 1
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
        while True:
            await self._changed.wait()
            self._changed.clear()
            batch = Batch(view=self._brain.view(self._store.now_us()))
            await self._commit(batch)
            await asyncio.sleep(self._settings.view_s)

    async def _search(self) -> None:
        """Have the solver process look for a better plan; only the latest snapshot counts."""
        while True:
            await self._requested.wait()
            self._requested.clear()
            request, self._request = self._request, None
            if request is None:
                continue
            brain = self._brain
            time_s = search_s(request.problem, self._settings.search_s)
            result = await self._solver.solve(request.problem, time_s)
            # A brain that was folded anew numbers its snapshots anew.
            if result is not None and result.schedule is not None and brain is self._brain:
                await self._say(
                    PlanProposed(
                        at_us=self._store.now_us(),
                        version=request.version,
                        solver=result.solver,
                        schedule=result.schedule,
                        bound_us=result.bound,
                    )
                )

    async def _answer(self, question: Question) -> None:
        if question.expires_us < self._store.now_us():
            return
        try:
            preview, problem = self._brain.preview(question.submission)
            longest_s = self._settings.question_s
            better = await with_better_bound(preview, problem, self._solver, longest_s)
            answer = Answer(preview=better)
        except FjordError as error:
            answer = Answer.refused(error)
        except Exception as error:
            _log.exception("question cannot be answered: %r", question)
            answer = Answer.refused(Defect(f"the controller broke on this question: {error!r}"))
        # Without an answer the other side gives up by itself.
        with contextlib.suppress(Unavailable):
            await self._store.reply(question, answer)

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
