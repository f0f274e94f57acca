"""Time until a controller is in office over a long log, with a checkpoint and without.

    python -m benchmarks.checkpoint [--events 20000] [--waiting 2000]

The log is real: runs of one operation that were submitted, started and finished on one lane, and at
its end `--waiting` runs that wait. One controller folds it from nothing and takes a checkpoint; the
next one begins with that. Printed besides: the size of the checkpoint, the time it took, and the
longest pause of the loop while it was written (and, for comparison, while nothing was).
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import islice
from pathlib import Path

from api.controller.controller import Controller
from api.controller.settings import ControllerSettings
from api.controller.solver_process import SolverProcess
from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
from api.process.stalls import LoopStalls
from api.store import Store
from api.wiring import build_brain
from benchmarks.conditions import conditions
from scheduler.control.events import Event, RunSubmitted, WorkloadAdded
from scheduler.control.workload import Workload
from scheduler.model.messages import (
    AgentJoined,
    OperationFinished,
    OperationStarted,
    TensorRef,
    Value,
)
from scheduler.portfolio import placers, warm_up
from tests.scheduler.site import lane, single

WORK_US = 1_000
PAGE = 1_000
ONE = Value(tensors=(TensorRef(dtype="uint8", shape=(1,), size_bytes=1, inline=b"\0"),))
NEVER_S = 1e9


def story(events: int, waiting: int, end_us: int) -> Iterator[Event]:
    """A log of about this many events; the last one is at a given moment."""
    runs = events // 3
    at_us = end_us - (runs + 1) * WORK_US
    workload: Workload = single()
    yield AgentJoined(
        at_us=at_us, agent="a", incarnation="1", box="b", url="http://a", machines=(lane("a/0"),)
    )
    yield WorkloadAdded(at_us=at_us, workload=workload)
    for i in range(runs):
        name, began_us = f"run-{i:028}", at_us + i * WORK_US
        op = f"{name}/{workload.stages[0].name}"
        yield _submitted(name, began_us)
        yield OperationStarted(at_us=began_us, operation=op, attempt=1, run=name, machine="a/0")
        yield OperationFinished(
            at_us=began_us + WORK_US,
            operation=op,
            attempt=1,
            run=name,
            machine="a/0",
            started_us=began_us,
            compute_us=WORK_US,
            outputs={"out": ONE},
        )
    for i in range(waiting):
        yield _submitted(f"waiting-{i:024}", end_us)


def _submitted(run: str, at_us: int) -> RunSubmitted:
    return RunSubmitted(at_us=at_us, run=run, workload="one@1", inputs={"image": ONE})


@asynccontextmanager
async def office(
    store: Store, settings: ControllerSettings, stalls: list[float]
) -> AsyncIterator[Controller]:
    """A controller that is in office when the block begins."""
    watch = LoopStalls()
    watch.listen(stalls.append)
    async with SolverProcess() as solver:
        controller = Controller(store, build_brain, solver, watch, settings)
        tasks = [asyncio.create_task(watch.watch()), asyncio.create_task(controller.run())]
        try:
            while not controller.status.in_office:
                await asyncio.sleep(0.005)
            yield controller
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def measure(url: str, events: int, waiting: int) -> None:
    """Fold from nothing, take a checkpoint, and begin with it."""
    store = await Store.connect(url, "checkpoint")
    told = story(events, waiting, store.now_us())
    while page := list(islice(told, PAGE)):
        await store.append(*page)
    seldom = ControllerSettings(checkpoint_s=NEVER_S, checkpoint_events=1 << 60)
    often = ControllerSettings(checkpoint_s=0.0, checkpoint_look_s=0.2)
    stalls: list[float] = []
    began_s = time.perf_counter()
    async with office(store, seldom, stalls) as controller:
        folded_s, folded = time.perf_counter() - began_s, controller.status.folded
        await _rest(stalls)
        quiet_s = max(stalls)
    print(f"from nothing: {folded_s:.2f} s for {folded} events")
    print(f"loop still while nothing is written: {quiet_s * 1e3:.0f} ms at most")
    async with office(store, often, stalls) as controller:
        await _rest(stalls)
        while not controller.status.checkpoints:
            await asyncio.sleep(0.05)
        status = controller.status
        print(
            f"checkpoint: {status.checkpoint_bytes / 1024:.0f} KiB in {status.checkpoint_s:.2f} s, "
            f"loop still {max(stalls) * 1e3:.0f} ms at most"
        )
    began_s = time.perf_counter()
    async with office(store, seldom, stalls) as controller:
        begun_s = time.perf_counter() - began_s
        print(
            f"from the checkpoint: {begun_s:.2f} s, {controller.status.folded} events folded "
            f"({folded_s / begun_s:.0f} x sooner)"
        )
    await store.close()


async def _rest(stalls: list[float]) -> None:
    """Wait until the work of taking office is done, and begin to count anew."""
    await asyncio.sleep(2.0)
    stalls.clear()
    await asyncio.sleep(2.0)


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--events", type=int, default=20_000)
    parser.add_argument("--waiting", type=int, default=2_000)
    options = parser.parse_args()
    warm_up(names=placers())
    print(f"{conditions([])}; {options.events} events, {options.waiting} runs wait")
    with tempfile.TemporaryDirectory() as folder:
        server = EmbeddedStore(Settings(data_dir=Path(folder)))
        try:
            asyncio.run(measure(server.start(), options.events, options.waiting))
        finally:
            server.stop()


if __name__ == "__main__":
    main()
