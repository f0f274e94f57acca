"""The cost of many agents to the service, and their return after it was killed.

    python -m benchmarks.agents [--agents 1 50] [--rate 20] [--seconds 20] [--beside CHECKOUT]

Agents of two lanes each, all in one other process, join a site that has no agent of its own. They
are real but for their workers: the join, the line to the store and the state are those of ``fjord
agent``, while an operation only lets its time pass. Each agent is on a box of its own. Runs of one
function come at the same rate for any number of agents, and last as long as keeps the lanes four
fifths busy, so that the log gets as many events of each kind. Figures: processor time of the
service per event, and its ratio between the most and the fewest agents. Then the service is killed:
seconds until it answers and shows all machines up, and until a run that only one agent may take has
ended on each of them. With another checkout, the service of the code there is measured in turns.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from secrets import token_hex
from typing import Any

import httpx
import numpy as np
import psutil
import redis

from api.process.ports import free_port
from api.tools.demo.service import Service, start_service, stop_service, wait_for
from benchmarks.conditions import commit, machine
from devices.agent.brain import events
from devices.agent.brain.instructions import (
    CancelOnWorker,
    Emit,
    Instruction,
    KillWorker,
    MeasureLink,
    NotifyPeer,
    StartOnWorker,
)
from devices.agent.brain.state import AgentState
from devices.agent.shell.join import Joined, join
from devices.agent.shell.store_connection import Incoming, StoreConnection
from fjord import Client, FjordApiError, Run
from scheduler.model import keys
from scheduler.model.errors import FjordError
from scheduler.model.links import LinkMeasured
from scheduler.model.measuring import Load
from scheduler.model.messages import (
    PROTOCOL,
    AgentJoined,
    AgentPlan,
    Dispatch,
    MachineReport,
    TensorRef,
    Value,
)

LANES = 2
BUSY_SHARE = 0.8
READY_S, ENDED_S, BACK_S = 180.0, 300.0, 120.0
QUIET_S, QUIET_EVENTS = 2.0, 4
POLL_S = 0.1
SMALL = Value(tensors=(TensorRef(dtype="int64", shape=(1,), size_bytes=8, inline=b"\0" * 8),))
WORKLOAD = {
    "name": "small",
    "inputs": {"x": {"dtype": "float32", "shape": [1, 4]}},
    "stages": [{"name": "best", "function": "arg_max", "inputs": {"scores": "x"}}],
    "outputs": {"column": "best.indices"},
}


class PlayedAgent:
    """An agent whose workers are timers; all else is made of the parts of ``fjord agent``."""

    def __init__(self, name: str, joined: Joined, work_s: float) -> None:
        self._name, self._box, self._work_s = name, f"box-{name}", work_s
        self._machines = [_lane(name, i) for i in range(LANES)]
        self._connection = StoreConnection(joined.store_url, joined.site, name, self._on_lapse)
        self._state = AgentState(name, self._box, self._machines)
        self._timers: dict[str, asyncio.TimerHandle] = {}
        self._rejoining: asyncio.Task[None] | None = None
        self._actions: dict[type, Callable[[Any], None]] = {
            StartOnWorker: lambda i: self._start(i.dispatch),
            CancelOnWorker: lambda i: self._end(i.machine),
            KillWorker: lambda i: self._end(i.machine),
            Emit: lambda i: self._connection.report(i.report, can_wait=self._state.is_busy),
            NotifyPeer: lambda i: self._connection.notify(i.agent, i.peer),
            MeasureLink: lambda i: self._measured(i.ask.box),
        }

    async def run(self) -> None:
        """Join and work, until cancelled."""
        await self._join()
        for each in self._machines:
            self._feed(events.WorkerReady(at_us=self._connection.now_us(), machine=each.id))
        await asyncio.gather(self._connection.write(), self._connection.beat(), self._listen())

    async def _join(self) -> None:
        incarnation = token_hex(8)
        await self._connection.open(incarnation)
        joined = AgentJoined(
            at_us=self._connection.now_us(),
            agent=self._name,
            incarnation=incarnation,
            box=self._box,
            url=f"http://{self._box}",
            machines=tuple(self._machines),
            protocol=PROTOCOL,
        )
        self._connection.report(joined)

    def _on_lapse(self) -> None:
        if self._rejoining is None or self._rejoining.done():
            self._rejoining = asyncio.ensure_future(self._rejoin())

    async def _rejoin(self) -> None:
        await self._join()
        self._feed(events.Rejoined(at_us=self._connection.now_us()))

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

    def _do(self, instruction: Instruction) -> None:
        # No other instruction has a counterpart here: no tensors are kept, no models are loaded.
        action = self._actions.get(type(instruction))
        if action is not None:
            action(instruction)

    def _start(self, dispatch: Dispatch) -> None:
        loop, started_us = asyncio.get_running_loop(), self._connection.now_us()
        self._timers[dispatch.machine] = loop.call_later(
            self._work_s, self._finish, dispatch, started_us
        )

    def _finish(self, dispatch: Dispatch, started_us: int) -> None:
        at_us = self._connection.now_us()
        ended = events.WorkerFinishedOperation(
            at_us=at_us,
            machine=dispatch.machine,
            operation=dispatch.operation,
            attempt=dispatch.attempt,
            started_us=started_us,
            compute_us=at_us - started_us,
            load_us=0,
            outputs={name: SMALL for name in dispatch.work.outputs},
            load=Load(),
        )
        self._feed(ended)

    def _end(self, machine: str) -> None:
        """End the running operation as a killed worker does; the next worker is there at once."""
        self._timers.pop(machine).cancel()
        asyncio.get_running_loop().call_soon(self._died, machine)

    def _died(self, machine: str) -> None:
        at_us = self._connection.now_us()
        self._feed(events.WorkerDied(at_us=at_us, machine=machine, reason="it was ended"))
        self._feed(events.WorkerReady(at_us=at_us, machine=machine))

    def _measured(self, source: str) -> None:
        found = LinkMeasured(
            at_us=self._connection.now_us(),
            agent=self._name,
            source=source,
            target=self._box,
            latency_us=300,
            bytes_per_s=10**9,
        )
        self._connection.report(found)


def _lane(agent: str, index: int) -> MachineReport:
    return MachineReport(
        id=f"{agent}/cpu{index}",
        device=f"cpu{index}",
        device_class="cpu",
        cores=(index,),
        memory_bytes=1 << 30,
        providers=(),
        functions=("arg_max",),
    )


def _names(count: int) -> list[str]:
    return [f"played{i}" for i in range(count)]


async def _play(url: str, count: int, work_s: float) -> None:
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        names = _names(count)
        joined = [await join(client, name, f"box-{name}", "") for name in names]
    agents = [PlayedAgent(name, each, work_s) for name, each in zip(names, joined, strict=True)]
    await asyncio.gather(*(agent.run() for agent in agents))


def play(url: str, count: int, work_s: float) -> None:
    """Play this many agents until the process is ended."""
    asyncio.run(_play(url, count, work_s))


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A service that agents have joined."""

    service: Service
    client: Client
    store: redis.Redis
    name: str
    agents: list[str]

    def serving(self) -> psutil.Process:
        """The process that holds the office."""
        children = psutil.Process(self.service.process.pid).children()
        return next(child for child in children if "serve" in child.cmdline())

    def logged(self) -> int:
        """Entries that the log has ever had."""
        found: Any = self.store.xinfo_stream(keys.events(self.name))
        return int(found["entries-added"])

    def are_up(self) -> bool:
        """True if every lane is shown as taking work."""
        with contextlib.suppress(FjordError, FjordApiError):
            states = [each["state"] for each in self.client.devices()]
            return states == ["up"] * (LANES * len(self.agents))
        return False

    def until_quiet(self) -> None:
        """Wait until next to nothing happens: newcomers have their links measured."""
        before = -QUIET_EVENTS - 1
        while self.logged() - before > QUIET_EVENTS:
            before = self.logged()
            time.sleep(QUIET_S)


