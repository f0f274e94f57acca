"""The worker's two threads: one reads the agent's messages, the main one executes."""

from __future__ import annotations

import gc
import os
import socket
import sys
import threading
from pathlib import Path
from queue import SimpleQueue

from devices.tensors import TensorStore
from devices.worker.door import Door
from devices.worker.executor import Executor
from devices.worker.memory import limit
from devices.worker.protocol import (
    Admit,
    Cancel,
    Execute,
    Ready,
    Setup,
    ToWorker,
    Unload,
    Warm,
    frame,
    receive,
)

Inbox = SimpleQueue[ToWorker]


def serve(descriptor: int) -> None:
    """Set up, say so, and execute until the agent is gone."""
    connection = socket.socket(fileno=descriptor)
    setup = receive(connection)
    if not isinstance(setup, Setup):
        sys.exit("a worker must be set up first")
    limit(setup.memory_bytes)
    store = TensorStore(Path(setup.tensor_root), setup.box, setup.url, setup.inline_bytes)
    executor = Executor(store, setup.machine, setup.memory_bytes)
    inbox: Inbox = SimpleQueue()
    door = Door(executor, inbox, lambda served: connection.sendall(frame(served)))
    threading.Thread(target=_read, args=(connection, executor, door), daemon=True).start()
    connection.sendall(frame(Ready(pid=os.getpid())))
    executor.preload(has_functions=setup.has_functions, has_models=setup.has_models)
    # All that is loaded by now stays for ever; collections need not look at it again.
    gc.freeze()
    while True:
        if door.is_open:
            door.serve()
        _handle(inbox.get(), executor, door, connection)


def _read(connection: socket.socket, executor: Executor, door: Door) -> None:
    while (message := receive(connection)) is not None:
        if isinstance(message, Cancel):
            executor.cancel(message.operation, message.attempt)
        else:
            door.post(message)
    os._exit(0)  # the main thread may be deep inside a provider and would not hear


def _handle(message: ToWorker, executor: Executor, door: Door, connection: socket.socket) -> None:
    match message:
        case Execute():
            connection.sendall(frame(executor.execute(message)))
        case Warm():
            executor.warm(message)
        case Unload():
            executor.unload(message)
        case Admit():
            door.admit(message)
        case _:
            raise ValueError(f"a worker is not sent {type(message).__name__}")
