"""A controller in a process of its own whose brain ends the process on one run.

Run as ``python -m tests.api.controller.poisoned URL SITE RUN``.
"""

from __future__ import annotations

import asyncio
import os
import sys

from api.controller.controller import Controller
from api.controller.solver_process import SolverProcess
from api.process.stalls import LoopStalls
from api.store import Store
from api.wiring import build_brain
from scheduler.control.brain import Brain
from scheduler.control.commands import Command
from scheduler.control.events import Event, RunSubmitted
from tests.api.controller.conftest import FAST

CODE = 77


class Poisoned(Brain):
    poison = ""

    def handle(self, event: Event) -> list[Command]:
        if isinstance(event, RunSubmitted) and event.run == self.poison:
            os._exit(CODE)
        return super().handle(event)


def poisoned() -> Brain:
    whole = build_brain().state
    return Poisoned(oracle=whole.oracle, solvers=whole.solvers)


async def main(url: str, site: str, run: str) -> None:
    Poisoned.poison = run
    store, stalls = await Store.connect(url, site), LoopStalls()
    async with SolverProcess() as solver, asyncio.TaskGroup() as tasks:
        tasks.create_task(stalls.watch())
        tasks.create_task(Controller(store, poisoned, solver, stalls, FAST).run())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
