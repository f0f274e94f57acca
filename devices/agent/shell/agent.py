"""A running agent: carries events to its state, and carries out the instructions of the state."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from secrets import token_hex
from typing import Any

from devices.agent.brain import events
from devices.agent.brain.instructions import (
    AdmitCalls,
    CancelOnWorker,
    Emit,
    Exit,
    FetchModel,
    FetchTensors,
    Instruction,
    KillWorker,
    MeasureLink,
    NotifyPeer,
    ReleaseTensors,
    StartOnWorker,
    UnloadModel,
    WarmOnWorker,
)
from devices.agent.brain.state import AgentState
from devices.agent.shell.crew import Crew
from devices.agent.shell.join import Joined
from devices.agent.shell.links import LinkMeter
from devices.agent.shell.store_connection import Incoming, StoreConnection
from devices.agent.shell.supplies import Supplies
from devices.agent.shell.worker_process import WorkerLane
from devices.tensors import TensorStore
from devices.worker.failures import reason_for
from scheduler.model.errors import FjordError
from scheduler.model.links import LinkMeasured
from scheduler.model.messages import PROTOCOL, AgentJoined, AgentLost, AgentPlan, MachineReport

log = logging.getLogger(__name__)
# Time that a leaving agent waits for the store to take its last reports.
FLUSH_S = 5.0
CANCEL_AGAIN_S = 0.2


class Agent:
    """A running agent.

    Parameters
    ----------
    machines
        Machines that it offers; each gets a worker.
    worker_bytes
        Most memory that a worker may hold, see `Crew`.
    """

    def __init__(
        self,
        name: str,
        joined: Joined,
        machines: Sequence[MachineReport],
        store: TensorStore,
        supplies: Supplies,
        worker_bytes: int = 0,
    ) -> None:
        self.name = name
        self._machines = tuple(machines)
        self._store = store
        self._supplies = supplies
        self._incarnation = ""
        self._connection = StoreConnection(joined.store_url, joined.site, name, self._on_lapse)
        self._state = AgentState(name, store.box, machines)
        self._links = LinkMeter(supplies, store.box, self._machines, self._tell_link)
        self._crew = Crew(
            self._machines,
            store,
            self._connection,
            feed=self._feed,
            settle=self._links.settle,
            worker_bytes=worker_bytes,
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_rejoining = False
        self._is_draining = False
        self._left = asyncio.Event()
        self._actions: dict[type, Callable[[Any], None]] = {
            StartOnWorker: self._crew.start,
            WarmOnWorker: self._crew.warm,
            AdmitCalls: self._crew.admit,
            UnloadModel: self._crew.unload,
            FetchTensors: lambda i: self._spawn(self._fetch_tensors(i)),
            FetchModel: lambda i: self._spawn(self._fetch_model(i.digest)),
            CancelOnWorker: self._crew.cancel,
            KillWorker: self._crew.kill,
            Emit: lambda i: self._connection.report(i.report, can_wait=self._state.is_busy),
            NotifyPeer: lambda i: self._connection.notify(i.agent, i.peer),
            ReleaseTensors: lambda i: self._store.release(i.release),
            MeasureLink: lambda i: self._spawn(self._links.measure(i.ask)),
            Exit: lambda _: self._left.set(),
        }

    async def run(self) -> None:
        """Live: join, work, and leave when drained."""
        await self._join()
        duties = [
            self._connection.write(),
            self._connection.beat(),
            self._listen(),
            *self._crew.duties(),
        ]
        tasks = [asyncio.create_task(duty) for duty in duties]
        self._spawn(self._links.measure_memory())
        leaving = asyncio.create_task(self._leave())
        try:
            done, _ = await asyncio.wait([leaving, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _end([leaving, *tasks, *self._tasks])
            await self._crew.close()
            await self._connection.close()

    def drain(self) -> None:
        """Finish running operations and leave; at the second call, leave at once."""
        if self._is_draining:
            self._left.set()
        self._is_draining = True
        self._feed(events.DrainRequested(at_us=self._connection.now_us()))

    @property
    def lanes(self) -> Mapping[str, WorkerLane]:
        """Worker processes, by machine."""
        return self._crew.lanes

    @property
    def url(self) -> str:
        """Address under which other boxes fetch its tensors."""
        return self._store.url

    def violations(self) -> list[str]:
        """Broken invariants of the state, one sentence each; empty if all hold."""
        return self._state.violations()

    async def _join(self) -> None:
        self._incarnation = token_hex(8)
        await self._connection.open(self._incarnation)
        joined = AgentJoined(
            at_us=self._connection.now_us(),
            agent=self.name,
            incarnation=self._incarnation,
            box=self._store.box,
            url=self._store.url,
            machines=self._machines,
            protocol=PROTOCOL,
        )
        self._connection.report(joined)

    async def _leave(self) -> None:
        await self._left.wait()
        lost = AgentLost(
            at_us=self._connection.now_us(), agent=self.name, incarnation=self._incarnation
        )
        self._connection.report(lost)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._connection.flush(), FLUSH_S)

    def _on_lapse(self) -> None:
        if not self._is_rejoining and not self._is_draining:
            self._is_rejoining = True
            self._spawn(self._rejoin())

    async def _rejoin(self) -> None:
        log.warning("agent %s was out of reach and joins again", self.name)
        await self._join()
        self._feed(events.Rejoined(at_us=self._connection.now_us()))
        self._is_rejoining = False

    async def _listen(self) -> None:
        async for message in self._connection.messages():
            self._feed(self._arrived(message))

    def _arrived(self, message: Incoming) -> events.Event:
        at_us = self._connection.now_us()
        if isinstance(message, AgentPlan):
            return events.PlanReceived(at_us=at_us, plan=message)
        return events.PeerReceived(at_us=at_us, peer=message)

    def _feed(self, event: events.Event) -> None:
        for instruction in self._state.handle(event):
            self._do(instruction)
        self._set_alarm()

    def _do(self, instruction: Instruction) -> None:
        self._actions[type(instruction)](instruction)

    def _set_alarm(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None
        wake_us = self._state.wake_us
        if wake_us is not None:
            delay_s = max(0, wake_us - self._connection.now_us()) / 1_000_000
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._feed(events.Tick(at_us=self._connection.now_us()))

    def _tell_link(self, source: str, latency_us: int, bytes_per_s: int, error: str) -> None:
        measured = LinkMeasured(
            at_us=self._connection.now_us(),
            agent=self.name,
            source=source,
            target=self._store.box,
            latency_us=latency_us,
            bytes_per_s=bytes_per_s,
            error=error,
        )
        self._connection.report(measured)

    async def _fetch_tensors(self, instruction: FetchTensors) -> None:
        operation, attempt = instruction.dispatch.operation, instruction.dispatch.attempt
        try:
            inputs, moved = await self._supplies.inputs(instruction.inputs)
        except FjordError as error:
            event: events.Event = events.FetchFailed(
                at_us=self._connection.now_us(),
                operation=operation,
                attempt=attempt,
                reason=reason_for(error),
                message=error.message,
            )
        else:
            event = events.Fetched(
                at_us=self._connection.now_us(),
                operation=operation,
                attempt=attempt,
                inputs=inputs,
                transfers=tuple(moved),
            )
        self._feed(event)

    async def _fetch_model(self, digest: str) -> None:
        try:
            path = await self._supplies.model(digest)
        except FjordError as error:
            event: events.Event = events.ModelFailed(
                at_us=self._connection.now_us(),
                digest=digest,
                reason=reason_for(error),
                message=error.message,
            )
        else:
            event = events.ModelReady(
                at_us=self._connection.now_us(), digest=digest, path=str(path)
            )
        self._feed(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_failure)


async def _end(tasks: list[asyncio.Task[None]]) -> None:
    # redis-py now and then takes a cancellation in and goes on, so one may not be enough.
    while waiting := [task for task in tasks if not task.done()]:
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*tasks, return_exceptions=True)


def _log_failure(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        log.error("a duty of the agent failed", exc_info=task.exception())
