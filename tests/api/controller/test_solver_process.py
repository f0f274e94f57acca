from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from typing import Any

import psutil
import pytest

from api.controller import solver_process
from api.controller.solver_process import SolverProcess
from scheduler.model.problem import Job, Machine, Mode, Operation, Problem
from scheduler.model.schedule import Status

pytestmark = pytest.mark.anyio


def problem() -> Problem:
    """Two operations of 5 us on two machines: the optimum is 5."""
    modes = tuple(Mode(machine=machine, duration_us=5) for machine in ("a", "b"))
    return Problem(
        machines=(Machine(id="a"), Machine(id="b")),
        jobs=(Job(id="j"),),
        operations=tuple(Operation(id=name, job="j", modes=modes) for name in ("x", "y")),
    )


def children() -> list[Any]:
    found = []
    for process in psutil.Process().children():
        with suppress(psutil.Error):  # it has ended since it was listed
            if "api.controller.solver_process" in process.cmdline():
                found.append(process)
    return found


def child() -> Any:
    (found,) = children()
    return found


async def test_solver_process_proves_the_optimum_and_is_niced() -> None:
    async with SolverProcess() as solver:
        result = await solver.solve(problem(), 5.0)
        assert result is not None
        assert (result.status, result.value, result.bound) == (Status.OPTIMAL, 5, 5)
        assert child().nice() > 0
        assert solver.times.cpu_share > 0


async def test_service_that_lives_on_starts_its_solver_process_unasked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(solver_process, "START_AFTER_S", 0.0)
    async with SolverProcess() as solver:
        # Both are called in the loop's next turn, in the order of their times.
        called = asyncio.Event()
        asyncio.get_running_loop().call_later(0.001, called.set)
        await called.wait()
        assert solver.is_starting


async def test_killed_solver_process_is_started_again() -> None:
    async with SolverProcess() as solver:
        assert await solver.solve(problem(), 5.0) is not None
        os.kill(child().pid, signal.SIGKILL)
        # The death may be noticed before or after the next request is written.
        answers = [await solver.solve(problem(), 5.0) for _ in range(2)]
        assert answers[-1] is not None


async def test_process_that_nobody_asks_is_ended_and_started_again_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with SolverProcess() as solver:
        monkeypatch.setattr(solver_process, "IDLE_S", 0.0)
        assert await solver.solve(problem(), 5.0) is not None
        while children():
            await asyncio.sleep(0.01)
        assert await solver.solve(problem(), 5.0) is not None


async def test_process_that_has_yet_to_start_is_not_waited_for() -> None:
    async with SolverProcess() as solver:
        assert not solver.prepare()
        # A search waits its turn behind the start.
        assert await solver.solve(problem(), 0.05) is not None
        assert solver.prepare()
