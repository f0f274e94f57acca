"""Calls at a real worker process, over its door."""

from __future__ import annotations

import itertools
import os
import signal
import socket
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from devices.calls.frames import (
    LENGTHS_BYTES,
    Answer,
    Call,
    Outcome,
    TensorHead,
    answer_of,
    arrays,
    framed,
    lengths,
)
from devices.calls.places import door_path
from devices.tensors import encoded
from devices.worker.protocol import (
    Admit,
    CallsServed,
    Execute,
    ExecuteFinished,
    Grant,
)
from scheduler.model.messages import Work, WorkKind
from tests.devices.worker.spoken import PATIENCE_S, Worker, ones
from tests.onnx_models import model, node, save

HOUR_US = 3_600_000_000


class Caller:
    """An API process, as the worker sees it."""

    def __init__(self, path: Path) -> None:
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(PATIENCE_S)
        self.socket.connect(str(path))
        self._ids = itertools.count(1)

    def send(self, *, lease: str = "l-1", epoch: int = 1, latest_us: int = 0, **given: Any) -> None:
        pieces = {name: encoded(np.asarray(array), name) for name, array in given.items()}
        heads = tuple(
            TensorHead(name, dtype, np.asarray(given[name]).shape, len(data))
            for name, (dtype, data) in pieces.items()
        )
        call = Call(next(self._ids), lease, epoch, heads, (), latest_us)
        self.socket.sendall(b"".join(framed(call, [data for _, data in pieces.values()])))

    def receive(self) -> tuple[Answer, dict[str, np.ndarray[Any, Any]]]:
        header, body = lengths(self._exactly(LENGTHS_BYTES))
        answer = answer_of(self._exactly(header))
        return answer, arrays(answer.outputs, memoryview(self._exactly(body)))

    def call(self, **given: Any) -> tuple[Answer, dict[str, np.ndarray[Any, Any]]]:
        self.send(**given)
        return self.receive()

    def _exactly(self, count: int) -> bytes:
        found = b""
        while len(found) < count:
            piece = self.socket.recv(count - len(found))
            assert piece, "the worker closed the connection"
            found += piece
        return found


@dataclass
class Site:
    worker: Worker
    path: Path
    grant: Grant
    callers: list[Caller] = field(default_factory=list)

    def admit(self, *grants: Grant) -> None:
        self.worker.send(Admit(path=str(self.path), grants=grants))

    def changed(self, **fields: Any) -> Grant:
        return msgspec.structs.replace(self.grant, **fields)

    def caller(self) -> Caller:
        self.callers.append(Caller(self.path))
        return self.callers[-1]

    def served(self) -> CallsServed:
        message = self.worker.receive()
        assert isinstance(message, CallsServed)
        return message

    def settled(self) -> list[CallsServed]:
        """Return once the worker has handled all that it was sent; gives what it told meanwhile."""
        self.worker.send(
            Execute(
                operation="r-9/op",
                attempt=1,
                run="r-9",
                provider="cpu",
                work=Work(kind=WorkKind.FUNCTION, name="arg_max"),
                inputs={"scores": self.worker.value(ones(2))},
            )
        )
        told: list[CallsServed] = []
        while not isinstance(message := self.worker.receive(), ExecuteFinished):
            assert isinstance(message, CallsServed)
            told.append(message)
        return told


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    worker = Worker(tmp_path)
    path = save(model([node("Add", "x x", "y")]), tmp_path)
    grant = Grant(
        lease="l-1",
        epoch=1,
        digest="d" * 64,
        provider="cpu",
        model_path=str(path),
        until_us=time.monotonic_ns() // 1_000 + HOUR_US,
    )
    found = Site(worker, door_path(worker.store.root, "a/cpu0"), grant)
    found.admit(grant)
    found.settled()
    yield found
    for caller in found.callers:
        caller.socket.close()
    worker.end()


def test_a_call_gives_the_outputs_of_the_model_and_its_session_is_there(site: Site) -> None:
    answer, outputs = site.caller().call(x=ones(4))
    assert answer.outcome == Outcome.DONE
    assert outputs["y"].tolist() == [[2.0] * 4]
    assert site.served().load_us == 0


def test_the_socket_is_for_its_user_alone(site: Site) -> None:
    site.caller()
    assert stat.S_IMODE(os.stat(site.path).st_mode) == 0o600


def test_calls_of_one_connection_may_be_sent_ahead_and_are_answered_in_order(site: Site) -> None:
    caller = site.caller()
    for value in range(10):
        caller.send(x=np.full((1, 4), value, np.float32))
    found = [caller.receive() for _ in range(10)]
    assert [answer.id for answer, _ in found] == list(range(1, 11))
    assert [outputs["y"][0, 0] for _, outputs in found] == [2.0 * value for value in range(10)]


@pytest.mark.parametrize(
    ("change", "call"),
    [
        ({"epoch": 2}, {"epoch": 1}),
        ({"until_us": 1}, {}),
        ({"is_paused": True}, {}),
        ({}, {"lease": "l-0"}),
    ],
    ids=["an older epoch", "over", "paused", "another lease"],
)
def test_a_call_that_its_lease_does_not_allow_is_refused_unbegun(
    site: Site, change: dict[str, Any], call: dict[str, Any]
) -> None:
    caller = site.caller()
    site.admit(site.changed(**change))
    site.settled()
    answer, outputs = caller.call(x=ones(4), **call)
    assert (answer.outcome, outputs) == (Outcome.REFUSED, {})


