"""How a run comes in: as JSON, as a form with files, or as one bare ``.npy``."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from fastapi import Request
from pydantic import BaseModel, ValidationError

from api.errors import from_validation
from api.inputs import NPY, conform, from_json, from_npy, from_part
from api.multipart import read_body
from api.registry import WorkloadRecord
from api.schemas import Priority, RunRequest, RunSettings
from devices.tensors import ArrayOrList, TensorStore, dtype_name
from scheduler.control.events import RunSubmitted
from scheduler.model.errors import InvalidInput
from scheduler.model.messages import Release, TensorRef, Value
from scheduler.model.problem import Band

SETTINGS_PART = "settings"
MULTIPART = "multipart/form-data"
LARGE_BYTES = 1024 * 1024
"""From this size on, bodies are read and tensors written in a thread: 1 MiB takes 0.2 ms."""

BANDS = {
    Priority.CRITICAL: Band.CRITICAL,
    Priority.HIGH: Band.HIGH,
    Priority.NORMAL: Band.NORMAL,
    Priority.BACKGROUND: Band.BACKGROUND,
}
_QUERY_LISTS = frozenset({"allow", "forbid"})
# Query parameters that say how to answer, not how to run.
_ANSWERING = frozenset({"wait_s", "version", "cancel_on_disconnect"})

M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Submission:
    """What a caller wants run, and how."""

    settings: RunSettings
    inputs: Mapping[str, ArrayOrList]


async def read_submission(request: Request, workload: WorkloadRecord, max_bytes: int) -> Submission:
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
    if kind == MULTIPART:
        read = partial(_from_form, content_type, body, max_bytes)
    elif kind in {"application/json", ""}:
        read = partial(_from_json, body)
    else:
        raise InvalidInput(
            f"content-type must be application/json, {MULTIPART} or {NPY}; got {content_type!r}",
            field="content-type",
        )
    return read() if len(body) < LARGE_BYTES else await asyncio.to_thread(read)


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


def parse(model: type[M], data: Any, where: str = "") -> M:
    """Read a pydantic model from JSON bytes or from plain values, or say what is wrong with it."""
    try:
        if isinstance(data, bytes | bytearray):
            return model.model_validate_json(data)
        return model.model_validate(data)
    except ValidationError as error:
        problem = from_validation(error.errors())
        field = f"{where}.{problem.field}".strip(".")
        raise InvalidInput(problem.detail, field=field) from None


def _from_json(body: bytes) -> Submission:
    request = parse(RunRequest, body or b"{}")
    inputs = {name: from_json(value, f"inputs.{name}") for name, value in request.inputs.items()}
    return Submission(request, inputs)


def _from_form(content_type: str, body: bytes, max_bytes: int) -> Submission:
    settings = RunSettings()
    inputs: dict[str, ArrayOrList] = {}
    for part in read_body(content_type, body):
        if part.name == SETTINGS_PART and part.filename in {"", "settings.json"}:
            settings = parse(RunSettings, bytes(part.content.data), SETTINGS_PART)
        elif part.name in inputs:
            law = f"inputs.{part.name} must be given once"
            raise InvalidInput(f"{law}; got another", field=f"inputs.{part.name}")
        else:
            inputs[part.name] = from_part(part, f"inputs.{part.name}", max_bytes)
    return Submission(settings, inputs)


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
