"""A controller in office: one brain, one log, and the loops that keep them going.

The brain is the fold of the log, so it can be thrown away at any moment. That is also the answer
to an event that the brain cannot take in (a defect): its id is written down, the office is given
up, and whoever takes it next folds the log without that event. No handler has to undo anything.
The same is done to an event during which the process died twice: each controller leaves a trail of
what it is taking in, and its successor reads it.

Each part does one thing and knows the office not: `fenced` writes, `folding` brings the brain up to
the end of the log, `intake` takes in what comes then, and the loops beside it are told from here.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import TYPE_CHECKING

from api.controller.alarm import Alarm
from api.controller.answering import Answers
from api.controller.checkpoints import CheckpointKeeper
from api.controller.effects import Effects
from api.controller.fenced import FencedStore
from api.controller.folding import Fold
from api.controller.intake import BrokenEvent, Intake
from api.controller.searching import PlanSearch
from api.controller.setting_aside import leave_out
from api.controller.settings import ControllerSettings, ControllerStatus
from api.controller.showing import CostReports, Views
from api.controller.solver_process import SolverProcess
from api.controller.suspects import after
from api.controller.watching import AgentWatch
from api.learning.learning import CostLearning
from api.process.stalls import LoopStalls
from api.store import Batch, Lease, Position, Store
from scheduler.control.events import ControllerStarted

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

BLOCK_MS = 1_000
"""A read of the log comes back this often though nothing came."""


class Office:
    """The work of a controller from taking office to losing it."""

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
        self._make_brain = make_brain
        self._solver = solver
        self._settings = settings
        self._status = status
        self._stalls = stalls
        self._learning = learning
        self._watch = AgentWatch(settings)
        self._store = FencedStore(store, lease, settings, resumed=self._watch.slept)
        self._checkpoints = CheckpointKeeper(
            store,
            lease.epoch,
            settings,
            status,
            stalls,
            commit=self._store.commit,
            kept=learning.keep_models if learning is not None else None,
        )
        self._alarm = Alarm(self._store)
        self._views = Views(self._store, settings, stalls)
        self._reports = CostReports(self._store, settings, stalls, learning)
        self._search = PlanSearch(self._store, solver, settings.search_s)
        self._saving: asyncio.Task[None] | None = None

    async def hold(self) -> None:
        """Fold the log, then work until the office is lost.

        Raises
        ------
        ExceptionGroup
            Of `StaleEpoch`, of `BrokenEvent`, or of any other error.
        """
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._store.keep_lease(self._stalls), name="lease")
            try:
                await self._serve(tasks)
            except BrokenEvent as broken:
                # The brain may have taken in half of it: no checkpoint is to be made of that.
                if self._saving is not None:
                    self._saving.cancel()
                why = f"it cannot be taken in: {broken.__cause__!r}"
                await leave_out(self._store, broken.entry, broken.event, why)
                raise

    async def _serve(self, tasks: asyncio.TaskGroup) -> None:
        """Bring a brain up to the end of the log, start the loops beside it, take in events."""
        began_s = time.perf_counter()
        begin = partial(self._checkpoints.begin, self._make_brain)
        brain, taken = await self._store.insist(begin)
        intake = Intake(
            self._store,
            brain,
            taken=taken,
            status=self._status,
            stalls=self._stalls,
            written=self._pass_on,
        )
        longest_s = self._settings.question_s
        answers = Answers(self._store.plain, brain, self._solver, self._stalls, longest_s=longest_s)
        folded = await Fold(self._store, intake, self._status).run()
        # Questions may have come while nobody was in office; they are answered first.
        answers.start(folded.questions, tasks)
        self._status.fold_s = time.perf_counter() - began_s
        await self._take_office(folded.position, says_again=not folded.is_written)
        for name, loop in self._loops(brain).items():
            tasks.create_task(loop, name=name)
        saving = self._checkpoints.keep_taking(brain, intake.last_taken, intake.is_done)
        self._saving = tasks.create_task(saving, name="checkpoints")
        await self._work(folded.position, intake, answers, tasks)

    async def _take_office(self, position: Position, *, says_again: bool) -> None:
        """Say that this office has begun: every agent is told its whole plan again."""
        started = ControllerStarted(
            at_us=self._store.plain.now_us(), epoch=self._store.lease.epoch, says_again=says_again
        )
        await self._store.commit(Batch(events=(started,), trail=after(position.event)))
        self._status.in_office = True

    def _loops(self, brain: Brain) -> dict[str, Coroutine[None, None, None]]:
        """Everything that goes on beside the hot path, by name."""
        loops = {
            "watch": self._watch.work(brain, self._store),
            "tick": self._alarm.work(),
            "show": self._views.work(brain),
            "report": self._reports.work(brain),
            "search": self._search.work(),
        }
        if self._learning is not None:
            tell, changed = self._store.say, self._reports.changed
            loops["learning"] = self._learning.work(brain, tell, changed)
        return loops

    async def _work(
        self, position: Position, intake: Intake, answers: Answers, tasks: asyncio.TaskGroup
    ) -> None:
        """Take in events, carry out their effects, answer questions. The hot path."""
        while True:
            inbox = await self._store.page(position, block_ms=BLOCK_MS)
            await intake.take_all(inbox.events)
            position = inbox.position
            answers.start(inbox.questions, tasks)

    def _pass_on(self, effects: Effects) -> None:
        """Tell the loops beside the log of writes, and of requests of the brain."""
        if self._learning is not None:
            self._learning.take(effects.kept)
        if effects.wake is not None:
            self._alarm.set(effects.wake.at_us)
        if effects.request is not None:
            self._search.ask(effects.request)
        self._views.changed()
        self._reports.changed()
