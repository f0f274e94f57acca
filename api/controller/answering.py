"""Answers to questions that change nothing: dry runs, records of open runs, costs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

from api.controller.searching import with_better_bound
from api.controller.solver_process import SolverProcess
from api.process.stalls import LoopStalls
from api.store import Answer, Question, Store
from scheduler.model.errors import Defect, FjordError, Unavailable, UnknownName

if TYPE_CHECKING:
    from scheduler.control.brain import Brain

_log = logging.getLogger(__name__)


class Answers:
    """Answers out of one brain, each in a task of its own.

    Parameters
    ----------
    longest_s
        Longest search of a dry run for a better bound, in seconds.
    """

    def __init__(
        self,
        store: Store,
        brain: Brain,
        solver: SolverProcess,
        stalls: LoopStalls,
        *,
        longest_s: float,
    ) -> None:
        self._store = store
        self._brain = brain
        self._solver = solver
        self._stalls = stalls
        self._longest_s = longest_s

    def start(self, questions: Iterable[Question], tasks: asyncio.TaskGroup) -> None:
        """Begin to answer those questions that somebody still waits for."""
        for question in questions:
            if question.expires_us > self._store.now_us():
                tasks.create_task(self._answer(question), name="question")

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
        if question.is_story:
            return Answer(story=self._brain.story(question.run))
        if question.run:
            return Answer(record=self._brain.open_record(question.run))
        if question.submission is None:
            raise UnknownName("a question must be about a submission, a run or costs")
        began_s = time.perf_counter()
        preview, problem = self._brain.preview(question.submission)
        self._stalls.took(time.perf_counter() - began_s, "a dry run")
        preview = await with_better_bound(preview, problem, self._solver, self._longest_s)
        return Answer(preview=preview)
