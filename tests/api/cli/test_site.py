"""Words of a site that runs on itself, and its end by ``fjord down``."""

from __future__ import annotations

import json
import signal
import socket
import stat
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen, check_call

import pytest

from api.cli.app import run
from api.process.embedded.processes import servers
from api.process.privacy import OTHERS
from api.process.site import supervisor_of
from api.tools.demo.service import Service

PATIENCE_S = 60.0


def until(condition: Callable[[], bool]) -> None:
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline_s, f"not within {PATIENCE_S} s"
        time.sleep(0.02)


@contextmanager
def up(data_dir: Path) -> Iterator[Popen[str]]:
    """A ``fjord up`` without an agent, from its first answer on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    command = [sys.executable, "-P", "-m", "api.cli", "up", "--no-agent", "--json"]
    with (data_dir.parent / "up.out").open("w+") as out:
        process = Popen([*command, "--port", port, "--data", str(data_dir)], stdout=out, text=True)
        try:
            until(lambda: bool((data_dir.parent / "up.out").read_text()))
            yield process
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def leave_a_store(data_dir: Path) -> None:
    """Start a store as a supervisor does, and end without ending it, as one that is killed."""
    code = f"""
from pathlib import Path
from api.process.embedded import EmbeddedStore
from api.process.settings import Settings
EmbeddedStore(Settings(data_dir=Path({str(data_dir)!r}))).start()
"""
    check_call([sys.executable, "-P", "-c", code])


def test_up_says_where_things_lie_how_to_stop_and_who_has_joined(service: Service) -> None:
    until(lambda: "has joined with " in service.log.read_text())
    said = service.log.read_text().splitlines()
    first = f"Starting Fjord in {service.data_dir}"
    assert said[:3] == [first, "Starting the store", "Starting the service"]
    assert f"Fjord is up: {service.url}" in said
    there = f"--data {service.data_dir}"
    assert f"Logs lie in {service.data_dir / 'logs'} (fjord logs {there})" in said
    assert f"Ctrl-C or fjord down {there} stops it" in said


def test_status_names_the_parts_of_the_site(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["status", "--server", service.url, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["ready"], found["store"], found["controller"]) == (True, "up", "up")
    assert set(found["queues"]) == {"queued", "running"}
    (machines,) = found["agents"].values()
    assert set(machines.values()) == {"up"}
    assert run(["status", "--server", service.url]) == 0
    assert "controller" in capsys.readouterr().out


def test_status_of_a_site_whose_store_is_away_is_not_ready(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "data"
    with up(data) as process:
        found = supervisor_of(data)
        assert found is not None
        (store,) = servers(data / "store" / "valkey.conf")
        process.send_signal(signal.SIGSTOP)  # or it would start the store again
        store.kill()
        status = ["status", "--server", found.url, "--json"]
        try:
            until(lambda: run(status) == 1 and '"store": "down"' in capsys.readouterr().out)
        finally:
            process.send_signal(signal.SIGCONT)


def test_files_of_a_site_are_its_owners_alone(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with up(data):
        modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (data, *data.rglob("*"))}
    assert data / "store" in modes
    assert {path: oct(mode) for path, mode in modes.items() if mode & OTHERS} == {}


def test_logs_show_each_process_or_one(
    service: Service, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", "--data", str(service.data_dir)]) == 0
    out = capsys.readouterr().out
    assert out.count("==>") == 4
    assert "Ready to accept connections" in out
    assert run(["logs", "up", "--data", str(service.data_dir), "-n", "1000"]) == 0
    assert f"fjord: Fjord is up: {service.url}" in capsys.readouterr().out


def test_log_that_is_none_is_refused_with_the_choices(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["logs", "worker", "--data", str(tmp_path)]) == 2
    law = "a log must be one of up, service, agent, store; got 'worker'"
    assert law in capsys.readouterr().err
    assert run(["logs", "--data", str(tmp_path)]) == 2


def test_down_ends_the_site_of_a_folder_and_a_store_that_was_left_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data, config = tmp_path / "data", tmp_path / "data" / "store" / "valkey.conf"
    with up(data) as process:
        assert run(["down", "--data", str(data)]) == 0
        assert process.wait(PATIENCE_S) == 0
    assert servers(config) == []
    assert f"Fjord in {data} has ended" in capsys.readouterr().out
    leave_a_store(data)
    assert len(servers(config)) == 1
    assert run(["down", "--data", str(data)]) == 0
    assert servers(config) == []
    assert "the store that one had left there has ended" in capsys.readouterr().out
    assert run(["down", "--data", str(data)]) == 0
    assert f"No Fjord runs in {data}" in capsys.readouterr().out
