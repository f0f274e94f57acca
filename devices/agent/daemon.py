"""The agent's shell: carries events to its state, and does what the state says."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from secrets import token_hex
from typing import Any

import httpx

from devices.agent import events
from devices.agent.instructions import (
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
    WarmOnWorker,
)
from devices.agent.join import Joined, bearer, join
from devices.agent.lanes import WorkerLane
from devices.agent.link import Incoming, Link
from devices.agent.models import ModelCache
from devices.agent.settings import AgentSettings, agent_id
from devices.agent.state import AgentState
from devices.agent.supplies import Supplies
from devices.agent.tensor_server import TensorApp, own_address, serving
from devices.agent.watch import Watch
from devices.agent.ways import Ways
from devices.discovery import discover, lanes
from devices.functions.registry import functions
from devices.peak_cache import PeakCache
from devices.runtime.host import usable_cores
from devices.tensors import TensorStore, default_root
from devices.worker.failures import reason_for
from devices.worker.protocol import Cancel, Execute, Failed, Finished, FromWorker, Setup, Warm
from scheduler.model.errors import FjordError
from scheduler.model.links import LinkMeasured
from scheduler.model.messages import AgentJoined, AgentLost, AgentPlan, MachineReport

log = logging.getLogger(__name__)
# How long a leaving agent waits for the store to take its last reports.
FLUSH_S = 5.0
CANCEL_AGAIN_S = 0.2
# Between two pieces of an answer; large files take as long as they take.
HTTP_TIMEOUT_S = 30.0


async def run_agent(
    settings: AgentSettings, machines: Sequence[MachineReport] | None = None
) -> None:
    """Join a site and run its plans until SIGTERM or SIGINT; a second one does not wait.

    Parameters
    ----------
    machines
        What to offer; ``None`` discovers it.

    Raises
    ------
    AccessDenied
        If the site refuses the token.
    DuplicateName
        If another agent joins under the same name.
    """
    async with joined_agent(settings, machines) as agent:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, agent.drain)
        try:
            await agent.run()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.remove_signal_handler(number)


@contextlib.asynccontextmanager
async def joined_agent(
    settings: AgentSettings, machines: Sequence[MachineReport] | None = None
) -> AsyncIterator[Agent]:
    """An agent that has been let in and serves its tensors; `Agent.run` does the rest."""
    name = agent_id(settings)
    box = settings.box or socket.gethostname()
    # Boxes talk to each other directly: proxies of the environment are for the outside.
    async with httpx.AsyncClient(
        base_url=settings.server, timeout=HTTP_TIMEOUT_S, trust_env=False
    ) as client:
        joined = await join(client, name, box, settings.token)
        if machines is None:
            machines = await asyncio.to_thread(_discovered, name, settings)
        listener, url = _listener(settings)
        store = _store(settings, joined, box, url)
        headers = bearer(settings.token)
        models = ModelCache(settings.data_dir / "cache" / "models", client, headers)
        supplies = Supplies(store, models, client, bearer(joined.tensor_token))
        async with serving(TensorApp(store, joined.tensor_token), listener):
            yield Agent(name, joined, machines, store, supplies)


class Agent:
    """A running agent.

    Parameters
    ----------
    machines
        What it offers; each gets a worker.
    """

    def __init__(
        self,
        name: str,
        joined: Joined,
        machines: Sequence[MachineReport],
        store: TensorStore,
        supplies: Supplies,
    ) -> None:
        self.name = name
        self.lanes = {machine.id: self._lane(machine, store) for machine in machines}
        self._machines = tuple(machines)
        self._watch = Watch(self.lanes, self._machines)
        self._store = store
        self._supplies = supplies
        self._incarnation = ""
        self._link = Link(joined.store_url, joined.site, name, self._on_lapse)
        self._state = AgentState(name, store.box, machines)
        self._ways = Ways(supplies, store.box, self._machines, self._tell_link)
        self._tasks: set[asyncio.Task[None]] = set()
        self._alarm: asyncio.TimerHandle | None = None
        self._is_rejoining = False
        self._is_draining = False
        self._left = asyncio.Event()
        self._actions: dict[type, Callable[[Any], None]] = {
            StartOnWorker: self._start,
            WarmOnWorker: self._warm,
            FetchTensors: lambda i: self._spawn(self._fetch_tensors(i)),
            FetchModel: lambda i: self._spawn(self._fetch_model(i.digest)),
            CancelOnWorker: self._cancel,
            KillWorker: lambda i: self.lanes[i.machine].kill(i.reason),
            Emit: lambda i: self._link.report(i.report),
            NotifyPeer: lambda i: self._link.notify(i.agent, i.peer),
            ReleaseTensors: lambda i: self._store.release(i.release),
            MeasureLink: lambda i: self._spawn(self._ways.measure(i.ask)),
            Exit: lambda _: self._left.set(),
        }

    async def run(self) -> None:
        """Live: join, work, and leave when drained."""
        await self._join()
        duties = [self._link.write(), self._link.beat(), self._listen(), self._watch.run()]
        duties += [lane.run() for lane in self.lanes.values()]
        tasks = [asyncio.create_task(duty) for duty in duties]
        self._spawn(self._ways.measure_memory())
        leaving = asyncio.create_task(self._leave())
        try:
            done, _ = await asyncio.wait([leaving, *tasks], return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                task.result()
        finally:
            await _end([leaving, *tasks, *self._tasks])
            await self._link.close()

    def drain(self) -> None:
        """Finish what runs and leave; the second time, leave."""
        if self._is_draining:
            self._left.set()
        self._is_draining = True
        self._feed(events.DrainRequested(at_us=self._link.now_us()))

    @property
    def url(self) -> str:
        """Where others fetch its tensors."""
        return self._store.url

    def violations(self) -> list[str]:
        """Which invariants of the state do not hold; empty if all do."""
        return self._state.violations()

    async def _join(self) -> None:
        self._incarnation = token_hex(8)
        await self._link.open(self._incarnation)
        joined = AgentJoined(
            at_us=self._link.now_us(),
            agent=self.name,
            incarnation=self._incarnation,
            box=self._store.box,
            url=self._store.url,
            machines=self._machines,
        )
        self._link.report(joined)

    async def _leave(self) -> None:
        await self._left.wait()
        lost = AgentLost(at_us=self._link.now_us(), agent=self.name, incarnation=self._incarnation)
        self._link.report(lost)
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._link.flush(), FLUSH_S)

    def _on_lapse(self) -> None:
        if not self._is_rejoining and not self._is_draining:
            self._is_rejoining = True
            self._spawn(self._rejoin())

    async def _rejoin(self) -> None:
        log.warning("agent %s was out of reach and joins again", self.name)
        await self._join()
        self._feed(events.Rejoined(at_us=self._link.now_us()))
        self._is_rejoining = False

    async def _listen(self) -> None:
        async for message in self._link.messages():
            self._feed(self._arrived(message))

    def _arrived(self, message: Incoming) -> events.Event:
        at_us = self._link.now_us()
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
            delay_s = max(0, wake_us - self._link.now_us()) / 1_000_000
            self._alarm = asyncio.get_running_loop().call_later(delay_s, self._tick)

    def _tick(self) -> None:
        self._feed(events.Tick(at_us=self._link.now_us()))

    # Workers

    def _lane(self, machine: MachineReport, store: TensorStore) -> WorkerLane:
        setup = Setup(
            machine=machine.id,
            tensor_root=str(store.root),
            box=store.box,
            url=store.url,
            inline_bytes=store.inline_bytes,
            has_functions=bool(machine.functions),
            has_models=bool(machine.providers),
        )
        return WorkerLane(machine, setup, on_message=self._on_message, on_death=self._on_death)

    def _on_message(self, machine: str, message: FromWorker) -> None:
        match message:
            case Finished():
                event = self._finished(machine, message)
            case Failed():
                event = events.WorkerFailed(
                    at_us=self._link.now_us(),
                    machine=machine,
                    operation=message.operation,
                    attempt=message.attempt,
                    reason=message.reason,
                    message=message.message,
                )
            case _:
                event = events.WorkerReady(at_us=self._link.now_us(), machine=machine)
                self._ways.settle(machine)
        self._feed(event)

    def _finished(self, machine: str, message: Finished) -> events.Event:
        return events.WorkerFinished(
            at_us=self._link.at_us(message.ended_us),
            machine=machine,
            operation=message.operation,
            attempt=message.attempt,
            started_us=self._link.at_us(message.started_us),
            compute_us=message.compute_us,
            load_us=message.load_us,
            outputs=message.outputs,
            profile=message.profile,
            load=self._watch.load(machine, message.started_us, message.pace_ns),
        )

    def _on_death(self, machine: str, reason: str) -> None:
        log.warning("%s", reason)
        self._feed(events.WorkerDied(at_us=self._link.now_us(), machine=machine, reason=reason))

    def _start(self, instruction: StartOnWorker) -> None:
        dispatch = instruction.dispatch
        self.lanes[dispatch.machine].send(
            Execute(
                operation=dispatch.operation,
                attempt=dispatch.attempt,
                run=dispatch.run,
                provider=dispatch.provider,
                work=dispatch.work,
                inputs=instruction.inputs,
                model_path=instruction.model_path,
            )
        )

    def _warm(self, instruction: WarmOnWorker) -> None:
        dispatch = instruction.dispatch
        self.lanes[dispatch.machine].send(
            Warm(
                digest=dispatch.work.digest,
                provider=dispatch.provider,
                model_path=instruction.model_path,
            )
        )

    def _cancel(self, instruction: CancelOnWorker) -> None:
        message = Cancel(operation=instruction.operation, attempt=instruction.attempt)
        self.lanes[instruction.machine].send(message)

    # Supplies

    def _tell_link(self, source: str, latency_us: int, bytes_per_s: int, error: str) -> None:
        measured = LinkMeasured(
            at_us=self._link.now_us(),
            agent=self.name,
            source=source,
            target=self._store.box,
            latency_us=latency_us,
            bytes_per_s=bytes_per_s,
            error=error,
        )
        self._link.report(measured)

    async def _fetch_tensors(self, instruction: FetchTensors) -> None:
        operation, attempt = instruction.dispatch.operation, instruction.dispatch.attempt
        try:
            inputs, moved = await self._supplies.inputs(instruction.inputs)
        except FjordError as error:
            event: events.Event = events.FetchFailed(
                at_us=self._link.now_us(),
                operation=operation,
                attempt=attempt,
                reason=reason_for(error),
                message=error.message,
            )
        else:
            event = events.Fetched(
                at_us=self._link.now_us(),
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
                at_us=self._link.now_us(),
                digest=digest,
                reason=reason_for(error),
                message=error.message,
            )
        else:
            event = events.ModelReady(at_us=self._link.now_us(), digest=digest, path=str(path))
        self._feed(event)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(_log_failure)


def _discovered(name: str, settings: AgentSettings) -> list[MachineReport]:
    return lanes(
        name,
        discover(settings.simulated, cache=PeakCache(settings.data_dir / "cache" / "peaks")),
        settings.cores or usable_cores(),
        simulated=settings.simulated,
        functions=tuple(sorted(functions())),
    )


def _listener(settings: AgentSettings) -> tuple[socket.socket, str]:
    """A socket for other boxes, and its address; on a loopback site it is not open to them."""
    host = settings.host or own_address(settings.server)
    bind = host if host.startswith("127.") else "0.0.0.0"
    listener = socket.create_server((bind, 0))
    return listener, f"http://{host}:{listener.getsockname()[1]}"


def _store(settings: AgentSettings, joined: Joined, box: str, url: str) -> TensorStore:
    root = settings.tensor_root or default_root(joined.site, box)
    return TensorStore(root, box, url, settings.inline_bytes)


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
