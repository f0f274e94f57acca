"""A whole Fjord in child processes, for as long as it is needed."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from api.process.ports import free_port
from devices.tensor_folders import default_root
from fjord import Client, FjordApiError
from scheduler.model.errors import Unavailable

START_S = 90.0
"""Discovery proves every provider on a small model; compiling ones take seconds for theirs."""
STOP_S = 20.0
POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """A running ``fjord up``: where it answers, where its files are, which process it is."""

    url: str
    data_dir: Path
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running_service(
    data_dir: Path,
    *,
    port: int = 0,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    python: str = sys.executable,
    start_s: float = START_S,
) -> Iterator[Service]:
    """Run ``fjord up`` until the block ends; the block begins when its machines take work.

    It is a site of its own, whose tensors go when it ends: nobody asks for results any more.

    Parameters
    ----------
    port
        0 takes a free one.
    arguments
        Further options of ``fjord up``.
    python
        The interpreter that runs it.
    start_s
        Seconds until its machines must take work.

    Raises
    ------
    Unavailable
        If it does not come up; the message has the end of its log.
    """
    own = {"FJORD_SITE": _site_of(data_dir), **(environment or {})}
    service = start_service(data_dir, port or free_port(), arguments, own, python=python)
    try:
        wait_until_up(service, timeout_s=start_s)
        yield service
    finally:
        stop_service(service)
        shutil.rmtree(default_root(own["FJORD_SITE"], "any").parent, ignore_errors=True)


def _site_of(data_dir: Path) -> str:
    """Name the site of a folder: the same each time, and nobody else's."""
    return f"demo-{hashlib.sha256(str(data_dir.resolve()).encode()).hexdigest()[:12]}"


def start_service(
    data_dir: Path,
    port: int,
    arguments: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
    *,
    python: str = sys.executable,
) -> Service:
    """Start ``fjord up`` and return at once."""
    data_dir.mkdir(parents=True, exist_ok=True)
    command = [python, "-P", "-m", "api.cli", "up", "--data", str(data_dir), "--port", str(port)]
    log = data_dir / "up.log"
    with log.open("ab") as sink:
        process = subprocess.Popen(
            [*command, *arguments],
            stdout=sink,
            stderr=subprocess.STDOUT,
            # Its own session: Ctrl-C reaches the caller, who then ends the service in order.
            start_new_session=True,
            env={**os.environ, **(environment or {})},
        )
    return Service(url=f"http://127.0.0.1:{port}", data_dir=data_dir, process=process, log=log)


def wait_until_up(service: Service, *, timeout_s: float = START_S) -> None:
    """Wait until the service has machines that take work.

    Raises
    ------
    Unavailable
        If it ended, or has none in time.
    """
    with Client(service.url) as client:
        wait_for(lambda: _has_machines(service, client), timeout_s, f"{service.url} has no machine")


def _has_machines(service: Service, client: Client) -> bool:
    if service.process.poll() is not None:
        raise Unavailable(
            f"fjord up ended with {service.process.returncode}:\n{_tail(service.log)}"
        )
    try:
        machines = client.devices()
    except FjordApiError:
        return False
    return bool(machines) and all(machine["state"] == "up" for machine in machines)


def wait_for(condition: Callable[[], bool], timeout_s: float, otherwise: str) -> None:
    """Poll until something is so.

    Raises
    ------
    Unavailable
        If it is not so in time.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise Unavailable(f"{otherwise} after {timeout_s:g} s")
        time.sleep(POLL_S)


def _tail(log: Path, lines: int = 20) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])


def stop_service(service: Service) -> None:
    """End the service in order; by force if it does not."""
    if service.process.poll() is None:
        service.process.send_signal(signal.SIGTERM)
    try:
        service.process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        os.killpg(service.process.pid, signal.SIGKILL)
        service.process.wait()
