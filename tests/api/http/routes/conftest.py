from __future__ import annotations

import asyncio
import contextlib
import io
import re
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import numpy as np
import onnx
import pytest
import uvicorn
from onnx import TensorProto, helper

from api.http.context import Context
from api.http.server import create_app, server_config
from api.process.settings import Settings
from devices.agent.shell.daemon import joined_agent
from devices.agent.shell.settings import AgentSettings
from devices.functions.registry import functions
from devices.tensor_folders import default_root
from scheduler.model.messages import MachineReport, ProviderReport, Verdict

Eventually = Callable[[Callable[[], Awaitable[bool]]], Awaitable[None]]
REQUEST_LIMIT = 2_000_000
JSON_LIMIT = 500_000
MODEL_LIMIT = 1_000_000


class Document:
    """The OpenAPI document of a service, against which every answer is held."""

    def __init__(self, document: dict[str, Any]) -> None:
        self.document = document
        self._patterns = {
            path: re.compile(re.sub(r"\{[^}]+\}", lambda m: _segment(m.group()), path) + r"\Z")
            for path in document["paths"]
        }

    def path_of(self, url: str) -> str | None:
        """The declared path of an address; the one with the fewest variables counts."""
        found = [path for path, pattern in self._patterns.items() if pattern.match(url)]
        return min(found, key=lambda path: path.count("{"), default=None)

    async def check(self, response: httpx.Response) -> None:
        """Refuse an answer that is not declared, or is not as declared."""
        path = self.path_of(response.request.url.path)
        # HEAD is answered as GET is, without the body.
        is_head = response.request.method == "HEAD"
        method = "get" if is_head else response.request.method.lower()
        operation = self.document["paths"].get(path, {}).get(method)
        if operation is None:
            assert response.status_code in {404, 405} or path is None
            return
        declared = operation["responses"]
        answer = declared.get(str(response.status_code))
        if answer is None:
            assert response.status_code >= 400
            answer = declared["default"]
        media_type = response.headers.get("content-type", "").partition(";")[0]
        content = answer.get("content", {})
        assert media_type in content or not content
        if media_type.endswith("json") and not is_head:
            await response.aread()
            schema = {**content[media_type]["schema"], "components": self.document["components"]}
            jsonschema.validate(response.json(), schema)


def _segment(variable: str) -> str:
    return "(.+)" if variable in {"{output}", "{key}"} else "([^/]+)"


class Service:
    """A running service, its client and its document."""

    def __init__(self, client: httpx.AsyncClient, context: Context, document: Document) -> None:
        self.client = client
        self.context = context
        self.document = document

    async def add_model(
        self, name: str, content: bytes | None = None, **form: str
    ) -> httpx.Response:
        """Upload a model; by default one that doubles what it gets."""
        return await self.client.post(
            "/v1/models",
            data={"name": name, **form},
            files={"file": (f"{name}.onnx", doubling_model() if content is None else content)},
        )

    async def add_doubling(self, name: str) -> None:
        """Make a workload of one model that doubles ``x``."""
        await self.add_model("double")
        body = {
            "name": name,
            "inputs": {"x": {"dtype": "float32", "shape": ["n", 3]}},
            "stages": [{"name": "double", "model": "double", "inputs": {"x": "x"}}],
            "outputs": {"y": "double.y"},
        }
        response = await self.client.post("/v1/workloads", json=body)
        assert response.is_success, response.text


def doubling_model(factor: float = 2.0) -> bytes:
    """A model with one input ``x`` of shape (n, 3) and one output ``y``, twice as much."""
    graph = helper.make_graph(
        [helper.make_node("Mul", ["x", "factor"], ["y"])],
        "double",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["n", 3])],
        [helper.make_tensor("factor", TensorProto.FLOAT, [], [factor])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    content: bytes = model.SerializeToString()
    onnx.checker.check_model(model)
    return content


def npy(array: Any) -> bytes:
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def machine(name: str, core: int) -> MachineReport:
    provider = ProviderReport(
        provider="cpu", device_class="cpu", verdict=Verdict.USABLE, terminates=True
    )
    return MachineReport(
        id=name,
        device="cpu",
        device_class="cpu",
        cores=(core,),
        memory_bytes=2**30,
        providers=(provider,),
        functions=tuple(sorted(functions())),
    )


class _Server(uvicorn.Server):
    """A server inside a process whose signals are pytest's."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[str, Context]]:
    """A real server on a free port, in this process."""
    app = create_app(settings)
    config = server_config(app, settings)
    # Not a socket of ours: asyncio would not see that it is TCP, and answers come 40 ms late.
    config.port = 0
    server = _Server(config)
    task = asyncio.create_task(server.serve())
    try:
        while not server.started:
            assert not task.done(), "the server did not start"
            await asyncio.sleep(0.01)
        (listener,) = server.servers[0].sockets
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", app.state.context
    finally:
        server.should_exit = True
        await task
        shutil.rmtree(default_root(settings.site, settings.box).parent, ignore_errors=True)


@contextlib.asynccontextmanager
async def agent_of(url: str, folder: Path, box: str) -> AsyncIterator[None]:
    """A real agent with one CPU lane, in this process; its worker is a process of its own."""
    settings = AgentSettings(server=url, data_dir=folder, name="one", box=box)
    async with joined_agent(settings, [machine("one/cpu0", 0)]) as agent:
        task = asyncio.create_task(agent.run())
        try:
            yield
        finally:
            agent.drain()
            agent.drain()
            await task


@pytest.fixture(scope="module")
async def service(
    store_url: str, tmp_path_factory: pytest.TempPathFactory, eventually: Eventually
) -> AsyncIterator[Service]:
    """A service with one agent, over HTTP; every answer is held against its document."""
    folder = tmp_path_factory.mktemp("service")
    box = f"box-{folder.name}"
    settings = Settings(
        data_dir=folder / "data",
        store_url=store_url,
        site=f"routes-{folder.name}",
        box=box,
        max_request_bytes=REQUEST_LIMIT,
        max_json_bytes=JSON_LIMIT,
        max_model_bytes=MODEL_LIMIT,
    )
    async with (
        serving(settings) as (url, context),
        httpx.AsyncClient(base_url=url, timeout=30) as client,
        agent_of(url, folder / "agent", box),
    ):
        await eventually(partial(_has_machine, client))
        document = Document((await client.get("/openapi.json")).json())
        client.event_hooks = {"response": [document.check]}
        yield Service(client, context, document)


async def _has_machine(client: httpx.AsyncClient) -> bool:
    response = await client.get("/v1/devices")
    return response.is_success and bool(response.json()["machines"])


@pytest.fixture(scope="module")
async def client(service: Service) -> httpx.AsyncClient:
    return service.client
