"""Worker processes of an agent: started, spoken to, ended and started again."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import time
from collections.abc import Callable

from devices.agent.shell.nursery_client import NurseryClient, WorkerProcess
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
# A worker that lived this long was not broken from the start: the next one comes at once, as
# after one that we ended ourselves.
HEALTHY_S = 10.0

OnMessage = Callable[[str, FromWorker], None]
OnDeath = Callable[[str, str], None]


class _Frames(asyncio.Protocol):
    """Cuts the bytes of a worker into messages. Called by the loop itself: no task wakes up."""

    def __init__(self, on_message: Callable[[FromWorker], None]) -> None:
        self._on_message = on_message
        self._buffer = bytearray()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        while len(self._buffer) >= LENGTH_BYTES:
            end = LENGTH_BYTES + body_length(self._buffer[:LENGTH_BYTES])
            if len(self._buffer) < end:
                return
            message = for_agent(self._buffer[LENGTH_BYTES:end])
            del self._buffer[:end]
            self._on_message(message)

    def connection_lost(self, _error: Exception | None) -> None:
        if not self.closed.done():
            self.closed.set_result(None)


class WorkerLane:
    """The worker process of one machine, and its successors.

    Parameters
    ----------
    on_message, on_death
        Called with the machine's id and a worker's message, or the reason of its end.
    """

    def __init__(
        self,
        machine: MachineReport,
        setup: Setup,
        nursery: NurseryClient,
        *,
        on_message: OnMessage,
        on_death: OnDeath,
    ) -> None:
        self._machine = machine
        self._setup = setup
        self._nursery = nursery
        self._on_message = on_message
        self._on_death = on_death
        self._transport: asyncio.Transport | None = None
        self._process: WorkerProcess | None = None
        self._reason = ""

    async def run(self) -> None:
        """Keep a worker alive until cancelled; then end it."""
        pause_s = FIRST_PAUSE_S
        while True:
            started = time.monotonic()
            await self._live()
            if self._reason or time.monotonic() - started >= HEALTHY_S:
                pause_s = FIRST_PAUSE_S
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, LONGEST_PAUSE_S)

    def send(self, message: ToWorker) -> None:
        """Give the worker a message; one that is gone does not get it, its death is told."""
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(frame(message))

    def kill(self, reason: str) -> None:
        """End the worker at once."""
        self._reason = reason
        if self._process is not None:
            self._process.kill()

    @property
    def pid(self) -> int | None:
        """Process id of the present worker."""
        return self._process.pid if self._process is not None else None

    async def _live(self) -> None:
        """Run a worker, from its start to its end."""
        ours, theirs = socket.socketpair()
        loop = asyncio.get_running_loop()
        self._reason = ""
        try:
            with theirs:
                cores = ",".join(str(core) for core in self._machine.cores)
                self._process = await self._nursery.start(["--cores", cores], theirs.fileno())
            self._transport, frames = await loop.create_connection(
                lambda: _Frames(self._hear), sock=ours
            )
            self.send(self._setup)
            await frames.closed
            self._on_death(self._machine.id, self._epitaph(await self._process.ended))
        except OSError as error:
            found = f"worker of {self._machine.id} cannot be started: {error}"
            self._on_death(self._machine.id, found)
        finally:
            await self._bury(ours)

    def _hear(self, message: FromWorker) -> None:
        if isinstance(message, Ready):
            log.info("%s is ready, process %d", self._machine.id, message.pid)
        self._on_message(self._machine.id, message)

    async def _bury(self, ours: socket.socket) -> None:
        if self._transport is not None:
            self._transport.close()
            self._transport = None
        else:
            ours.close()
        if self._process is not None:
            self._process.kill()
            await asyncio.wait([self._process.ended])
            self._process = None

    def _epitaph(self, status: int) -> str:
        if self._reason:
            return self._reason
        if status < 0:
            found = f"worker of {self._machine.id} was ended by signal {-status}"
            return found + self._remark(-status)
        return f"worker of {self._machine.id} ended with status {status}"

    def _remark(self, number: int) -> str:
        """Tell the likely cause of a signal, if there is one."""
        if number == signal.SIGALRM:
            return ": a call took far longer than predicted"
        if number == signal.SIGKILL:
            return ", as the system does where memory runs out"
        if number == signal.SIGABRT and self._setup.memory_bytes:
            return f", as a library does where memory runs out: {self._setup.memory_bytes} bytes"
        return ""
