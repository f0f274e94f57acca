"""The two threads of the process: one reads requests, the main one carries them out."""

from __future__ import annotations

import os
import sys
import threading
from queue import SimpleQueue

import msgspec

from devices.catalogue import provider
from devices.collecting.protocol import Request
from devices.collecting.stopwatch import Stopwatch

Inbox = SimpleQueue[Request | None]


def serve(name: str, threads: int) -> None:
    """Answer on standard output until standard input ends."""
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # prints of libraries go to standard error
    inbox: Inbox = SimpleQueue()
    stopwatch = Stopwatch(provider(name), threads, inbox)
    threading.Thread(target=_read, args=(inbox,), daemon=True).start()
    while (request := inbox.get()) is not None:
        answer = stopwatch.handle(request)
        if answer is not None:
            answers.write(msgspec.json.encode(answer) + b"\n")


def _read(inbox: Inbox) -> None:
    decoder: msgspec.json.Decoder[Request] = msgspec.json.Decoder(Request)
    for line in sys.stdin.buffer:
        inbox.put(decoder.decode(line))
    inbox.put(None)