@contextmanager
def site(checkout: Path, count: int, work_s: float) -> Iterator[Site]:
    """A service of the code in a folder, joined by agents of the code here."""
    name, port = f"agents{token_hex(4)}", free_port()
    with tempfile.TemporaryDirectory(prefix="agents-") as folder, contextlib.ExitStack() as stack:
        with contextlib.chdir(checkout):
            service = start_service(Path(folder), port, ["--no-agent"], {"FJORD_SITE": name})
        stack.callback(stop_service, service)
        spawning = multiprocessing.get_context("spawn")
        players = spawning.Process(target=play, args=(service.url, count, work_s), daemon=True)
        players.start()
        stack.callback(players.join)
        stack.callback(players.kill)
        client = stack.enter_context(Client(service.url, timeout_s=30, patience_s=0.0))
        kept = [Path(folder) / "store" / part for part in ("port", "password")]
        wait_for(lambda: all(each.exists() for each in kept), READY_S, "there is no store")
        at, password = (each.read_text().strip() for each in kept)
        store = stack.enter_context(redis.Redis(port=int(at), password=password))
        found = Site(service=service, client=client, store=store, name=name, agents=_names(count))
        wait_for(found.are_up, READY_S, "not all agents have joined")
        client.create_workload(WORKLOAD)
        found.until_quiet()
        yield found


