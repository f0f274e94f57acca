"""A process that holds an agent's workers in a session of its own, and does nothing else.

Linux divides a core among sessions first. In one session with the workers, an agent would wait for
a core until all other programs had their turn, because its workers have used up the session's. With
a session each, the workers together would take more from other programs than one program may.

A request is a JSON list, the arguments of a worker, with the descriptor of its socket to the agent.
Answers are JSON objects, one a line: `pid` (or `error`) to each request in its turn, and `pid` with
`status` when a worker ends. Once the line is closed the process ends, and its workers with it.
"""

from __future__ import annotations

import json
import os
import select
import signal
import socket
import subprocess
import sys
from typing import Any

REQUEST_BYTES = 65_536


class _Nursery:
    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._workers: dict[int, subprocess.Popen[bytes]] = {}

    def serve(self) -> None:
        """Start workers and tell of their ends, until the agent is gone."""
        ended, poke = socket.socketpair()
        ended.setblocking(False)
        poke.setblocking(False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(poke.fileno(), warn_on_full_buffer=False)
        while True:
            ready, _, _ = select.select([self._line, ended], [], [])
            if ended in ready:
                ended.recv(REQUEST_BYTES)
                self._tell_ended()
            if self._line in ready and not self._answer():
                return

    def _answer(self) -> bool:
        request, descriptors, _, _ = socket.recv_fds(self._line, REQUEST_BYTES, 1)
        if not request:
            return False
        try:
            worker = _start(json.loads(request), descriptors[0])
        except OSError as error:
            self._say(error=str(error))
        else:
            self._workers[worker.pid] = worker
            self._say(pid=worker.pid)
        finally:
            os.close(descriptors[0])
        return True

    def _tell_ended(self) -> None:
        for pid, worker in list(self._workers.items()):
            if worker.poll() is not None:
                del self._workers[pid]
                self._say(pid=pid, status=worker.returncode)

    def _say(self, **answer: Any) -> None:
        self._line.sendall(json.dumps(answer).encode() + b"\n")


def _start(arguments: list[str], descriptor: int) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [
            *(sys.executable, "-P", "-m", "devices.worker", *arguments),
            *("--fd", str(descriptor), "--parent", str(os.getpid())),
        ],
        pass_fds=(descriptor,),
        stdin=subprocess.DEVNULL,
    )


def main() -> None:
    """Serve the agent at the other end of the socket that is named."""
    # The agent alone decides when workers end: a stop of the unit reaches all of them.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    _Nursery(socket.socket(fileno=int(sys.argv[1]))).serve()


if __name__ == "__main__":
    main()
