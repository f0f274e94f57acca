"""How a run comes in: as JSON, as a form with files, or as one bare ``.npy``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from typing import Any

from fastapi import Request

from api.http.body.inputs import NPY, conform, from_npy, from_part
from api.http.body.json_body import Submission, from_json_body, parse
from api.http.body.multipart import Part, read_body
from api.http.context import Context
from api.http.schemas import Priority, RunSettings
from api.store import QueueLimits
from api.store.catalogue import WorkloadRecord
from devices.tensors import ArrayOrList, TensorStore, dtype_name
from scheduler.control.events import RunSubmitted
from scheduler.model.errors import FjordError, InvalidInput, OutcomeUnknown, TooLarge
from scheduler.model.messages import Release, TensorRef, Value
from scheduler.model.problem import Band

SETTINGS_PART = "settings"
JSON = "application/json"
MULTIPART = "multipart/form-data"
RUN_ID = r"^(r-[0-9a-v]{18})?$"
"""Ids that are made here, or none."""
LARGE_BYTES = 1024 * 1024
"""From this size on, bodies are read and tensors written in a thread: 1 MiB takes 0.2 ms."""
LARGE_JSON_BYTES = 128 * 1024
"""From this size on, JSON is read in a process of its own: so much takes up to 40 ms."""

BANDS = {
    Priority.CRITICAL: Band.CRITICAL,
    Priority.HIGH: Band.HIGH,
    Priority.NORMAL: Band.NORMAL,
    Priority.BACKGROUND: Band.BACKGROUND,
}
_QUERY_LISTS = frozenset({"allow", "forbid"})
# Query parameters that say how to answer, not how to run.
_ANSWERING = frozenset({"wait_s", "version", "cancel_on_disconnect", "run"})


async def read_submission(
    request: Request, workload: WorkloadRecord, context: Context
) -> Submission:
    """Read settings and inputs, whichever way they come.

    Raises
    ------
    InvalidInput
        With the field, the law and what came.
    """
    body = await request.body()
    content_type = request.headers.get("content-type", "")
    kind = content_type.partition(";")[0].strip().lower()
    if kind == NPY:
        return _from_npy(request, workload, body)
    _refuse_settings_in_query(request)
    if kind in {JSON, ""}:
        is_large = len(body) >= LARGE_JSON_BYTES
        return await context.json.read(body) if is_large else from_json_body(body)
    if kind != MULTIPART:
        raise InvalidInput(
            f"content-type must be {JSON}, {MULTIPART} or {NPY}; got {content_type!r}",
            field="content-type",
        )
    read = partial(_from_form, content_type, body, context.settings.max_request_bytes)
    return read() if len(body) < LARGE_BYTES else await asyncio.to_thread(read)


async def submit(
    given: Submission, run: str, workload: WorkloadRecord, context: Context, *, is_new: bool
) -> None:
    """Store the inputs of a run and submit it: both are done, or neither is.

    Where nobody knows whether it is done, the inputs are kept until somebody does.

    Parameters
    ----------
    is_new
        Whether nobody can have submitted this run before.

    Raises
    ------
    QueueFull, StoreUnavailable, OutOfSpace
        It is not.
    OutcomeUnknown
        Nobody knows.
    """
    store, tensors, settings = context.store, context.services.tensors, context.settings
    context.settling.stop(run)
    values = await store_inputs(tensors, run, given.inputs, workload)
    most = workload.max_queued or settings.max_queued
    try:
        event = to_event(run, workload, given.settings, values, store.now_us())
        await store.submit(event, QueueLimits(site=settings.max_queued, workload=most))
    except BaseException as error:
        # Cancelled in the middle, nobody knows either.
        is_known = isinstance(error, FjordError) and not isinstance(error, OutcomeUnknown)
        if is_known and is_new:
            tensors.release(Release(run=run))
        else:
            context.settling.begin(run)
        raise


def to_event(
    run: str, workload: WorkloadRecord, settings: RunSettings, values: dict[str, Value], at_us: int
) -> RunSubmitted:
    """Say a submission to the brain; what was relative to now becomes absolute."""
    return RunSubmitted(
        at_us=at_us,
        run=run,
        workload=workload.key,
        inputs=values,
        band=BANDS[settings.priority],
        weight=settings.weight,
        deadline_us=_absolute_us(at_us, settings.deadline_ms),
        due_us=_absolute_us(at_us, settings.due_ms),
        drop_late=settings.on_late == "drop",
        allow=settings.allow,
        forbid=settings.forbid,
    )


async def store_inputs(
    tensors: TensorStore, run: str, given: Mapping[str, ArrayOrList], workload: WorkloadRecord
) -> dict[str, Value]:
    """Check the inputs of a run and store them, all or none."""
    checked = conform(given, workload.inputs)
    try:
        # Names of stages cannot start with a tilde, so no output has one of these keys.
        return {
            name: await _put(tensors, run, f"~{name}", value) for name, value in checked.items()
        }
    except BaseException:
        tensors.release(Release(run=run))
        raise


def described(given: Mapping[str, ArrayOrList], workload: WorkloadRecord) -> dict[str, Value]:
    """Say what inputs a dry run has, without storing them; none at all is allowed."""
    if not given:
        return {}
    return {
        name: Value(
            tensors=tuple(_described(array) for array in _as_list(value)),
            is_list=isinstance(value, list),
        )
        for name, value in conform(given, workload.inputs).items()
    }


def _from_form(content_type: str, body: bytes, max_bytes: int) -> Submission:
    settings = RunSettings()
    inputs: dict[str, ArrayOrList] = {}
    for part in read_body(content_type, body):
        if part.name == SETTINGS_PART and part.filename in {"", "settings.json"}:
            settings = _settings_of(part)
        elif part.name in inputs:
            law = f"inputs.{part.name} must be given once"
            raise InvalidInput(f"{law}; got another", field=f"inputs.{part.name}")
        else:
            inputs[part.name] = from_part(part, f"inputs.{part.name}", max_bytes)
    return Submission(settings, inputs)


def _settings_of(part: Part) -> RunSettings:
    data = part.content.data
    if len(data) > LARGE_JSON_BYTES:
        law = f"{SETTINGS_PART} must have at most {LARGE_JSON_BYTES} bytes"
        raise TooLarge(f"{law}; got {len(data)}", field=SETTINGS_PART)
    return parse(RunSettings, data, SETTINGS_PART)


def _from_npy(request: Request, workload: WorkloadRecord, body: bytes) -> Submission:
    if len(workload.inputs) != 1:
        names = ", ".join(info.name for info in workload.inputs)
        raise InvalidInput(
            f"inputs must be sent as a form or as JSON for a workload of several; got {NPY} "
            f"for {names}",
            field="content-type",
        )
    (info,) = workload.inputs
    array = from_npy(body, f"inputs.{info.name}")
    return Submission(_settings_of_query(request), {info.name: array})


def _settings_of_query(request: Request) -> RunSettings:
    query = request.query_params
    given: dict[str, Any] = {
        name: query.getlist(name) if name in _QUERY_LISTS else query[name]
        for name in query
        if name not in _ANSWERING
    }
    return parse(RunSettings, given)


def _refuse_settings_in_query(request: Request) -> None:
    for name in request.query_params:
        if name not in _ANSWERING:
            law = f"{name} must be a setting in the body, or a query parameter with {NPY}"
            raise InvalidInput(f"{law}; got it in the query", field=name)


async def _put(tensors: TensorStore, run: str, name: str, value: ArrayOrList) -> Value:
    if sum(array.nbytes for array in _as_list(value)) < LARGE_BYTES:
        return tensors.put(run, name, value)
    return await asyncio.to_thread(tensors.put, run, name, value)


def _described(array: Any) -> TensorRef:
    return TensorRef(dtype=dtype_name(array), shape=array.shape, size_bytes=array.nbytes)


def _as_list(value: ArrayOrList) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _absolute_us(at_us: int, after_ms: float | None) -> int | None:
    return None if after_ms is None else at_us + max(1, round(after_ms * 1000))
