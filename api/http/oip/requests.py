"""Inference requests as they come: a header in JSON, and tensors inside of it or behind it."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic_core import from_json as parse_json

from api.http.errors import choices, shown
from api.http.oip.datatypes import DATATYPES, DTYPES, from_json, item_bytes, texts_of
from api.http.parsing import parsing
from api.store.catalogue import TensorInfo
from devices.calls.frames import Buffer, TensorHead
from devices.tensors import STRING, Array, decoded, encoded
from scheduler.model.errors import InvalidInput, InvalidTensor, TooLarge
from scheduler.model.messages import TensorRef
from scheduler.model.problem import Band

MAX_DIMENSIONS = 32
MOST_TIMEOUT_US = 3_600_000_000
_BANDS = {0: Band.NORMAL, 1: Band.CRITICAL, 2: Band.HIGH, 3: Band.NORMAL}
"""By the protocol's priority, 1 the highest and 0 for none said; above these, background."""
_NOT_OFFERED = {
    "sequence_id": "sequences",
    "sequence_start": "sequences",
    "sequence_end": "sequences",
    "classification": "classification",
    "shared_memory_region": "shared memory",
}


@dataclass(frozen=True, slots=True)
class Given:
    """An input, in the form that workers take: numbers as they are, texts as a list in JSON."""

    head: TensorHead
    data: Buffer

    def array(self) -> Array:
        """The tensor, over its bytes."""
        head = self.head
        ref = TensorRef(dtype=head.dtype, shape=head.shape, size_bytes=head.size, key=head.name)
        return decoded(ref, memoryview(self.data))


@dataclass(frozen=True, slots=True, kw_only=True)
class InferRequest:
    """A request that has been read, and whose inputs are those of the model.

    Parameters
    ----------
    inputs
        In the order of the model.
    outputs
        Names of the outputs that are wanted, each with true if it is wanted as bytes.
    timeout_us
        Longest time to the answer; 0 for no limit.
    """

    id: str | None
    inputs: tuple[Given, ...]
    outputs: dict[str, bool]
    band: Band = Band.NORMAL
    timeout_us: int = 0


def read_request(
    body: bytes,
    header_length: str | None,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[str],
    *,
    most_json: int,
) -> InferRequest:
    """Read the body of a request for a model with these inputs and outputs.

    Parameters
    ----------
    header_length
        Bytes of the JSON as `Inference-Header-Content-Length` says; ``None`` where all is JSON.
    most_json
        Most bytes of JSON.

    Raises
    ------
    InvalidInput
        With the field, the law and what came.
    """
    length = len(body) if header_length is None else _length(header_length, len(body))
    if length > most_json:
        law = f"the body must have at most {most_json} bytes of JSON"
        raise TooLarge(f"{law}; got {length}", field="body")
    with parsing("the body must be JSON", field="body"):
        header = parse_json(body[:length])
    if not isinstance(header, dict):
        raise InvalidInput(f"the body must be an object; got {shown(header)}", field="body")
    return request_of(header, memoryview(body)[length:], inputs, outputs)


def request_of(
    header: Mapping[str, Any],
    binary: memoryview,
    inputs: Sequence[TensorInfo],
    outputs: Sequence[str],
) -> InferRequest:
    """Check a request for a model with these inputs and outputs.

    Parameters
    ----------
    header
        The JSON of the request.
    binary
        The tensors behind it, one after another.

    Raises
    ------
    InvalidInput
        With the field, the law and what came.
    """
    params = _params(header, "")
    return InferRequest(
        id=_text_or_none(header, "id"),
        inputs=_inputs(header, binary, {info.name: info for info in inputs}),
        outputs=_outputs(header, outputs, params),
        band=_BANDS.get(_whole(params, "priority", most=2**64 - 1), Band.BACKGROUND),
        timeout_us=_whole(params, "timeout", most=MOST_TIMEOUT_US),
    )


def _length(text: str, most: int) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) > most:
        law = f"inference-header-content-length must be from 0 to {most}"
        raise InvalidInput(f"{law}; got {shown(text)}", field="inference-header-content-length")
    return int(text)


def _inputs(
    header: Mapping[str, Any], binary: memoryview, infos: Mapping[str, TensorInfo]
) -> tuple[Given, ...]:
    found: dict[str, Given] = {}
    for i, each in enumerate(_objects(header, "inputs")):
        where = f"inputs[{i}]"
        info = infos.get(_text(each, "name", where))
        if info is None:
            law = f"{where}.name must be an input of the model"
            raise InvalidInput(f"{law}; got {each['name']!r} ({choices(infos)})", field=where)
        if info.name in found:
            raise InvalidInput(f"{where}.name must be given once; got {info.name!r}", field=where)
        found[info.name], binary = _input(each, binary, info, where)
    missing = [name for name in infos if name not in found]
    if missing:
        law = f"inputs must have all inputs of the model: {', '.join(infos)}"
        raise InvalidInput(f"{law}; got none for {', '.join(missing)}", field="inputs")
    if binary:
        law = "the body must end with its last tensor"
        raise InvalidInput(f"{law}; got {len(binary)} bytes more", field="body")
    return tuple(found[name] for name in infos)


