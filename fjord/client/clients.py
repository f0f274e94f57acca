"""The two clients: they send the requests of the methods, and do nothing else."""

from __future__ import annotations

import asyncio
import functools
import os
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator
from contextlib import aclosing, closing
from types import TracebackType
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

import httpx

from fjord.about import DEFAULT_URL
from fjord.client import calls
from fjord.client.calls.gathering import Waiting
from fjord.client.patience import PATIENCE_S, patient
from fjord.client.turns import Turns
from fjord.client.wire import (
    EventReader,
    Pause,
    Request,
    Run,
    ServerEvent,
    Steps,
    arguments,
    checked,
    checked_address,
    reaching,
    settings,
)
from fjord.errors import FjordApiError, PartlySubmitted

RUNS_TIMEOUT_S = 300.0

P = ParamSpec("P")
T = TypeVar("T")


def _sync(steps: Callable[P, Steps[T]]) -> Callable[Concatenate[Client, P], T]:
    @functools.wraps(steps)
    def method(self: Client, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self._perform(steps(*args, **kwargs))

    return method


def _async(
    steps: Callable[P, Steps[T]],
) -> Callable[Concatenate[AsyncClient, P], Coroutine[Any, Any, T]]:
    @functools.wraps(steps)
    async def method(self: AsyncClient, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self._perform(steps(*args, **kwargs))

    return method


def _settings(base_url: str | None, token: str | None) -> dict[str, Any]:
    """Address and token: as given, or else as the environment has them."""
    known = os.environ.get
    url = known("FJORD_URL") or DEFAULT_URL if base_url is None else base_url
    return settings(checked_address(url), known("FJORD_TOKEN") if token is None else token)


def _of_client(found: Any, results: Callable[[Run], Any]) -> Any:
    """Tell the runs in an answer how their client fetches results."""
    for run in found if isinstance(found, list | tuple) else (found,):
        if isinstance(run, Run):
            run.of_client(results)
    return found


def _whole(
    http: httpx.Client | httpx.AsyncClient, step: Request, timeout_s: float
) -> httpx.Request:
    """Build a request with its body in one piece: a form would be sent line by line."""
    request = http.build_request(**arguments(step, timeout_s))
    request.read()
    return request


class _Configured(ABC):
    """The settings of a client. The connections that follow them are its own."""

    def __init__(
        self,
        base_url: str | None = None,
        token: str | None = None,
        *,
        timeout_s: float = 30.0,
        patience_s: float = PATIENCE_S,
    ) -> None:
        given = _settings(base_url, token)
        self.base_url: str = given["base_url"]
        self._timeout_s = timeout_s
        self._patience_s = patience_s
        self._connect(given)

    @abstractmethod
    def _connect(self, given: dict[str, Any]) -> None:
        """Make what sends requests by these settings of httpx; nothing is sent yet."""


class Client(_Configured):
    """Talks to the service and waits for each answer.

    Parameters
    ----------
    base_url
        Address of the service; by default that of ``FJORD_URL``, else this computer's own.
    token
        Bearer token; by default that of ``FJORD_TOKEN``. On the service's own computer none is
        needed.
    timeout_s
        Longest wait for an answer, in seconds, on top of the wait that a call asks for.
    patience_s
        Most seconds for which a call that a busy service refuses (429, 503) is sent again, as long
        as that does nothing twice; 0 raises the first refusal.

    Raises
    ------
    InvalidValue
        If `base_url` is no address.
    """

    def _connect(self, given: dict[str, Any]) -> None:
        self._http = httpx.Client(**given)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def events(self) -> Iterator[ServerEvent]:
        """Follow the live stream: the view of the site at once, then every change."""
        reader = EventReader()
        with closing(self._perform(calls.events())) as response, reaching(self.base_url):
            for line in response.iter_lines():
                if event := reader.feed(line):
                    yield event

    def as_completed(
        self, runs: Iterable[Run | str], *, timeout_s: float = RUNS_TIMEOUT_S
    ) -> Iterator[Run]:
        """Give each of these runs once it has ended, however it ends, the first to end first.

        Raises
        ------
        TimeoutError
            If some have not ended in time.
        """
        waiting = Waiting(runs, timeout_s)
        while waiting:
            yield from self._perform(waiting.next_ended())

    def _perform(self, steps: Steps[T]) -> T:
        steps = patient(steps, self._patience_s)
        try:
            step = next(steps)
            while True:
                try:
                    answer = self._step(step)
                except FjordApiError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            result: T = _of_client(stop.value, self.results)
            return result
        except PartlySubmitted as error:
            _of_client(error.runs, self.results)
            raise

    def _step(self, step: Request | Pause) -> Any:
        if isinstance(step, Pause):
            return time.sleep(step.seconds)
        with reaching(self.base_url):
            whole = _whole(self._http, step, self._timeout_s)
            response = self._http.send(whole, stream=step.is_stream)
            if not response.is_success:
                response.read()
            return checked(response)

    upload_model = _sync(calls.upload_model)
    models = _sync(calls.models)
    model = _sync(calls.model)
    profile = _sync(calls.profile)
    profiles = _sync(calls.profiles)
    operators = _sync(calls.operators)
    delete_model = _sync(calls.delete_model)
    partitions = _sync(calls.partitions)
    add_partition = _sync(calls.add_partition)
    delete_partition = _sync(calls.delete_partition)
    wait_until_profiled = _sync(calls.wait_until_profiled)
    create_workload = _sync(calls.create_workload)
    workloads = _sync(calls.workloads)
    workload = _sync(calls.workload)
    delete_workload = _sync(calls.delete_workload)
    submit = _sync(calls.submit)
    submit_many = _sync(calls.submit_many)
    plan = _sync(calls.plan)
    runs = _sync(calls.runs)
    run = _sync(calls.run)
    wait = _sync(calls.wait)
    results = _sync(calls.results)
    cancel = _sync(calls.cancel)
    explain = _sync(calls.explain)
    story = _sync(calls.story)
    trace = _sync(calls.trace)
    devices = _sync(calls.devices)
    ready = _sync(calls.ready)
    schedule = _sync(calls.schedule)
    policy = _sync(calls.policy)
    predictions = _sync(calls.predictions)
    misses = _sync(calls.misses)
    plans = _sync(calls.plans)
    set_policy = _sync(calls.set_policy)


class AsyncClient(_Configured):
    """`Client` for asyncio: the same methods, awaited.

    Parameters
    ----------
    base_url, token, timeout_s, patience_s
        As for `Client`, also in what is refused.
    """

    def _connect(self, given: dict[str, Any]) -> None:
        self._http = httpx.AsyncClient(**given)
        self._turns = Turns()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def events(self) -> AsyncIterator[ServerEvent]:
        """Follow the live stream: the view of the site at once, then every change."""
        reader = EventReader()
        async with aclosing(await self._perform(calls.events())) as response:
            with reaching(self.base_url):
                async for line in response.aiter_lines():
                    if event := reader.feed(line):
                        yield event

    async def as_completed(
        self, runs: Iterable[Run | str], *, timeout_s: float = RUNS_TIMEOUT_S
    ) -> AsyncIterator[Run]:
        """Give each of these runs once it has ended, however it ends, the first to end first.

        Raises
        ------
        TimeoutError
            If some have not ended in time.
        """
        waiting = Waiting(runs, timeout_s)
        while waiting:
            for run in await self._perform(waiting.next_ended()):
                yield run

    async def _perform(self, steps: Steps[T]) -> T:
        steps = patient(steps, self._patience_s)
        try:
            step = next(steps)
            while True:
                try:
                    answer = await self._step(step)
                except FjordApiError as error:
                    step = steps.throw(error)
                else:
                    step = steps.send(answer)
        except StopIteration as stop:
            result: T = _of_client(stop.value, self.results)
            return result
        except PartlySubmitted as error:
            _of_client(error.runs, self.results)
            raise

    async def _step(self, step: Request | Pause) -> Any:
        if isinstance(step, Pause):
            return await asyncio.sleep(step.seconds)
        await self._turns.take(step.rank)
        with reaching(self.base_url):
            whole = _whole(self._http, step, self._timeout_s)
            response = await self._http.send(whole, stream=step.is_stream)
            if not response.is_success:
                await response.aread()
            return checked(response)

    upload_model = _async(calls.upload_model)
    models = _async(calls.models)
    model = _async(calls.model)
    profile = _async(calls.profile)
    profiles = _async(calls.profiles)
    operators = _async(calls.operators)
    delete_model = _async(calls.delete_model)
    partitions = _async(calls.partitions)
    add_partition = _async(calls.add_partition)
    delete_partition = _async(calls.delete_partition)
    wait_until_profiled = _async(calls.wait_until_profiled)
    create_workload = _async(calls.create_workload)
    workloads = _async(calls.workloads)
    workload = _async(calls.workload)
    delete_workload = _async(calls.delete_workload)
    submit = _async(calls.submit)
    submit_many = _async(calls.submit_many)
    plan = _async(calls.plan)
    runs = _async(calls.runs)
    run = _async(calls.run)
    wait = _async(calls.wait)
    results = _async(calls.results)
    cancel = _async(calls.cancel)
    explain = _async(calls.explain)
    story = _async(calls.story)
    trace = _async(calls.trace)
    devices = _async(calls.devices)
    ready = _async(calls.ready)
    schedule = _async(calls.schedule)
    policy = _async(calls.policy)
    predictions = _async(calls.predictions)
    misses = _async(calls.misses)
    plans = _async(calls.plans)
    set_policy = _async(calls.set_policy)
