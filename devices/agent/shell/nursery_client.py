"""The agent's line to the process that holds its workers, see `devices.agent.nursery`."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import socket
import sys
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

READ_BYTES = 65_536


@dataclass(slots=True)
class WorkerProcess:
    """A worker's process.

    Parameters
    ----------
    ended
        Exit status, once it has ended; the number of the signal that ended it, negative.
    """

    pid: int
    ended: asyncio.Future[int]

    def kill(self) -> None:
        """End it at once, unless it has ended."""
        if not self.ended.done():
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)


class NurseryClient:
    """Starts workers through a process that holds them; that process is started when needed."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._line: socket.socket | None = None
        self._hearing: asyncio.Task[None] | None = None
        self._asked: deque[asyncio.Future[WorkerProcess]] = deque()
        self._workers: dict[int, WorkerProcess] = {}
        self._starting = asyncio.Lock()

    async def start(self, arguments: Sequence[str], descriptor: int) -> WorkerProcess:
        """Start a worker, which gets a copy of the descriptor of its socket.

        Raises
        ------
        OSError
            If it cannot be started.
        """
        async with self._starting:
            line = self._line or await self._open()
        asked: asyncio.Future[WorkerProcess] = asyncio.get_running_loop().create_future()
        socket.send_fds(line, [json.dumps(list(arguments)).encode()], [descriptor])
        self._asked.append(asked)
        return await asked

    async def close(self) -> None:
        """End the process, and with it all workers that are left."""
        if self._process is None or self._hearing is None:
            return
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()
        await asyncio.wait([self._hearing])

    async def _open(self) -> socket.socket:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "devices.agent.nursery", str(theirs.fileno())),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
            )
        self._line = ours
        self._hearing = asyncio.create_task(self._hear(ours), name="nursery")
        return ours

    async def _hear(self, line: socket.socket) -> None:
        """Take in answers until the process ends, or the agent."""
        loop, rest = asyncio.get_running_loop(), b""
        try:
            while data := await loop.sock_recv(line, READ_BYTES):
                *answers, rest = (rest + data).split(b"\n")
                for answer in answers:
                    self._take(json.loads(answer))
        except OSError:
            pass  # it was killed with answers of ours unread
        finally:
            self._line = None
            line.close()
            self._on_end()

    def _take(self, answer: dict[str, Any]) -> None:
        if "status" in answer:
            self._workers.pop(answer["pid"]).ended.set_result(answer["status"])
            return
        asked = self._asked.popleft()
        if "error" in answer:
            _refuse(asked, answer["error"])
            return
        ended = asyncio.get_running_loop().create_future()
        worker = self._workers[answer["pid"]] = WorkerProcess(answer["pid"], ended)
        if asked.done():  # nobody waits for it any more
            worker.kill()
        else:
            asked.set_result(worker)

    def _on_end(self) -> None:
        """Tell all callers that wait: the kernel ends the workers with it."""
        for asked in self._asked:
            _refuse(asked, "the process that holds the workers has ended")
        for worker in self._workers.values():
            worker.ended.set_result(-signal.SIGKILL)
        self._asked.clear()
        self._workers.clear()


def _refuse(asked: asyncio.Future[WorkerProcess], reason: str) -> None:
    if not asked.done():
        asked.set_exception(OSError(reason))