def _input(
    each: Mapping[str, Any], binary: memoryview, info: TensorInfo, where: str
) -> tuple[Given, memoryview]:
    """An input, and the bytes that are left for those after it."""
    datatype, shape = _text(each, "datatype", where), _shape(each, where)
    wanted = DATATYPES.get(info.dtype, info.dtype)
    if datatype != wanted or datatype not in DTYPES:
        law = f"{where}.datatype must be {wanted}"
        if wanted not in DTYPES:
            law = f"{where}.datatype must be one that is taken, and the model has {wanted}"
        raise InvalidTensor(f"{law}; got {shown(datatype)}", field=f"{where}.datatype")
    _check_shape(shape, info, where)
    params = _params(each, f"{where}.")
    if "binary_data_size" not in params:
        if "data" not in each:
            law = f"{where} must have data, or binary_data_size among its parameters"
            raise InvalidTensor(f"{law}; got neither", field=where)
        array = from_json(each["data"], info.dtype, shape, where)
        _, data = encoded(array, info.name)
        return _given(info, shape, data), binary
    size = _whole(params, "binary_data_size", most=len(binary))
    return _given(info, shape, _raw(binary[:size], info.dtype, shape, where)), binary[size:]


def _given(info: TensorInfo, shape: tuple[int, ...], data: Buffer) -> Given:
    return Given(TensorHead(info.name, info.dtype, shape, len(data)), data)


def _raw(data: memoryview, dtype: str, shape: tuple[int, ...], where: str) -> Buffer:
    count = math.prod(shape)
    if dtype == STRING:
        texts = np.empty(count, dtype=object)
        texts[:] = texts_of(data, count, where)
        return encoded(texts, where)[1]
    wanted = count * item_bytes(dtype)
    if len(data) != wanted:
        law = f"{where} must have {wanted} bytes for {dtype} of shape {list(shape)}"
        raise InvalidTensor(f"{law}; got {len(data)}", field=where)
    return data


def _shape(each: Mapping[str, Any], where: str) -> tuple[int, ...]:
    shape = each.get("shape")
    if not isinstance(shape, list) or len(shape) > MAX_DIMENSIONS or not all(map(_is_size, shape)):
        law = f"{where}.shape must be a list of up to {MAX_DIMENSIONS} sizes"
        raise InvalidTensor(f"{law}; got {shown(shape)}", field=f"{where}.shape")
    if math.prod(shape) > 2**40:
        raise InvalidTensor(f"{where}.shape must be of a tensor; got {shape}", field=where)
    return tuple(shape)


def _is_size(size: object) -> bool:
    return isinstance(size, int) and not isinstance(size, bool) and 0 <= size < 2**40


def _check_shape(shape: tuple[int, ...], info: TensorInfo, where: str) -> None:
    law = info.shape
    if law is None:
        return
    fits = len(law) == len(shape) and all(
        not isinstance(size, int) or size in (-1, got) for size, got in zip(law, shape, strict=True)
    )
    if not fits:
        text = ", ".join(str(size) for size in law)
        raise InvalidTensor(f"{where}.shape must be [{text}]; got {list(shape)}", field=where)


def _outputs(
    header: Mapping[str, Any], known: Sequence[str], params: Mapping[str, Any]
) -> dict[str, bool]:
    by_default = _flag(params, "binary_data_output", default=False)
    if "outputs" not in header:
        return dict.fromkeys(known, by_default)
    found: dict[str, bool] = {}
    for i, each in enumerate(_objects(header, "outputs")):
        name = _text(each, "name", f"outputs[{i}]")
        if name not in known:
            law = f"outputs[{i}].name must be an output of the model"
            raise InvalidInput(f"{law}; got {shown(name)} ({choices(known)})", field="outputs")
        own = _params(each, f"outputs[{i}].")
        found[name] = _flag(own, "binary_data", default=by_default)
    return found or dict.fromkeys(known, by_default)


def _objects(header: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    found = header.get(name)
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in found):
        raise InvalidInput(f"{name} must be a list of objects; got {shown(found)}", field=name)
    return found


def _params(holder: Mapping[str, Any], where: str) -> dict[str, Any]:
    found = holder.get("parameters", {})
    if not isinstance(found, dict):
        law = f"{where}parameters must be an object"
        raise InvalidInput(f"{law}; got {shown(found)}", field=f"{where}parameters")
    for name in found.keys() & _NOT_OFFERED.keys():
        if found[name]:
            what = _NOT_OFFERED[name]
            law = f"{where}parameters.{name} must be left out: {what} is not offered"
            raise InvalidInput(f"{law}; got {shown(found[name])}", field=f"{where}parameters")
    return found


def _text(holder: Mapping[str, Any], name: str, where: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str):
        raise InvalidInput(f"{where}.{name} must be text; got {shown(found)}", field=where)
    return found


def _text_or_none(header: Mapping[str, Any], name: str) -> str | None:
    found = header.get(name)
    if found is not None and not isinstance(found, str):
        raise InvalidInput(f"{name} must be text; got {shown(found)}", field=name)
    return found


def _whole(params: Mapping[str, Any], name: str, *, most: int) -> int:
    """A whole number of the parameters, as a number or as text; 0 if it is not there."""
    found = params.get(name, 0)
    if isinstance(found, str) and found.isascii() and found.isdigit() and len(found) < 20:
        found = int(found)
    if not isinstance(found, int) or isinstance(found, bool) or not 0 <= found <= most:
        law = f"parameters.{name} must be a whole number from 0 to {most}"
        raise InvalidInput(f"{law}; got {shown(found)}", field=f"parameters.{name}")
    return found


def _flag(params: Mapping[str, Any], name: str, *, default: bool) -> bool:
    found = params.get(name, default)
    if not isinstance(found, bool):
        law = f"parameters.{name} must be true or false"
        raise InvalidInput(f"{law}; got {shown(found)}", field=f"parameters.{name}")
    return found
