"""A worker process, and what its agent would say to it."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from devices.tensors import TensorStore
from devices.worker.protocol import (
    LENGTH_BYTES,
    Execute,
    ExecuteFailed,
    ExecuteFinished,
    FromWorker,
    Ready,
    Setup,
    ToWorker,
    body_length,
    for_agent,
    frame,
)
from scheduler.model.messages import Value, Work

PATIENCE_S = 30.0
CORE = min(os.sched_getaffinity(0))


def ones(columns: int) -> np.ndarray[Any, np.dtype[Any]]:
    return np.ones((1, columns), np.float32)


class Worker:
    def __init__(self, folder: Path, memory_bytes: int = 0) -> None:
        self.store = TensorStore(folder / "tensors", "box", "")
        self.socket, theirs = socket.socketpair()
        self.socket.settimeout(PATIENCE_S)
        descriptor = theirs.fileno()
        arguments = ["--cores", str(CORE), "--fd", str(descriptor), "--parent", str(os.getpid())]
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "devices.worker", *arguments], pass_fds=[descriptor]
        )
        theirs.close()
        self.send(
            Setup(
                machine="a/cpu0",
                tensor_root=str(self.store.root),
                box="box",
                url="",
                inline_bytes=4096,
                memory_bytes=memory_bytes,
            )
        )
        assert isinstance(self.receive(), Ready)

    def send(self, message: ToWorker) -> None:
        self.socket.sendall(frame(message))

    def receive(self) -> FromWorker:
        length = body_length(self.socket.recv(LENGTH_BYTES, socket.MSG_WAITALL))
        return for_agent(self.socket.recv(length, socket.MSG_WAITALL))

    def value(self, array: Any) -> Value:
        return self.store.put("r-1", "given", np.asarray(array))

    def execute(
        self, work: Work, path: Path | None = None, **inputs: Any
    ) -> ExecuteFinished | ExecuteFailed:
        self.begin(work, path, **inputs)
        answer = self.receive()
        assert isinstance(answer, ExecuteFinished | ExecuteFailed)
        return answer

    def begin(self, work: Work, path: Path | None = None, **inputs: Any) -> None:
        self.send(
            Execute(
                operation="r-1/op[0]",
                attempt=1,
                run="r-1",
                provider="cpu",
                work=work,
                inputs={name: self.value(array) for name, array in inputs.items()},
                model_path=str(path or ""),
            )
        )

    def end(self) -> None:
        self.socket.close()
        self.process.wait(PATIENCE_S)
