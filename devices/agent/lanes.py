"""Worker processes of an agent: started, spoken to, ended and started again."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import sys
import time
from collections.abc import Callable

from devices.worker.protocol import (
    LENGTH_BYTES,
    FromWorker,
    Ready,
    Setup,
    ToWorker,
    body_length,
    for_agent,
    frame,
)
from scheduler.model.messages import MachineReport

log = logging.getLogger(__name__)
FIRST_PAUSE_S = 0.05
LONGEST_PAUSE_S = 10.0
# A worker that lived this long was not broken from the start: the next one comes at once.
HEALTHY_S = 10.0

OnMessage = Callable[[str, FromWorker], None]
OnDeath = Callable[[str, str], None]


class WorkerLane:
    """The worker process of one machine, and its successors.

    Parameters
    ----------
    on_message, on_death
        Called with the machine's id and what a worker said, or why it ended.
    """

    def __init__(
        self,
        machine: MachineReport,
        setup: Setup,
        *,
        on_message: OnMessage,
        on_death: OnDeath,
    ) -> None:
        self._machine = machine
        self._setup = setup
        self._on_message = on_message
        self._on_death = on_death
        self._writer: asyncio.StreamWriter | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._reason = ""

    async def run(self) -> None:
        """Keep a worker alive until cancelled; then end it."""
        pause_s = FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            await self._live()
            if time.monotonic() - started >= HEALTHY_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def send(self, message: ToWorker) -> None:
        """Give the worker a message; one that is gone does not get it, its death is told."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(frame(message))

    def kill(self, reason: str) -> None:
        """End the worker at once."""
        self._reason = reason
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    @property
    def pid(self) -> int | None:
        """Process id of the present worker."""
        return self._process.pid if self._process is not None else None

    async def _live(self) -> None:
        """One worker, from its start to its end."""
        ours, theirs = socket.socketpair()
        try:
            with theirs:
                self._process = await self._spawn(theirs)
            reader, self._writer = await asyncio.open_connection(sock=ours)
            self.send(self._setup)
            await self._read(reader)
            await self._process.wait()
            self._on_death(self._machine.id, self._epitaph())
        finally:
            await self._bury(ours)

    async def _spawn(self, theirs: socket.socket) -> asyncio.subprocess.Process:
        self._reason = ""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            *("-P", "-m", "devices.worker"),
            *("--cores", ",".join(str(core) for core in self._machine.cores)),
            *("--fd", str(theirs.fileno())),
            *("--parent", str(os.getpid())),
            pass_fds=(theirs.fileno(),),
            stdin=asyncio.subprocess.DEVNULL,
        )

    async def _read(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                header = await reader.readexactly(LENGTH_BYTES)
                message = for_agent(await reader.readexactly(body_length(header)))
                if isinstance(message, Ready):
                    log.info("%s is ready, process %d", self._machine.id, message.pid)
                self._on_message(self._machine.id, message)

    async def _bury(self, ours: socket.socket) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        else:
            ours.close()
        if self._process is not None and self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()

    def _epitaph(self) -> str:
        if self._reason:
            return self._reason
        code = self._process.returncode if self._process is not None else None
        if code is not None and code < 0:
            return f"worker of {self._machine.id} was ended by signal {-code}"
        return f"worker of {self._machine.id} ended with status {code}"
