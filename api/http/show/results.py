"""Outputs of runs on their way out: inline when small, by reference when large."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import quote

import msgspec
from starlette.responses import Response

from api.http.body.media_types import JSON, NPY, NPZ
from api.http.body.values import LARGE_BYTES, fits_json, fits_npy, to_json, to_npy, to_npz
from api.http.context import Context
from api.http.errors import choices
from devices.tensors import Array, ArrayOrList
from scheduler.control.records import RunRecord, RunState
from scheduler.model.errors import Conflict, UnknownName
from scheduler.model.messages import TensorRef, Value

INLINE_RESULT_BYTES = 64 * 1024
"""Outputs up to this size are answered as JSON: numbers take about four times that in text."""

_SUFFIXES = {NPY: "npy", NPZ: "npz", JSON: "json"}


async def record_with_results(record: RunRecord, context: Context, status: int = 200) -> Response:
    """Answer with a record, and with its outputs if it has finished."""
    results = {}
    if record.state is RunState.FINISHED:
        results = {
            name: await _result(record.run, name, value, context)
            for name, value in record.outputs.items()
        }
    # The two are encoded apart and joined: a record need not become a dictionary for this.
    body = msgspec.json.encode(record)[:-1] + b',"results":' + msgspec.json.encode(results) + b"}"
    return Response(body, status, media_type=JSON)


async def output_file(
    record: RunRecord, name: str, index: int | None, context: Context
) -> Response:
    """Answer with an output as ``.npy``, or with a whole list as ``.npz``; odd texts as JSON.

    Raises
    ------
    Conflict
        If the run has no outputs, or not yet.
    UnknownName
        If there is no such output or item.
    """
    if record.state is not RunState.FINISHED:
        law = f"run {record.run} must be finished"
        raise Conflict(f"{law}; it is {record.state.value} {record.reason}".rstrip(), field="run")
    if name not in record.outputs:
        got = f"got {name!r} ({choices(record.outputs)})"
        raise UnknownName(f"output must be one of run {record.run}; {got}", field="output")
    value = record.outputs[name]
    loaded = await load(value if index is None else _item(value, index), context)
    if value.size_bytes > LARGE_BYTES:
        body, media_type = await asyncio.to_thread(_file, loaded)
    else:
        body, media_type = _file(loaded)
    attached = f"attachment; filename*=UTF-8''{quote(name)}.{_SUFFIXES[media_type]}"
    return Response(body, headers={"Content-Disposition": attached}, media_type=media_type)


def _file(value: ArrayOrList) -> tuple[bytes, str]:
    """The file of a value, and its type."""
    if not all(fits_npy(array) for array in (value if isinstance(value, list) else [value])):
        said = [to_json(array) for array in value] if isinstance(value, list) else to_json(value)
        return msgspec.json.encode(said), JSON
    return (to_npz(value), NPZ) if isinstance(value, list) else (to_npy(value), NPY)


def _item(value: Value, index: int) -> Value:
    if not value.is_list and index == 0:
        return value
    if not value.is_list or not 0 <= index < len(value.tensors):
        count = len(value.tensors) if value.is_list else 1
        raise UnknownName(f"index must be from 0 to {count - 1}; got {index}", field="index")
    return Value(tensors=(value.tensors[index],))


async def _result(run: str, name: str, value: Value, context: Context) -> Any:
    href = f"/v1/runs/{run}/outputs/{quote(name)}"
    if value.size_bytes > INLINE_RESULT_BYTES:
        arrays: list[Array | None] = [None] * len(value.tensors)
    else:
        loaded = await load(value, context)
        arrays = [*loaded] if isinstance(loaded, list) else [loaded]
    if value.is_list:
        return [
            _said(array, ref, f"{href}?index={index}")
            for index, (array, ref) in enumerate(zip(arrays, value.tensors, strict=True))
        ]
    return _said(arrays[0], value.tensors[0], href)


def _said(array: Array | None, ref: TensorRef, href: str) -> dict[str, Any]:
    if array is not None and fits_json(array):
        return to_json(array)
    return {"dtype": ref.dtype, "shape": ref.shape, "href": href}


async def load(value: Value, context: Context) -> ArrayOrList:
    """Fetch a value to this box if it is on another; gives its arrays."""
    tensors = context.services.tensors
    if not tensors.is_local(value):
        value = await tensors.localise(value, context.client, context.tensor_headers)
    return tensors.get(value)
