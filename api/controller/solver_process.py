"""A process of its own for the search for better plans, so that a search delays nobody.

Run as a module it is that process, and answers pickled requests with pickled results.
"""

from __future__ import annotations

import asyncio
import logging
import pickle
import signal
import sys
import threading
import time
from dataclasses import dataclass
from typing import Self

from api.process.answering_child import AnsweringChild, open_answers, read_message, write_answer
from api.process.children import yield_to_others
from devices.box.priority import GETTING_READY, LEFTOVERS, SEARCH, weigh_session
from scheduler.model.errors import FjordError
from scheduler.model.problem import Problem
from scheduler.model.schedule import Limits, Result, Schedule

GRACE_S = 5.0
"""A search that is this far over its time hangs: its process is ended."""
START_AFTER_S = 1.0
"""A service that has lived so long starts its solver process, so that the first burst has one."""
IDLE_S = 600.0
"""A solver process that nobody asks for so long is ended: it holds 300 MB, near half of a site."""
LOADING_S = 10.0
"""A process that gets ready for longer is compiling, which takes minutes: nobody waits for that."""
SEED = 0

_READY = b"ready"
"""Sent by the process once a search would be quick."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SearchRequest:
    """A problem to be solved, the time for it, and the plan to start from."""

    problem: Problem
    limits: Limits
    warm_start: Schedule | None


@dataclass(slots=True)
class SearchTimes:
    """Wall time of all searches so far, and the processor time that they got, in seconds."""

    wall_s: float = 0.0
    cpu_s: float = 0.0

    @property
    def cpu_share(self) -> float:
        """Cores that a search has in the mean; 0 before the first."""
        return self.cpu_s / self.wall_s if self.wall_s else 0.0


class SolverProcess:
    """One search at a time in a separate, niced process, started again whenever it is needed."""

    def __init__(self) -> None:
        self._child = AnsweringChild("api.controller.solver_process")
        self._turn = asyncio.Lock()
        self._starting: asyncio.Task[None] | None = None
        self._ending: asyncio.Task[None] | None = None
        self._next: asyncio.TimerHandle
        """The start of a process that nobody asked for yet, or the end of one that nobody asks."""
        self.times = SearchTimes()

    async def __aenter__(self) -> Self:
        self._next = asyncio.get_running_loop().call_later(START_AFTER_S, self.prepare)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._next.cancel()
        if self._starting is not None:
            self._starting.cancel()
        # An end under way is waited for: broken off, it would leave the pipes of the child open.
        tasks = [task for task in (self._starting, self._ending) if task is not None]
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._child.end()

    @property
    def is_starting(self) -> bool:
        """True if a process is being started by itself, so that a search need not wait for it."""
        return self._starting is not None and not self._starting.done()

    def prepare(self) -> bool:
        """True if a search would begin at once. A process that is not there is started meanwhile.

        Starting takes seconds, and minutes where nothing is compiled yet.
        """
        is_there = self._child.is_alive
        if not is_there and not self.is_starting:
            self._starting = asyncio.create_task(self._start())
        return is_there and not self._turn.locked()

    async def _start(self) -> None:
        async with self._turn:
            try:
                await self._started()
            except (OSError, asyncio.IncompleteReadError) as error:
                _log.warning("the solver process does not start: %r", error)
                await self._child.end()
        self._end_when_idle()

    def _end_when_idle(self) -> None:
        self._next.cancel()
        self._next = asyncio.get_running_loop().call_later(IDLE_S, self._end_soon)

    def _end_soon(self) -> None:
        self._ending = asyncio.create_task(self._end())

    async def _end(self) -> None:
        async with self._turn:
            await self._child.end()

    async def solve(
        self, problem: Problem, time_s: float, warm_start: Schedule | None = None
    ) -> Result | None:
        """Search for that long; ``None`` if the process died or the problem was refused.

        Parameters
        ----------
        warm_start
            A plan for much the same problem: the one in force.
        """
        request = SearchRequest(problem, Limits(time_s=time_s, workers=1), warm_start)
        self._end_when_idle()
        async with self._turn:
            try:
                await self._started()
                async with asyncio.timeout(time_s + GRACE_S):
                    return await self._exchange(request)
            except (TimeoutError, OSError, asyncio.IncompleteReadError) as error:
                _log.warning("the solver process is started again after %r", error)
                await self._child.end()
            except asyncio.CancelledError:
                # Its answer would be taken for the answer to the next request.
                await self._child.end()
                raise
        return None

    async def _exchange(self, request: SearchRequest) -> Result | None:
        began_s = time.monotonic()
        data = pickle.dumps(request, protocol=pickle.HIGHEST_PROTOCOL)
        # Our own child wrote it: nobody else has the other end of this pipe.
        answer: tuple[Result | None, float] = pickle.loads(await self._child.exchange(data))
        result, cpu_s = answer
        self.times.wall_s += time.monotonic() - began_s
        self.times.cpu_s += cpu_s
        return result

    async def _started(self) -> None:
        if not self._child.is_alive:
            await self._child.start()
            # It may have to compile first, which is not counted against any search.
            await self._child.receive(len(_READY))


def main() -> None:
    """Answer requests until the other side goes away."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    yield_to_others(GETTING_READY)
    # Engines print to standard output when they feel like it; the answers get a pipe of their own.
    answers = open_answers()
    compiling = threading.Timer(LOADING_S, weigh_session, (LEFTOVERS,))
    compiling.start()
    _warm_up()
    compiling.cancel()
    compiling.join()
    yield_to_others(SEARCH)
    answers.write(_READY)
    answers.flush()
    while (message := read_message(sys.stdin.buffer)) is not None:
        request: SearchRequest = pickle.loads(message)
        began_s = time.process_time()
        answer = _solve(request), time.process_time() - began_s
        data = pickle.dumps(answer, protocol=pickle.HIGHEST_PROTOCOL)
        write_answer(answers, data)


def _warm_up() -> None:
    # Here, because only this process needs the engines.
    from scheduler.portfolio import warm_up

    warm_up()


def _solve(request: SearchRequest) -> Result | None:
    from scheduler.portfolio import solve

    try:
        return solve(
            request.problem, limits=request.limits, seed=SEED, warm_start=request.warm_start
        )
    except FjordError:
        _log.exception("no plan for problem %r", request.problem)
        return None


if __name__ == "__main__":
    main()
