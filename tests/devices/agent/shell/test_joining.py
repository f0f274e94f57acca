"""Getting in: over HTTP, with a token, as a process that takes its workers with it."""

from __future__ import annotations

import asyncio
import http.server
import json
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from devices.agent.shell.join import Joined, join
from devices.agent.shell.model_cache import ModelCache
from devices.agent.shell.settings import AgentSettings, agent_id
from scheduler.model.errors import AccessDenied, DeviceLost, InvalidInput, InvalidModel
from scheduler.model.messages import AgentJoined, AgentLost, OperationFinished, Value
from tests.agents import SITE, Server, call, controlling, dispatch, given, wait_until

TEXTS = Value(tensors=(), is_list=True)
ANSWER = {"site": SITE, "store_url": "redis://x", "time_us": 1}


def joining(*answers: httpx.Response | httpx.TransportError) -> tuple[Joined, list[httpx.Request]]:
    """Result of joining a service that gives these answers."""
    left, asked = list(answers), []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        answer = left.pop(0)
        if isinstance(answer, httpx.TransportError):
            raise answer
        return answer

    async def scenario() -> Joined:
        transport = httpx.MockTransport(handle)
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            return await join(client, "a", "box", "secret")

    return asyncio.run(scenario()), asked


def test_it_says_who_it_is_and_learns_where_the_store_is() -> None:
    joined, (request,) = joining(httpx.Response(200, json=ANSWER))
    assert joined == Joined(site=SITE, store_url="redis://x", tensor_token="secret")
    assert request.headers["authorization"] == "Bearer secret"
    assert json.loads(request.content)["agent"] == "a"


def test_it_asks_until_the_service_is_there() -> None:
    away = httpx.ConnectError("refused")
    joined, asked = joining(away, httpx.Response(503), httpx.Response(200, json=ANSWER))
    assert joined.site == SITE
    assert len(asked) == 3


@pytest.mark.parametrize(
    ("status", "kind", "message"),
    [
        (401, AccessDenied, "refuses the token: no such token. Give one with the scope `agent`"),
        (403, AccessDenied, "refuses the token"),
        (422, InvalidInput, "refuses the agent: no such token"),
    ],
)
def test_a_refusal_is_final_and_says_what_to_do(
    status: int, kind: type[Exception], message: str
) -> None:
    with pytest.raises(kind, match=message):
        joining(httpx.Response(status, json={"detail": "no such token"}))


def test_an_agent_keeps_its_id(tmp_path: Path) -> None:
    settings = AgentSettings(server="http://x", data_dir=tmp_path / "data")
    assert agent_id(settings) == agent_id(settings)
    assert agent_id(AgentSettings(server="", data_dir=tmp_path, name="left")) == "left"


@pytest.mark.parametrize("name", ["a/b", ".", "-x", "a" * 65])
def test_a_name_that_cannot_be_an_id_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidInput, match="name must match"):
        agent_id(AgentSettings(server="", data_dir=tmp_path, name=name))


@pytest.mark.parametrize(
    ("digest", "status", "error"),
    [
        (sha256(b"other").hexdigest(), 200, InvalidModel),
        (sha256(b"model").hexdigest(), 404, DeviceLost),
        (sha256(b"model").hexdigest(), 500, DeviceLost),
        ("../etc/passwd", 200, InvalidModel),
    ],
)
def test_a_model_that_is_not_what_it_should_be_leaves_no_file(
    tmp_path: Path, digest: str, status: int, error: type[Exception]
) -> None:
    async def scenario() -> None:
        transport = httpx.MockTransport(lambda _: httpx.Response(status, content=b"model"))
        async with httpx.AsyncClient(transport=transport, base_url="http://site") as client:
            await ModelCache(tmp_path / "models", client, {}).path(digest)

    with pytest.raises(error):
        asyncio.run(scenario())
    assert list((tmp_path / "models").iterdir()) == []


class Service(http.server.BaseHTTPRequestHandler):
    """Lets agents in, and nothing else."""

    store_url = ""

    def do_POST(self) -> None:
        body = json.dumps({**ANSWER, "store_url": self.store_url}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@pytest.fixture
def service(server: Server) -> Iterator[str]:
    handler = type("LocalService", (Service,), {"store_url": server.url})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as http_server:
        threading.Thread(target=http_server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{http_server.server_port}"
        http_server.shutdown()


@pytest.fixture
def process(service: str, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An agent in a process of its own."""
    script = (
        "import asyncio, sys; from pathlib import Path\n"
        "from devices.agent.shell.daemon import run_agent\n"
        "from devices.agent.shell.settings import AgentSettings\n"
        "from tests.agents import cpu_machines\n"
        "data = Path(sys.argv[2])\n"
        "settings = AgentSettings(server=sys.argv[1], data_dir=data, name='a', tensor_root=data)\n"
        "asyncio.run(run_agent(settings, cpu_machines('a', 2)))\n"
    )
    command = [sys.executable, "-c", script, service, str(tmp_path / "data")]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        yield process
        process.kill()


def test_a_signal_drains_the_process(server: Server, process: subprocess.Popen[bytes]) -> None:
    async def scenario() -> None:
        async with controlling(server) as controller:
            await controller.send("a", dispatch("one", "a/cpu0", call("gather_text")))
            joined = await controller.wait_for(AgentJoined, agent="a")
            process.send_signal(signal.SIGTERM)
            lost = await controller.wait_for(AgentLost, agent="a")
            assert lost.incarnation == joined.incarnation

    asyncio.run(scenario())
    assert process.wait(30) == 0


def test_workers_do_not_outlive_a_killed_agent(
    server: Server, process: subprocess.Popen[bytes]
) -> None:
    async def scenario() -> None:
        async with controlling(server) as controller:
            one = dispatch("one", "a/cpu1", call("gather_text"), inputs={"texts": given(TEXTS)})
            await controller.send("a", one)
            await controller.wait_for(OperationFinished, operation="r-1/one")

    asyncio.run(scenario())
    (nursery,) = psutil.Process(process.pid).children()
    workers = nursery.children()
    assert len(workers) == 2
    process.kill()
    process.wait(30)
    wait_until(lambda: all(is_over(each) for each in [nursery, *workers]))


def is_over(process: psutil.Process) -> bool:
    try:
        return bool(process.status() == psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True
