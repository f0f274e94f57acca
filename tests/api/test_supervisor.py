from __future__ import annotations

import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from subprocess import Popen

import psutil
import pytest
import redis

from api.process.settings import Settings
from api.supervisor import run_up
from devices.box.host import usable_cores
from fjord import Client, FjordApiError
from scheduler.model import keys
from scheduler.model.errors import AccessDenied, InvalidInput, StoreUnavailable

PATIENCE_S = 60.0


@contextmanager
def up(data_dir: Path, port: int, *options: str) -> Iterator[Popen[bytes]]:
    """Run ``fjord up``, without an agent if not told else, from its first answer to its end."""
    options = options or ("--no-agent",)
    command = [sys.executable, "-m", "api.cli", "up", *options, "--port", str(port)]
    with (data_dir / "up.log").open("ab") as log:
        process = Popen([*command, "--data", str(data_dir)], stdout=log, stderr=log)
    try:
        with Client(f"http://127.0.0.1:{port}") as client:
            until(lambda: process.poll() is not None or answers(client))
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def answers(client: Client) -> bool:
    try:
        client.models()
    except FjordApiError:
        return False
    return True


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"not within {PATIENCE_S} s"
        time.sleep(0.02)


def parts(process: Popen[bytes]) -> dict[str, psutil.Process]:
    """Children by name: the store and the service."""
    children = psutil.Process(process.pid).children(recursive=True)
    commands = {child: " ".join(child.cmdline()) for child in children}
    words = {"store": "valkey-server", "service": "api.cli serve"}
    return {
        name: next(child for child, command in commands.items() if word in command)
        for name, word in words.items()
    }


def agent_of(process: Popen[bytes]) -> psutil.Process | None:
    children = psutil.Process(process.pid).children()
    return next((child for child in children if "agent" in child.cmdline()), None)


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        number: int = server.getsockname()[1]
    return number


def test_killed_supervisor_takes_its_service_along_and_leaves_its_store(
    tmp_path: Path, port: int
) -> None:
    workload = {
        "name": "best",
        "inputs": {"x": {"dtype": "float32", "shape": [4]}},
        "stages": [{"name": "best", "function": "arg_max", "inputs": {"scores": "x"}}],
        "outputs": {"index": "best.indices"},
    }
    with up(tmp_path, port) as first:
        with Client(f"http://127.0.0.1:{port}") as client:
            client.create_workload(workload)
        before = parts(first)
        first.send_signal(signal.SIGKILL)
        until(lambda: gone(before["service"]))
        assert not gone(before["store"])
    with up(tmp_path, port) as second:
        after = parts_or_adopted(second, before["store"])
        with Client(f"http://127.0.0.1:{port}") as client:
            assert [kept["name"] for kept in client.workloads()] == ["best"]
    assert second.returncode == 0
    until(lambda: gone(before["store"]) and gone(after))


def parts_or_adopted(process: Popen[bytes], store: psutil.Process) -> psutil.Process:
    """The service of a supervisor that took over a store."""
    children = psutil.Process(process.pid).children(recursive=True)
    assert not any("valkey-server" in " ".join(child.cmdline()) for child in children)
    assert not gone(store)
    return next(child for child in children if "api.cli" in " ".join(child.cmdline()))


def test_service_that_is_started_again_does_not_wait_for_the_lease_of_the_one_that_died(
    tmp_path: Path, port: int
) -> None:
    with up(tmp_path, port) as process:
        lease, service = keys.lease("local"), parts(process)["service"]
        with store_of(tmp_path) as store:
            until(lambda: store.exists(lease) == 1)
            service.suspend()
            assert store.persist(lease)  # nobody could ever wait for its end
            dead = store.get(lease)
            service.kill()
            until(lambda: store.get(lease) not in {dead, None})


def store_of(data_dir: Path) -> redis.Redis:
    port, password = ((data_dir / "store" / name).read_text() for name in ("port", "password"))
    return redis.Redis(port=int(port), password=password.strip())


def test_second_supervisor_on_one_folder_is_refused(tmp_path: Path, port: int) -> None:
    with up(tmp_path, port) as first:
        store = parts(first)["store"]
        with up(tmp_path, port + 1) as second:
            assert second.wait(PATIENCE_S) != 0
        assert "runs Fjord in" in (tmp_path / "up.log").read_text()
        assert not gone(store)


@pytest.mark.anyio
async def test_open_address_without_a_token_is_refused(settings: Settings) -> None:
    with pytest.raises(AccessDenied, match="tokens must be set to listen on"):
        await run_up(replace(settings, host="0.0.0.0"))
    assert not settings.data_dir.exists()


@pytest.mark.anyio
async def test_port_that_is_taken_is_said_before_anything_starts(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidInput, match=f"port must be free on 127.0.0.1; got {port}"):
            await run_up(replace(settings, port=port))
    assert not settings.data_dir.exists()


@pytest.mark.anyio
async def test_folder_that_cannot_be_used_is_told(settings: Settings) -> None:
    settings.data_dir.write_text("")
    with pytest.raises((StoreUnavailable, OSError), match="Not a directory"):
        await run_up(settings)


@pytest.mark.skipif(len(usable_cores()) < 2, reason="needs two cores")
def test_core_set_aside_has_the_service_and_the_store_and_no_machine(
    tmp_path: Path, port: int
) -> None:
    core, *others = usable_cores()
    with up(tmp_path, port, "--control-core", str(core)) as process:
        for part in parts(process).values():
            assert part.cpu_affinity() == [core]
        until(lambda: agent_of(process) is not None)
        agent = agent_of(process)
        assert agent is not None
        assert agent.cpu_affinity() == others
        words = agent.cmdline()
        assert words[words.index("--cores") + 1] == ",".join(map(str, others))
