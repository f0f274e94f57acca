"""Inference: a call under a lease where there is one, else an ordinary run with a wait."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from api.calls.connection import Request
from api.http import runs
from api.http.body.json_body import Submission
from api.http.context import Context
from api.http.oip.requests import InferRequest
from api.http.oip.watching import Watched
from api.http.registering import register
from api.http.schemas import RunSettings, StageSpec, TensorSpec, WorkloadSpec
from api.http.show.results import load
from api.store.catalogue import ModelRecord, WorkloadRecord
from devices.calls.frames import Outcome, TensorHead, parts
from devices.tensors import encoded
from scheduler.control.events import WorkloadRemoved
from scheduler.control.records import RunRecord, RunState
from scheduler.model.errors import (
    Defect,
    FjordError,
    InvalidInput,
    OutOfTime,
    Unavailable,
    UnknownName,
)
from scheduler.model.messages import FailureReason

LONGEST_WAIT_S = 3_600.0
CALLED = "call."
"""The names of workloads that are made for models which are called begin with this."""
_LONGEST_NAME = 64
_STAGE = "model"
_PRIORITIES = {band: priority for priority, band in runs.BANDS.items()}
HungUp = Callable[[], Coroutine[Any, Any, object]]
"""Returns once a caller has gone."""
_OF_THE_INPUT = {FailureReason.ERROR.value, FailureReason.INVALID.value}


@dataclass(frozen=True, slots=True)
class Inferred:
    """Outputs of an inference, and its times in microseconds where they are known."""

    outputs: list[tuple[TensorHead, memoryview]]
    waited_us: int = 0
    computed_us: int = 0


async def infer(
    record: ModelRecord,
    request: InferRequest,
    context: Context,
    hung_up: HungUp,
) -> Inferred:
    """Run a model once for a caller who waits.

    Parameters
    ----------
    hung_up
        Returns once the caller has gone: what is then under way is given up.

    Raises
    ------
    InvalidInput
        If the model cannot take the inputs.
    OutOfTime
        If the time that the caller gave is over.
    Unavailable
        If it cannot be run now, or its worker ended meanwhile.
    """
    if not request.timeout_us:
        return await _infer(record, request, context, hung_up)
    try:
        async with asyncio.timeout(request.timeout_us / 1e6):
            return await _infer(record, request, context, hung_up)
    except TimeoutError:
        raise _late(request) from None


async def forget(model: str, context: Context) -> None:
    """Remove the workloads that were made for calls of a model."""
    for workload in await context.store.workloads():
        if workload.name == _name_of(model):
            event = WorkloadRemoved(at_us=context.store.now_us(), key=workload.key)
            await context.store.remove_workload(event)
    context.workloads.forget(_name_of(model))


async def _infer(
    record: ModelRecord,
    request: InferRequest,
    context: Context,
    hung_up: HungUp,
) -> Inferred:
    with Watched(hung_up):
        called = await _call(record, request, context)
    return called if called is not None else await _run(record, request, context, hung_up)


async def _call(record: ModelRecord, request: InferRequest, context: Context) -> Inferred | None:
    latest_us = 0
    if request.timeout_us:
        latest_us = time.monotonic_ns() // 1_000 + request.timeout_us
    asked = Request(
        tuple(each.head for each in request.inputs),
        [each.data for each in request.inputs],
        tuple(request.outputs),
        latest_us,
    )
    reply = await context.services.calls.call(record.digest, request.band, asked)
    if reply is None:
        return None
    answer = reply.answer
    if answer.outcome == Outcome.DONE:
        outputs = list(parts(answer.outputs, reply.body))
        return Inferred(outputs, answer.waited_us, answer.computed_us)
    if answer.outcome == Outcome.INVALID:
        raise InvalidInput(answer.message, field="inputs")
    if answer.outcome == Outcome.LATE:
        raise _late(request)
    raise Unavailable(f"model {record.name!r} failed: {answer.message}")


async def _run(
    record: ModelRecord,
    request: InferRequest,
    context: Context,
    hung_up: HungUp,
) -> Inferred:
    workload = await _workload(record, context)
    timeout_ms = request.timeout_us / 1_000 if request.timeout_us else None
    settings = RunSettings(priority=_PRIORITIES[request.band], deadline_ms=timeout_ms)
    inputs = {f"in{i}": each.array() for i, each in enumerate(request.inputs)}
    wait = runs.Wait(seconds=LONGEST_WAIT_S, hung_up=hung_up)
    with context.seats.taken():
        started = await runs.start(context, workload, Submission(settings, inputs), wait)
    ended = started.record
    if ended is None or ended.state is not RunState.FINISHED:
        raise _failure(record, request, started.run, ended)
    names = {info.name: f"out{i}" for i, info in enumerate(record.outputs)}
    outputs = [await _output(name, ended, names[name], context) for name in request.outputs]
    begun_us = ended.started_us if ended.started_us is not None else ended.submitted_us
    ended_us = ended.ended_us if ended.ended_us is not None else begun_us
    return Inferred(outputs, begun_us - ended.submitted_us, ended_us - begun_us)


async def _output(
    name: str, run: RunRecord, key: str, context: Context
) -> tuple[TensorHead, memoryview]:
    array = await load(run.outputs[key], context)
    if isinstance(array, list):
        raise Defect(f"output {name!r} of a model must be one tensor; got a list")
    dtype, data = encoded(array, name)
    return TensorHead(name, dtype, array.shape, len(data)), memoryview(data)


def _failure(
    record: ModelRecord, request: InferRequest, run: str, ended: RunRecord | None
) -> FjordError:
    if ended is None:
        return Unavailable(f"run {run} of model {record.name!r} goes on, and nobody can follow it")
    if ended.reason == FailureReason.DEADLINE.value:
        return _late(request)
    said = f"run {run} of model {record.name!r} {ended.state.value}: {ended.reason} {ended.detail}"
    return InvalidInput(said) if ended.reason in _OF_THE_INPUT else Unavailable(said.strip())


def _late(request: InferRequest) -> OutOfTime:
    return OutOfTime(f"the answer must be there within {request.timeout_us} us; it is not")


async def _workload(record: ModelRecord, context: Context) -> WorkloadRecord:
    """The workload of a model alone, made when it is called for the first time."""
    name = _name_of(record.name)
    try:
        known = await context.workloads.get(name, None)
    except UnknownName:
        return (await register(_spec(record), context))[0]
    if known.workload.stages[0].digest == record.digest:
        return known
    # Another file has the name by now.
    return (await register(_spec(record), context))[0]


def _name_of(model: str) -> str:
    return f"{CALLED}{model}"[:_LONGEST_NAME]


def _spec(record: ModelRecord) -> WorkloadSpec:
    """The workload of a model alone. Its own names may hold what names of workloads may not."""
    inputs = {f"in{i}": info for i, info in enumerate(record.inputs)}
    return WorkloadSpec(
        name=_name_of(record.name),
        inputs={
            name: TensorSpec(
                dtype=info.dtype, shape=None if info.shape is None else list(info.shape)
            )
            for name, info in inputs.items()
        },
        stages=[
            StageSpec(
                name=_STAGE,
                model=record.name,
                inputs={info.name: name for name, info in inputs.items()},
            )
        ],
        outputs={f"out{i}": f"{_STAGE}.{info.name}" for i, info in enumerate(record.outputs)},
    )
