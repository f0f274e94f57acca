"""A Valkey server as a child, started, taken over, guarded and ended."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import logging
import secrets
import shutil
import subprocess
import time
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psutil
import redis

from api.process.embedded.processes import (
    CONFIG,
    LOCK,
    POLL_S,
    binary,
    end,
    is_free,
    locked,
    runs,
    servers,
    write_secret,
)
from api.process.logs import keep_small, log_file
from api.process.ports import free_port
from api.process.settings import Settings
from devices.box.priority import stand_above
from scheduler.model.errors import FjordError, OutOfSpace, StoreUnavailable

LEAST_FREE_BYTES = 16 * 1024 * 1024
"""With less, the server would stop at one of its next writes: an append-only file has no undo."""
START_S = 300.0
"""Replaying a log of gigabytes takes minutes; a server that cannot start ends by itself."""
WATCH_S = 0.05
"""A dead server is noticed after this time."""
RESTART_S = 1.0
"""Pause after a failed start: the disk is full, or somebody has the folder."""

_log = logging.getLogger(__name__)


class EmbeddedStore:
    """A Valkey server whose files lie in ``<data folder>/store``.

    Everything acknowledged survives the death of the server and, with ``embedded_fsync`` set to
    ``always``, a power cut.

    Raises
    ------
    OutOfSpace
        If the disk is full.
    StoreUnavailable
        If the folder cannot be used, or another process runs the store in it.
    """

    def __init__(self, settings: Settings) -> None:
        self._folder = settings.data_dir.absolute() / "store"
        self._fsync = settings.embedded_fsync
        self._addresses = _addresses(settings)
        self._lock: IO[str] | None = None
        self._server: psutil.Process | None = None
        self._port = 0
        self._served = False
        self._refuses: bool | None = None

    @property
    def url(self) -> str:
        """Address for processes of this computer, with the password in it."""
        return f"redis://:{quote(self._password(), safe='')}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int:
        """Process id of the server, 0 if there is none."""
        return self._server.pid if self._server is not None else 0

    def start(self) -> str:
        """Start the server or take over the one that is there; return its address."""
        try:
            self._prepare()
            self._adopt_or_end()
            if self._server is None:
                self._launch()
            stand_above(self.pid)
        except OSError as error:
            self._unlock()
            raise _unusable(self._folder, error) from error
        except BaseException:
            self._unlock()
            raise
        self._served = True
        self._refuses = None
        return self.url

    def url_of_running(self) -> str:
        """Address of a server that somebody else runs in the folder; empty if none runs there."""
        if not any(runs(process) for process in servers(self._config_file)):
            return ""
        self._port = self._last_port()
        return self.url

    def alive(self) -> bool:
        """True if the server's process is there."""
        return self._server is not None and runs(self._server)

    def guard_space(self) -> None:
        """Have the server refuse to write while the disk is nearly full, and only then.

        A server that syncs every write ends itself when one fails; this way it goes on answering
        reads, and whoever writes is told why.
        """
        full = self._is_full()
        if full is self._refuses:
            return
        with contextlib.suppress(redis.RedisError), self._client() as client:
            client.config_set("min-replicas-to-write", int(full))
            self._refuses = full

    def guard_log(self) -> None:
        """Keep the log of the server small."""
        with contextlib.suppress(OSError):
            keep_small(self._log_file)

    def stop(self) -> None:
        """End the server in good order and leave the folder to the next."""
        if self._server is not None:
            end(self._server)
            self._server = None
        self._unlock()

    def _prepare(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if self._lock is None:
            self._lock = locked(self._folder / LOCK)
        if not self._password_file.exists():
            write_secret(self._password_file, secrets.token_urlsafe(32))
        self._port = self._last_port()

    def _adopt_or_end(self) -> None:
        self._server = None
        found = [process for process in servers(self._config_file) if runs(process)]
        for process in found:
            if self._server is None and self._is_as_wanted():
                self._server = process
            else:
                end(process)

    def _is_as_wanted(self) -> bool:
        wanted = {
            "dir": str(self._folder.resolve()),
            "bind": " ".join(self._addresses),
            "appendfsync": self._fsync,
        }
        try:
            with self._client() as client:
                found = {name: client.config_get(name)[name] for name in wanted}
        except redis.RedisError:
            return False
        return found == wanted

    def _is_full(self) -> bool:
        return shutil.disk_usage(self._folder).free < LEAST_FREE_BYTES

    def _launch(self) -> None:
        if self._is_full():
            raise OutOfSpace(f"the disk of {self._folder} is full")
        if not is_free(self._addresses, self._port):
            if self._served:
                # Others know the address by now.
                raise StoreUnavailable(f"port {self._port} of the store is taken")
            self._port = free_port()
        self._port_file.write_text(str(self._port))
        write_secret(self._config_file, self._config())
        with self._log_file.open("ab") as log:
            self._server = psutil.Popen(
                [binary(), str(self._config_file)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # Ctrl-C in a terminal is for us: the server goes last.
                start_new_session=True,
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_S
        with self._client() as client:
            while time.monotonic() < deadline:
                with contextlib.suppress(redis.ConnectionError, redis.TimeoutError):
                    client.ping()
                    return
                if not self.alive():
                    raise self._ended()
                time.sleep(POLL_S)
        self.stop()
        raise StoreUnavailable(f"the store in {self._folder} was not ready after {START_S:g} s")

    def _ended(self) -> Exception:
        lines = self._log_file.read_text(errors="replace").splitlines() or ["it said nothing"]
        message = f"the store in {self._folder} ended at once: {lines[-1].strip()}"
        full = any("No space left" in line for line in lines[-5:])
        return OutOfSpace(message) if full else StoreUnavailable(message)

    def _client(self) -> redis.Redis:
        return redis.Redis.from_url(self.url, protocol=2, socket_timeout=2.0, retry=None)

    def _config(self) -> str:
        # Proc titles are off because the command line is how a left-over server is found.
        return f"""\
dir "{self._folder.resolve()}"
bind {" ".join(self._addresses)}
port {self._port}
requirepass {self._password()}
set-proc-title no
appendonly yes
appendfsync {self._fsync}
aof-load-truncated yes
save ""
maxmemory-policy noeviction
"""

    def _password(self) -> str:
        return self._password_file.read_text().strip()

    def _last_port(self) -> int:
        # The same port again, so that a process that knows the address finds the store again.
        try:
            return int(self._port_file.read_text())
        except (FileNotFoundError, ValueError):
            return free_port()

    def _unlock(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def _password_file(self) -> Path:
        return self._folder / "password"

    @property
    def _port_file(self) -> Path:
        return self._folder / "port"

    @property
    def _config_file(self) -> Path:
        return self._folder / CONFIG

    @property
    def _log_file(self) -> Path:
        return log_file(self._folder.parent, "store")


async def keep_alive(store: EmbeddedStore) -> None:
    """Start the server again whenever it ends, and guard its disk, until cancelled."""
    while True:
        await asyncio.sleep(WATCH_S)
        if store.alive():
            store.guard_space()
            store.guard_log()
            continue
        _log.warning("the embedded store ended; it is started again")
        try:
            await asyncio.to_thread(store.start)
        except FjordError as error:
            _log.error("the embedded store cannot be started: %s", error.message)
            await asyncio.sleep(RESTART_S)


def _addresses(settings: Settings) -> list[str]:
    if settings.is_loopback:
        return ["127.0.0.1"]
    if settings.host == "0.0.0.0":
        return ["0.0.0.0"]
    return ["127.0.0.1", settings.host]


def _unusable(folder: Path, error: OSError) -> Exception:
    if isinstance(error, OutOfSpace | StoreUnavailable):
        return error
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return OutOfSpace(f"the disk of {folder} is full: {error.strerror}")
    return StoreUnavailable(f"the folder {folder} cannot be used: {error.strerror}")
