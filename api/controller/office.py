"""A controller in office: one brain, one log, and the loops that keep them going.

The brain is the fold of the log, so it can be thrown away at any moment. That is also the answer
to an event that the brain cannot take in (a defect): its id is written down, the office is given
up, and whoever takes it next folds the log without that event. No handler has to undo anything.
The same is done to an event during which the process died twice: each controller leaves a trail of
what it is taking in, and its successor reads it.

The lease is held by a thread, see `api.store.keeping`. One that ran out while this process slept,
or the store, is taken again as long as nobody else has taken office: the brain is still good.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from api.controller.checkpoints import Checkpoints
from api.controller.effects import Effects
from api.controller.searching import search_s, with_better_bound
from api.controller.settings import ControllerSettings, ControllerStatus
from api.controller.silence import Silence
from api.controller.suspects import TURN, Suspects, after
from api.learning import CostLearning
from api.solver_process import SolverProcess
from api.stalls import LoopStalls
from api.store import (
    FIRST,
    Answer,
    Batch,
    Inbox,
    Lease,
    Position,
    Question,
    SetAside,
    Store,
    Trail,
    order,
    queued,
)
from scheduler.control.commands import Command, RequestPlan
from scheduler.control.events import (
    ControllerStarted,
    Event,
    PlanProposed,
    RunSubmitted,
    Tick,
)
from scheduler.control.plan_records import PlanRecord, shown
from scheduler.control.records import RunRecord, RunState, SiteView
from scheduler.model.errors import Defect, FjordError, StaleEpoch, Unavailable, UnknownName
from scheduler.model.messages import AgentLost, FailureReason

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

T = TypeVar("T")
_log = logging.getLogger(__name__)

BLOCK_MS = 1_000
"""A read of the log comes back this often though nothing came."""
READ_COUNT = 256
"""Entries of one read. A page of large ones still fits in memory."""
TURN_S = 0.02
"""After so much work in one go others on this loop get theirs: a request needs several turns."""
VIEW_SHARE = 0.05
"""Views take no more than this of the time, and reports on costs neither: a large site, or a slow
box, shows less of them."""


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
        stalls: LoopStalls,
        *,
        learning: CostLearning | None = None,
    ) -> None:
        self._store = store
        self._lease = lease
        self._make_brain = make_brain
        self._solver = solver
        self._settings = settings
        self._status = status
        self._stalls = stalls
        self._learning = learning
        self._silence = Silence(
            period_s=settings.heartbeat_s, misses=settings.misses, grace_s=settings.grace_s
        )
        self._checkpoints = Checkpoints(
            store,
            lease.epoch,
            settings,
            status,
            stalls,
            commit=self._commit,
            kept=learning.keep_models if learning is not None else None,
        )
        self._brain = make_brain()
        self._position = Position()
        self._taken, self._taken_count = FIRST, 0
        self._done, self._moved = FIRST, asyncio.Event()
        self._turn_s = 0.0
        self._wake_us: int | None = None
        self._wake_moved = asyncio.Event()
        self._changed = asyncio.Event()
        self._learned = asyncio.Event()
        self._request: RequestPlan | None = None
        self._requested = asyncio.Event()
        self._kept: PlanRecord | None = None
        self._tasks: asyncio.TaskGroup
        self._saving: asyncio.Task[None] | None = None

    async def hold(self) -> None:
        """Fold the log, then work until the office is lost.

        Raises
        ------
        ExceptionGroup
            Of `StaleEpoch`, of `BrokenEvent`, or of whatever broke.
        """
        async with asyncio.TaskGroup() as self._tasks:
            self._tasks.create_task(self._keep(), name="lease")
            await self._fold()
            self._status.in_office = True
            for loop in (self._watch, self._tick, self._show, self._report, self._search):
                self._tasks.create_task(loop(), name=loop.__name__.strip("_"))
            saving = self._checkpoints.keep_taking(self._brain, self._last_taken, self._is_done)
            self._saving = self._tasks.create_task(saving, name="checkpoints")
            if self._learning is not None:
                work = self._learning.work(self._brain, self._say, self._learned.set)
                self._tasks.create_task(work, name="learning")
            await self._work()

    async def _keep(self) -> None:
        """Have the lease renewed by a thread until another controller takes office."""
        loop, lost = asyncio.get_running_loop(), asyncio.Event()
        keeper = self._store.keeper(
            self._lease,
            self._settings.lease_ms,
            turns=lambda: self._stalls.turns,
            wedged_s=self._settings.wedged_s,
            on_lost=partial(loop.call_soon_threadsafe, lost.set),
        )
        keeper.start()
        try:
            await lost.wait()
        finally:
            await keeper.stop()
        raise StaleEpoch(f"another controller has taken office after epoch {self._lease.epoch}")

    async def _fold(self) -> None:
        """Bring the brain up to the end of the log, then tell every agent its whole plan again.

        What follows from an event was written by whoever took it in first, up to the last one whose
        effects are known to be written; what follows from those behind it is carried out here.
        """
        begin_s = time.perf_counter()
        begin = partial(self._checkpoints.begin, self._make_brain)
        self._brain, self._taken = await self._insist(begin)
        self._position = Position(event=self._taken)
        self._status.folded = 0
        suspects = await self._suspects()
        done = await self._insist(self._store.done)
        skipped = await self._insist(self._store.skipped)
        questions: list[Question] = []
        while (inbox := await self._next_page()).position != self._position:
            # Whoever asks while nobody is in office is answered as soon as somebody is.
            questions += inbox.questions
            for entry_id, event in inbox.events:
                if entry_id not in skipped:
                    await self._try(suspects.before(entry_id))
                    commands = await self._take(entry_id, event)
                    self._status.folded += 1
                    if done is not None and order(entry_id) > order(done):
                        await self._carry_out(Effects.of(commands), 1, entry_id)
                await self._breathe()
            self._position = inbox.position
        self._answer_soon(questions)
        self._status.fold_s = time.perf_counter() - begin_s
        started = ControllerStarted(
            at_us=self._store.now_us(), epoch=self._lease.epoch, says_again=done is None
        )
        await self._commit(Batch(events=(started,), trail=after(self._position.event)))

    async def _next_page(self, *, block_ms: int | None = None) -> Inbox:
        read = partial(self._store.inbox, self._position, block_ms=block_ms, count=READ_COUNT)
        return await self._insist(read)

    async def _suspects(self) -> Suspects:
        """Look how the controller before ended, and set aside what ended it and another one."""
        trail = await self._insist(self._store.trail)
        if trail is None:
            return Suspects(None, ())
        events = dict(await self._insist(lambda: self._store.trailed(trail)))
        suspects = Suspects(trail, list(events))
        for entry_id in suspects.guilty():
            event = events[entry_id]
            _log.error("two controllers ended on %s %s", type(event).__name__, entry_id)
            await self._leave_out(entry_id, event, "two controllers ended while they took it in")
        return suspects

    async def _try(self, trail: Trail | None) -> None:
        """Leave a trail, so that the next controller knows where this one ended."""
        if trail is not None:
            await self._commit(Batch(trail=trail))

    async def _breathe(self) -> None:
        """Let others on this loop have their turn if this one has been long enough."""
        if time.perf_counter() - self._turn_s > TURN_S:
            await asyncio.sleep(0)
            self._turn_s = time.perf_counter()

    async def _work(self) -> None:
        """Take in events, carry out what follows, answer questions. The hot path."""
        while True:
            inbox = await self._next_page(block_ms=BLOCK_MS)
            await self._take_all(inbox.events)
            self._position = inbox.position
            self._answer_soon(inbox.questions)

    async def _take_all(self, events: Iterable[tuple[str, Event]]) -> None:
        """Take events in; what follows from those of one turn is carried out together."""
        effects, count, began_s = Effects(), 0, time.perf_counter()
        for entry_id, event in events:
            effects.add(await self._take(entry_id, event))
            count += 1
            if count == TURN or time.perf_counter() - began_s > TURN_S:
                await self._carry_out(effects, count, entry_id)
                effects, count, began_s = Effects(), 0, time.perf_counter()
        if count:
            await self._carry_out(effects, count, entry_id)

    async def _take(self, entry_id: str, event: Event) -> list[Command]:
        began_s = time.perf_counter()
        try:
            commands = self._brain.handle(event)
        except Exception as error:
            # It may have taken in half of the event: no checkpoint is to be made of that.
            if self._saving is not None:
                self._saving.cancel()
            await self._leave_out(entry_id, event, f"it cannot be taken in: {error!r}")
            raise BrokenEvent(f"event {entry_id} cannot be taken in: {event!r}") from error
        self._stalls.took(time.perf_counter() - began_s, type(event).__name__, entry_id)
        self._taken, self._taken_count = entry_id, self._taken_count + 1
        return commands

    def _last_taken(self) -> tuple[str, int]:
        """Which event the brain has taken in last, and how many this office has."""
        return self._taken, self._taken_count

    async def _is_done(self, entry_id: str) -> None:
        """Wait until what follows from everything up to an event is written."""
        while order(self._done) < order(entry_id):
            self._moved.clear()
            await self._moved.wait()

    async def _carry_out(self, effects: Effects, count: int, entry_id: str) -> None:
        """Carry out what follows from so many events, the last of which has that id."""
        await self._commit(replace(effects.batch(), trail=after(entry_id), done=entry_id))
        self._done = entry_id
        self._moved.set()
        self._status.events += count
        if self._learning is not None:
            self._learning.take(effects.kept)
        if effects.wake is not None:
            before_us, self._wake_us = self._wake_us, effects.wake.at_us
            if before_us is None or self._wake_us < before_us:
                self._wake_moved.set()
        if effects.request is not None:
            self._request = effects.request
            self._requested.set()
        self._changed.set()
        self._learned.set()

    async def _leave_out(self, entry_id: str, event: Event, reason: str) -> None:
        """Have every fold leave out an event; a run that was accepted by it fails with a reason."""
        at_us = self._store.now_us()
        failed = await self._failed_by(event, at_us)
        aside = SetAside(
            entry=entry_id,
            at_us=at_us,
            event=type(event).__name__,
            reason=reason,
            run=failed[0].run if failed else "",
        )
        done = await self._insist(self._store.done)
        # What was written of it, and of what came after it, is not what follows without it.
        was_done = done is not None and order(entry_id) <= order(done)
        await self._commit(Batch(aside=(aside,), records=failed, undone=was_done))

    async def _failed_by(self, event: Event, at_us: int) -> tuple[RunRecord, ...]:
        """The run that fails if its submission is left out; none if it has ended long ago."""
        if not isinstance(event, RunSubmitted):
            return ()
        known = await self._insist(partial(self._store.summary, event.run))
        if known is not None and known.ended_us is not None:
            return ()
        return (_refused(event, at_us),)

    async def _watch(self) -> None:
        """Tell the brain of agents that went silent."""
        while True:
            await asyncio.sleep(self._settings.heartbeat_s)
            joined = self._brain.agents()
            try:
                alive = await self._store.heartbeats(list(joined))
            except Unavailable:
                self._silence.slept(_awake_s())
                continue
            for agent, incarnation in self._silence.look(_awake_s(), joined, alive):
                at_us = self._store.now_us()
                lost = AgentLost(at_us=at_us, agent=agent, incarnation=incarnation)
                await self._fenced(partial(self._store.declare_lost, self._lease, lost))

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
            self._stalls.took(took_s, "a view")
            await self._commit(Batch(view=view, history=self._shown(view)))
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

    async def _report(self) -> None:
        """Write the report on costs after changes."""
        while True:
            await self._learned.wait()
            self._learned.clear()
            began_s = time.perf_counter()
            costs = self._brain.costs(self._store.now_us())
            took_s = time.perf_counter() - began_s
            self._stalls.took(took_s, "a report on costs")
            if self._learning is not None:
                costs = replace(costs, learning=self._learning.report)
            await self._commit(Batch(costs=costs))
            await asyncio.sleep(max(self._settings.costs_s, took_s / VIEW_SHARE))

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
        if question.run:
            return Answer(record=self._brain.open_record(question.run))
        if question.submission is None:
            raise UnknownName("a question must be about a submission, a run or costs")
        began_s = time.perf_counter()
        preview, problem = self._brain.preview(question.submission)
        self._stalls.took(time.perf_counter() - began_s, "a dry run")
        longest_s = self._settings.question_s
        return Answer(preview=await with_better_bound(preview, problem, self._solver, longest_s))

    async def _say(self, event: Event) -> None:
        """Append an event of the controller's own."""
        await self._commit(Batch(events=(event,)))

    async def _commit(self, batch: Batch) -> None:
        await self._fenced(partial(self._store.commit, self._lease, batch))

    async def _fenced(self, write: Callable[[], Awaitable[None]]) -> None:
        """Write what only the holder of the lease may write.

        A lease that ran out while we slept, or the store did, is taken again if nobody else has
        taken office: nothing was written meanwhile that this brain does not know.

        Raises
        ------
        StaleEpoch
            If somebody has.
        """
        while True:
            try:
                return await self._insist(write)
            except StaleEpoch:
                hold = partial(self._store.hold, self._lease, self._settings.lease_ms)
                await self._insist(hold)
                self._silence.slept(_awake_s())

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


def _awake_s() -> float:
    """Seconds of a clock that also counts while this computer sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def _refused(event: RunSubmitted, at_us: int) -> RunRecord:
    return replace(
        queued(event),
        state=RunState.FAILED,
        ended_us=at_us,
        reason=FailureReason.INVALID,
        detail="the controller broke on this run: a defect, see its log",
    )