def cost_us(found: Site, rate: float, seconds: float) -> tuple[float, int]:
    """Processor time of the service per event while runs come, and how many events those were."""
    serving = found.serving()
    before, logged = serving.cpu_times(), found.logged()
    runs, began_s = [], time.monotonic()
    for i in range(int(rate * seconds)):
        time.sleep(max(0.0, began_s + i / rate - time.monotonic()))
        runs.append(found.client.submit("small", {"x": np.zeros((1, 4), np.float32)}))
    ended = [found.client.wait(run, timeout_s=ENDED_S).state for run in runs]
    if set(ended) != {"finished"}:
        raise SystemExit(f"not all runs finished: {sorted(set(ended))}")
    after, events_seen = serving.cpu_times(), found.logged() - logged
    spent_s: float = after.user - before.user + after.system - before.system
    return spent_s * 1e6 / events_seen, events_seen


def back_s(found: Site) -> tuple[float, float]:
    """Kill the service: seconds until all lanes are shown up, and until each agent has worked."""
    found.serving().kill()
    began_s = time.monotonic()
    wait_for(found.are_up, BACK_S, "not all agents are back")
    up_s = time.monotonic() - began_s
    runs = [_submitted(found.client, agent) for agent in found.agents]
    for run in runs:
        ended = found.client.wait(run, timeout_s=BACK_S)
        if ended.state != "finished":
            raise SystemExit(f"a run after the kill is {ended.state}")
    return up_s, time.monotonic() - began_s


def _submitted(client: Client, agent: str) -> Run:
    """A run that only one agent may take, however often one has to ask."""
    given = {"x": np.zeros((1, 4), np.float32)}
    end_s = time.monotonic() + BACK_S
    while time.monotonic() < end_s:
        with contextlib.suppress(FjordError, FjordApiError):
            return client.submit("small", given, allow=[f"{agent}/*"])
        time.sleep(POLL_S)
    raise SystemExit("no run is taken after the kill")


def measure(checkout: Path, asked: argparse.Namespace) -> None:
    """Print the figures of the service of one checkout."""
    costs: dict[int, float] = {}
    for count in sorted(asked.agents):
        work_s = BUSY_SHARE * LANES * count / asked.rate
        with site(checkout, count, work_s) as found:
            costs[count], seen = cost_us(found, asked.rate, asked.seconds)
            print(f"  {count:3} agents: {costs[count]:.0f} us an event ({seen})", flush=True)
            up_s, worked_s = back_s(found)
            print(f"    killed: all up after {up_s:.1f} s, all have worked after {worked_s:.1f} s")
            print(f"    (a run takes {work_s:.1f} s)", flush=True)
    print(f"  ratio {costs[max(costs)] / costs[min(costs)]:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--agents", type=int, nargs="+", default=[1, 50])
    parser.add_argument("--rate", type=float, default=20.0, help="runs a second")
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--beside", type=Path, help="another checkout, measured after this one")
    asked = parser.parse_args()
    load = psutil.getloadavg()[0]
    print(f"{machine()}, commit {commit()}; load {load:.1f}; {LANES} lanes an agent")
    for checkout in [Path.cwd(), *([asked.beside.resolve()] if asked.beside else [])]:
        print(checkout.name, flush=True)
        measure(checkout, asked)


if __name__ == "__main__":
    main()
