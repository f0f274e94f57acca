"""The supervisor of a data folder: one at a time, found and ended from outside.

A process id alone is no proof, since the system gives it again. The file says when the process
started, too, and the process holds a lock on it for as long as it lives.
"""

from __future__ import annotations

import os
import shlex
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec
import psutil

from api.process.locking import LockHeld, take, text_of_holder
from api.process.settings import Settings
from scheduler.model.errors import StoreUnavailable, Unavailable

FILE = "supervisor.lock"
RETRIES = 5
"""A process that asks for the holder has the lock for a moment, too."""
RETRY_S = 0.02
POLL_S = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Supervisor:
    """A ``fjord up``: its process, the start of that, and the address of its service.

    Parameters
    ----------
    started
        Start of the process as the system counts it: `start_of`.
    """

    pid: int
    started: str
    url: str


def start_of(pid: int) -> str | None:
    """Start of a process, in a form that no change of the clock alters; ``None`` if there is none.

    Linux counts it in ticks since the boot.
    """
    try:
        # The name in parentheses may hold blanks; the start is the 20th field behind it.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    except (FileNotFoundError, ProcessLookupError):
        return None if Path("/proc/self/stat").exists() else _start_elsewhere(pid)


def _start_elsewhere(pid: int) -> str | None:
    try:
        return str(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None


@contextmanager
def supervising(data_dir: Path, url: str) -> Iterator[None]:
    """Be the supervisor of a data folder until the block ends.

    Raises
    ------
    StoreUnavailable
        If another process is.
    """
    me = Supervisor(pid=os.getpid(), started=start_of(os.getpid()) or "", url=url)
    text = msgspec.json.encode(me).decode()
    with _taken(data_dir, text):
        yield


def _taken(data_dir: Path, text: str) -> IO[str]:
    for _ in range(RETRIES):
        try:
            return take(data_dir / FILE, text)
        except LockHeld as held:
            holder = held.text
            time.sleep(RETRY_S)
    raise StoreUnavailable(_refusal(holder, data_dir))


def _refusal(text: str, data_dir: Path) -> str:
    found = _parsed(text)
    who = f"process {found.pid} at {found.url}" if found else "another process"
    return f"{who} runs Fjord in {data_dir}: {command('down', data_dir)} ends it"


def command(name: str, data_dir: Path) -> str:
    """Give a command as it is typed for a data folder, which the settings may name already."""
    folder = [] if data_dir == Settings.from_environment().data_dir else ["--data", str(data_dir)]
    return shlex.join(["fjord", name, *folder])


def _parsed(text: str) -> Supervisor | None:
    try:
        return msgspec.json.decode(text, type=Supervisor)
    except msgspec.MsgspecError:
        return None


def supervisor_of(data_dir: Path) -> Supervisor | None:
    """Find the supervisor of a data folder; ``None`` if none runs.

    Raises
    ------
    Unavailable
        If one runs and cannot be told from another process: it is only starting, or it has its
        process ids from elsewhere, as in a container.
    """
    text = text_of_holder(data_dir / FILE)
    if text is None:
        return None
    found = _parsed(text)
    if found is None:
        raise Unavailable(f"Fjord is only starting in {data_dir}: try again")
    if start_of(found.pid) != found.started:
        reason = f"process {found.pid}, as it is called there, is not to be seen from here"
        raise Unavailable(f"Fjord in {data_dir} cannot be ended: {reason}; end it where it runs")
    return found


def end_supervisor(data_dir: Path, found: Supervisor, *, timeout_s: float) -> None:
    """Tell a supervisor to end, and wait until it has let go of its folder.

    Raises
    ------
    Unavailable
        If it takes longer; it goes on ending.
    """
    os.kill(found.pid, signal.SIGTERM)
    deadline_s = time.monotonic() + timeout_s
    while text_of_holder(data_dir / FILE) is not None and start_of(found.pid) == found.started:
        if time.monotonic() > deadline_s:
            raise Unavailable(
                f"process {found.pid} has not ended after {timeout_s:g} s: it finishes running "
                f"work; see {command('logs', data_dir)}"
            )
        time.sleep(POLL_S)