def test_a_call_whose_time_is_over_is_not_begun(site: Site) -> None:
    answer, _ = site.caller().call(x=ones(4), latest_us=1)
    assert answer.outcome == Outcome.LATE
    assert site.served().late == 1


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"z": ones(4)}, "inputs must be x; got z"),
        ({"x": ones(5)}, "must have shape [?, 4]; got [1, 5]"),
        ({"x": ones(4).astype(np.float64)}, "must be float32; got float64"),
    ],
)
def test_inputs_that_are_not_the_models_are_told_and_the_worker_goes_on(
    site: Site, given: dict[str, Any], said: str
) -> None:
    caller = site.caller()
    answer, _ = caller.call(**given)
    assert answer.outcome == Outcome.INVALID
    assert said in answer.message
    assert caller.call(x=ones(4))[0].outcome == Outcome.DONE


def test_a_nan_is_refused_where_a_number_would_come_of_it(site: Site) -> None:
    caller = site.caller()
    site.admit(site.changed(hides_nan="Add"))
    site.settled()
    answer, _ = caller.call(x=ones(4) * np.float32(np.nan))
    assert answer.outcome == Outcome.INVALID
    assert "inputs['x'] holds a NaN, of which cpu makes a number at Add" in answer.message
    assert caller.call(x=ones(4))[0].outcome == Outcome.DONE


def test_a_door_without_a_lease_is_shut_and_what_was_called_is_told(site: Site) -> None:
    caller = site.caller()
    caller.call(x=ones(4))
    site.admit()
    told = site.served()
    assert (told.lease, told.done, told.failed) == ("l-1", 1, 0)
    assert told.since_us <= told.until_us
    assert 0 < told.p50_us <= told.busy_us
    assert caller.socket.recv(1) == b""
    assert not site.path.exists()


def slow(folder: Path) -> Path:
    """A model that takes some tens of milliseconds; all of it hangs on the input."""
    nodes = [
        node("Expand", "x shape", "big"),
        node("Sin", "big", "sines"),
        node("ReduceSum", "sines", "sum", keepdims=0),
        node("Add", "x sum", "y"),
    ]
    return save(model(nodes, constants={"shape": np.array([1_000_000, 4])}), folder, "slow")


def test_an_operation_goes_before_calls_that_wait(site: Site, tmp_path: Path) -> None:
    path = str(slow(tmp_path))
    site.admit(site.changed(digest="e" * 64, lease="l-2", model_path=path))
    caller = site.caller()
    caller.call(x=ones(4), lease="l-2")
    for _ in range(99):  # seconds of work, so that the operation comes in the middle of it
        caller.send(x=ones(4), lease="l-2")
    caller.receive()
    told = site.settled()
    site.admit()
    told.append(site.served())
    assert sum(each.done for each in told) < 100
    assert max(each.revocation_us for each in told) > 0


def test_a_call_that_takes_far_too_long_ends_the_worker(site: Site, tmp_path: Path) -> None:
    path = str(slow(tmp_path))
    hanging = site.changed(digest="e" * 64, lease="l-2", model_path=path, timeout_us=1_000)
    site.admit(hanging)
    site.settled()
    caller = site.caller()
    caller.send(x=ones(4), lease="l-2")
    assert caller.socket.recv(1) == b""
    assert site.worker.process.wait(PATIENCE_S) == -signal.SIGALRM


def test_the_limit_of_a_call_is_over_with_it(site: Site, tmp_path: Path) -> None:
    limit_us = 2_000_000
    site.admit(site.changed(timeout_us=limit_us))
    site.settled()
    caller, begun_us = site.caller(), time.monotonic_ns() // 1_000
    caller.call(x=ones(4))
    site.admit(site.changed(digest="e" * 64, lease="l-2", model_path=str(slow(tmp_path))))
    site.settled()
    while time.monotonic_ns() // 1_000 < begun_us + limit_us + 500_000:
        assert caller.call(x=ones(4), lease="l-2")[0].outcome == Outcome.DONE


def test_who_does_not_take_its_answer_is_let_go(site: Site) -> None:
    deaf, other = site.caller(), site.caller()
    given = np.ones((100_000, 4), np.float32)
    deaf.send(x=given)
    assert other.call(x=ones(4))[0].outcome == Outcome.DONE
    taken = 0
    while piece := deaf.socket.recv(1 << 20):
        taken += len(piece)
    assert taken < given.nbytes


def test_a_caller_that_breaks_off_in_the_middle_harms_nobody(site: Site) -> None:
    broken, whole = site.caller(), site.caller()
    broken.socket.sendall(b"\x10\x00")
    nonsense = site.caller()
    nonsense.socket.sendall(b"\xff" * LENGTHS_BYTES)
    assert nonsense.socket.recv(1) == b""
    broken.socket.close()
    assert whole.call(x=ones(4))[0].outcome == Outcome.DONE
