"""Executes one piece of work: inputs in, function or model, outputs out, or a reason why not."""

from __future__ import annotations

import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from devices.functions.registry import find, functions
from devices.runtime.errors import RunFailed, RunStopped, in_one_line
from devices.sensing.pace import Pace
from devices.tensors import Array, ArrayOrList, TensorStore
from devices.worker.failures import reason_for
from devices.worker.memory import give_back
from devices.worker.protocol import (
    Execute,
    ExecuteFailed,
    ExecuteFinished,
    Grant,
    Unload,
    Warm,
)
from devices.worker.sessions import SessionCache
from fjord.narrow import widened
from scheduler.model.errors import InvalidTensor
from scheduler.model.messages import Profile, Value, WorkKind

if TYPE_CHECKING:
    from devices.runtime.session import Session

_MESSAGE_LIMIT = 2_000


@dataclass(slots=True)
class _Outcome:
    outputs: dict[str, ArrayOrList]
    compute_us: int
    load_us: int = 0
    profile: Profile | None = None


class Executor:
    """Work of a worker. All calls but `cancel` come from one thread."""

    def __init__(self, store: TensorStore, machine: str, memory_bytes: int = 0) -> None:
        self._store = store
        self._machine = machine
        self._memory_bytes = memory_bytes
        self._sessions = SessionCache()
        self._pace = Pace()
        self._lock = Lock()
        self._current: tuple[str, int] | None = None
        self._running: Session | None = None
        self._cancelled: set[tuple[str, int]] = set()

    def preload(self, *, has_functions: bool, has_models: bool) -> None:
        """Import modules that the first operation would wait for."""
        if has_functions:
            functions()
        if has_models:
            import devices.runtime.session  # noqa: F401

    def warm(self, message: Warm | Grant) -> None:
        """Make a session ahead of time; an error is told when the session is needed."""
        try:
            self._sessions.get(message.digest, message.provider, message.model_path, {})
        except Exception:
            return

    def unload(self, message: Unload) -> None:
        """Drop the sessions of a model."""
        self._sessions.drop(message.digest)
        give_back()

    def cancel(self, operation: str, attempt: int) -> None:
        """Stop the operation if it can be stopped, or skip it if it has not begun."""
        with self._lock:
            self._cancelled.add((operation, attempt))
            if self._current == (operation, attempt) and self._running is not None:
                self._running.terminate()

    def call(
        self, grant: Grant, feeds: dict[str, Array], outputs: Sequence[str]
    ) -> tuple[dict[str, Array], int]:
        """Run the model of a lease once; gives its outputs, and the time to make its session.

        Raises
        ------
        InvalidTensor
            If the inputs are not those of the model.
        MemoryError
            If there was no room. Sessions that are kept are let go of by then.
        ProviderRefused, RunFailed
            If the model cannot be run.
        """
        if grant.hides_nan:
            _refuse_nan(feeds, grant.provider, grant.hides_nan)
        shapes = {name: array.shape for name, array in feeds.items()}
        try:
            session, load_us = self._sessions.get(
                grant.digest, grant.provider, grant.model_path, shapes
            )
            return session.run(feeds, outputs or None), load_us
        except MemoryError:
            self._sessions.clear()
            raise

    def execute(self, message: Execute) -> ExecuteFinished | ExecuteFailed:
        """Carry out an operation; any exception becomes an answer."""
        identity = (message.operation, message.attempt)
        started_us = now_us()
        with self._lock:
            self._current = identity
        try:
            outcome = self._run(message)
            outputs = self._put(message, outcome.outputs)
        except MemoryError as error:
            # Later work would fail for the sessions kept here: each is made again where it is used.
            self._sessions.clear()
            failed = self._failed(message, error)
            error.__traceback__ = None
            give_back()
            return failed
        except Exception as error:
            return self._failed(message, error)
        finally:
            with self._lock:
                self._current = None
                self._cancelled.discard(identity)
        return ExecuteFinished(
            operation=message.operation,
            attempt=message.attempt,
            started_us=started_us,
            ended_us=now_us(),
            compute_us=outcome.compute_us,
            load_us=outcome.load_us,
            outputs=outputs,
            profile=outcome.profile,
            pace_ns=self._pace.ns(now_us()),
        )

    def _run(self, message: Execute) -> _Outcome:
        inputs = {name: self._store.get(value) for name, value in message.inputs.items()}
        if message.work.kind is WorkKind.PROFILE:
            return self._profile(message, inputs)
        if message.work.kind is WorkKind.FUNCTION:
            return self._function(message, inputs)
        return self._model(message, inputs)

    def _function(self, message: Execute, inputs: dict[str, ArrayOrList]) -> _Outcome:
        called = find(message.work.name)
        before = now_us()
        outputs = called(inputs, message.work.params)
        return _Outcome(outputs, now_us() - before)

    def _model(self, message: Execute, inputs: dict[str, ArrayOrList]) -> _Outcome:
        feeds = {name: _single(value, name) for name, value in inputs.items()}
        if message.hides_nan:
            _refuse_nan(feeds, message.provider, message.hides_nan)
        shapes = {name: array.shape for name, array in feeds.items()}
        work = message.work
        session, load_us = self._sessions.get(
            work.digest, message.provider, message.model_path, shapes
        )
        self._begin(session, (message.operation, message.attempt))
        before = now_us()
        try:
            outputs = session.run(feeds, work.outputs or None)
        finally:
            with self._lock:
                self._running = None
        return _Outcome(dict(outputs), now_us() - before, load_us)

    def _begin(self, session: Session, identity: tuple[str, int]) -> None:
        with self._lock:
            if identity in self._cancelled:
                raise RunStopped("cancelled before it began")
            self._running = session

    def _profile(self, message: Execute, inputs: dict[str, ArrayOrList]) -> _Outcome:
        from devices.catalogue import provider
        from devices.runtime.profile import profile

        params: dict[str, Any] = message.work.params
        path, digest = Path(message.model_path), message.work.digest
        before = now_us()
        measured = profile(
            path,
            digest,
            provider(message.provider),
            self._machine,
            {name: tuple(shape) for name, shape in params.get("shapes", {}).items()},
            examples={name: _single(value, name) for name, value in inputs.items()},
            # Runs that follow find it loaded: they go where work is fastest, not where some ran.
            keep=lambda session, shapes: self._sessions.keep(session, digest, path, shapes),
            **{
                name: params[name]
                for name in ("repeats", "budget_us", "operators")
                if name in params
            },
        )
        return _Outcome({}, now_us() - before, measured.load_us, measured)

    def _put(self, message: Execute, outputs: dict[str, ArrayOrList]) -> dict[str, Value]:
        wanted = message.work.outputs or tuple(outputs)
        stem = f"{message.operation.removeprefix(f'{message.run}/')}.{message.attempt}"
        return {
            name: self._store.put(message.run, f"{stem}.{name}", outputs[name]) for name in wanted
        }

    def _failed(self, message: Execute, error: Exception) -> ExecuteFailed:
        return ExecuteFailed(
            operation=message.operation,
            attempt=message.attempt,
            reason=reason_for(error),
            message=described(error) + self._limit_of(error),
        )

    def _limit_of(self, error: Exception) -> str:
        if not isinstance(error, MemoryError) or not self._memory_bytes:
            return ""
        return f"; a worker may hold {self._memory_bytes} bytes of memory"


def now_us() -> int:
    """The monotonic clock of the box, in microseconds."""
    return time.monotonic_ns() // 1_000


def _single(value: ArrayOrList, name: str) -> Array:
    if isinstance(value, list):
        raise InvalidTensor(f"input {name!r} of a model must be one tensor; got a list", field=name)
    return value


def _refuse_nan(feeds: dict[str, Array], provider: str, operator: str) -> None:
    """Refuse inputs with a NaN where a number would come of it: another machine keeps it."""
    for name, array in feeds.items():
        # The least of all is NaN if one is: no array of truth values is made.
        wide = widened(array)
        if wide.dtype.kind == "f" and wide.size and wide.min() != wide.min():
            raise RunFailed(
                f"inputs[{name!r}] holds a NaN, of which {provider} makes a number at {operator}",
                field=f"inputs.{name}",
            )


def described(error: Exception) -> str:
    """Type, message and the last line of ours or of a plug-in that raised it."""
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}:{frames[-1].lineno})" if frames else ""
    return f"{type(error).__name__}: {in_one_line(error)[:_MESSAGE_LIMIT]}{place}"
