"""Messages between an agent and its workers: JSON frames over a socket pair.

Times of workers are microseconds of the system's monotonic clock, which all processes of a box
share; the agent turns them into the time of the site.
"""

from __future__ import annotations

import socket
import struct
from typing import Any

import msgspec

from scheduler.model.messages import FailureReason, Profile, Value, Work

_LENGTH = struct.Struct("<I")
LENGTH_BYTES = _LENGTH.size


class Setup(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """First message to a worker: its machine, the place of tensors, and the parts to load ahead.

    Parameters
    ----------
    memory_bytes
        Most that the worker may hold of its own; 0 for no limit.
    """

    machine: str
    tensor_root: str
    box: str
    url: str
    inline_bytes: int
    memory_bytes: int = 0
    has_functions: bool = True
    has_models: bool = True


class Execute(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Run an operation; its inputs are inline or on this box."""

    operation: str
    attempt: int
    run: str
    provider: str
    work: Work
    inputs: dict[str, Value]
    model_path: str = ""
    hides_nan: str = ""


class Cancel(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Stop an operation at the next point where its provider can; no answer of its own."""

    operation: str
    attempt: int


class Warm(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Make a session that will soon be needed; no answer."""

    digest: str
    provider: str
    model_path: str


class Unload(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Drop the sessions of a model that is gone, and give their memory back; no answer."""

    digest: str


class Grant(msgspec.Struct, frozen=True, kw_only=True):
    """A lease as the worker of one machine has to hold it.

    Parameters
    ----------
    model_path
        File of the model that it is for.
    until_us
        Its end, by the monotonic clock.
    share
        Largest share of the machine's time for its calls.
    is_paused
        True while more urgent work is queued there: its calls are refused, and go elsewhere.
    hides_nan
        Operator that makes a number of a NaN there: inputs with one are refused.
    timeout_us
        Longest call; beyond it the worker ends. 0 for no limit.
    """

    lease: str
    epoch: int
    digest: str
    provider: str
    model_path: str
    until_us: int
    share: float = 1.0
    is_paused: bool = False
    hides_nan: str = ""
    timeout_us: int = 0


class Admit(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Take calls under these leases and under no others; no answer. With none, the door shuts.

    Parameters
    ----------
    path
        The socket to take them at.
    """

    path: str
    grants: tuple[Grant, ...]


class CallsServed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Calls that were served under a lease since the last such message; see `CallsReported`."""

    lease: str
    since_us: int
    until_us: int
    done: int = 0
    failed: int = 0
    refused: int = 0
    late: int = 0
    busy_us: int = 0
    p50_us: int = 0
    p95_us: int = 0
    waited_us: int = 0
    revocation_us: int = 0
    load_us: int = 0


class Ready(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """The worker is pinned, set up and waits for work."""

    pid: int


class ExecuteFinished(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An operation is done."""

    operation: str
    attempt: int
    started_us: int
    ended_us: int
    compute_us: int
    load_us: int
    outputs: dict[str, Value]
    profile: Profile | None = None
    pace_ns: int = 0


class ExecuteFailed(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """An operation gave nothing; the worker goes on."""

    operation: str
    attempt: int
    reason: FailureReason
    message: str


ToWorker = Setup | Execute | Cancel | Warm | Unload | Admit
FromWorker = Ready | ExecuteFinished | ExecuteFailed | CallsServed

_encoder = msgspec.json.Encoder()
_decoder_of_worker: msgspec.json.Decoder[ToWorker] = msgspec.json.Decoder(ToWorker)
_decoder_of_agent: msgspec.json.Decoder[FromWorker] = msgspec.json.Decoder(FromWorker)


def frame(message: ToWorker | FromWorker) -> bytes:
    """A message as it goes over the socket: its length, then JSON."""
    body = _encoder.encode(message)
    return _LENGTH.pack(len(body)) + body


def body_length(header: bytes | bytearray) -> int:
    """Bytes that follow a frame's header."""
    (length,) = _LENGTH.unpack(header)
    return int(length)


def for_worker(body: bytes | bytearray) -> ToWorker:
    """Decode a message of an agent."""
    return _decoder_of_worker.decode(body)


def for_agent(body: bytes | bytearray) -> FromWorker:
    """Decode a message of a worker."""
    return _decoder_of_agent.decode(body)


def receive(connection: socket.socket) -> ToWorker | None:
    """The next message for a worker; ``None`` when the agent is gone."""
    header = _read_exactly(connection, LENGTH_BYTES)
    body = _read_exactly(connection, body_length(header)) if header else None
    return for_worker(body) if body else None


def _read_exactly(connection: socket.socket, count: int) -> bytes | None:
    buffer: Any = bytearray(count)
    view = memoryview(buffer)
    while view:
        try:
            got = connection.recv_into(view)
        except ConnectionResetError:
            return None
        if not got:
            return None
        view = view[got:]
    return bytes(buffer)
