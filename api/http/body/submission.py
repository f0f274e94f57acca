"""Submissions of runs: as JSON, as a form with files, or as one bare ``.npy``."""

from __future__ import annotations

import asyncio
import json as notation
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from fastapi import Request

from api.http.body.json_body import Submission, from_json_body, parse
from api.http.body.json_process import JsonProcess
from api.http.body.media_types import JSON, MULTIPART, NPY
from api.http.body.multipart import Part, read_body
from api.http.body.values import LARGE_BYTES, from_npy, from_part
from api.http.schemas import RunSettings
from api.store.catalogue import WorkloadRecord
from devices.tensors import ArrayOrList
from scheduler.model.errors import InvalidInput, TooLarge

SETTINGS_PART = "settings"
LARGE_JSON_BYTES = 128 * 1024
"""From this size on, JSON is read in a process of its own: so much takes up to 40 ms."""
_QUERY_LISTS = frozenset({"allow", "forbid"})
# These query parameters shape the answer; all others are settings of the run.
_ANSWERING = frozenset({"wait_s", "version", "cancel_on_disconnect", "run"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Form:
    """The parts of a form; of fields in JSON, the bytes."""

    settings: RunSettings
    inputs: dict[str, ArrayOrList] = field(default_factory=dict)
    written: dict[str, bytearray] = field(default_factory=dict)


async def read_submission(
    request: Request,
    workload: WorkloadRecord,
    *,
    json: JsonProcess,
    max_bytes: int,
    max_json_bytes: int,
) -> Submission:
    """Read settings and inputs from the body of a request, by its content type.

    Parameters
    ----------
    json
        Reads long bodies of JSON outside of this process.
    max_bytes
        Largest size that an archive in the body may unpack to.
    max_json_bytes
        Largest size of the fields in JSON of a form together.

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
        return await json.read(body) if is_large else from_json_body(body)
    if kind != MULTIPART:
        raise InvalidInput(
            f"content-type must be {JSON}, {MULTIPART} or {NPY}; got {content_type!r}",
            field="content-type",
        )
    read = partial(_from_form, content_type, body, max_bytes)
    form = read() if len(body) < LARGE_BYTES else await asyncio.to_thread(read)
    size = sum(map(len, form.written.values()))
    if size > max_json_bytes:
        law = f"the fields in JSON must have at most {max_json_bytes} bytes together"
        raise TooLarge(f"{law}; got {size}: send arrays as .npy", field="body")
    written = {name: await _read_field(name, data, json) for name, data in form.written.items()}
    return Submission(form.settings, form.inputs | written)


async def _read_field(name: str, data: bytearray, json: JsonProcess) -> ArrayOrList:
    body = b'{"inputs":{%b:%b}}' % (notation.dumps(name).encode(), bytes(data))
    is_large = len(body) >= LARGE_JSON_BYTES
    read = await json.read(body) if is_large else from_json_body(body)
    # The field may close the brackets around it and go on: nothing else of that is taken.
    if set(read.inputs) != {name}:
        law = f"inputs.{name} must be a tensor in JSON, or a list of them"
        raise InvalidInput(f"{law}; got more", field=f"inputs.{name}")
    return read.inputs[name]


def _from_form(content_type: str, body: bytes, max_bytes: int) -> _Form:
    settings = RunSettings()
    inputs: dict[str, ArrayOrList] = {}
    written: dict[str, bytearray] = {}
    for part in read_body(content_type, body):
        if part.name == SETTINGS_PART and part.filename in {"", "settings.json"}:
            settings = _settings_of(part)
        elif part.name in inputs or part.name in written:
            law = f"inputs.{part.name} must be given once"
            raise InvalidInput(f"{law}; got another", field=f"inputs.{part.name}")
        elif part.content_type == JSON and not part.filename:
            written[part.name] = part.content.data
        else:
            inputs[part.name] = from_part(part, f"inputs.{part.name}", max_bytes)
    return _Form(settings=settings, inputs=inputs, written=written)


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
