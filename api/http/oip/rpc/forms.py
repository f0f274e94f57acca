"""Requests and answers of an inference, from and to the messages of gRPC."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from google.protobuf.json_format import ParseDict

from api.http.oip.datatypes import DATATYPES, DTYPES
from api.http.oip.inference import Inferred
from api.http.oip.models import VERSION
from api.http.oip.requests import InferRequest
from api.http.oip.responses import as_bytes
from api.http.oip.rpc.messages import message_class
from api.http.parsing import parsing
from devices.tensors import STRING
from scheduler.model.errors import InvalidTensor

_CONTENTS = {
    "BOOL": "bool_contents",
    **dict.fromkeys(("INT8", "INT16", "INT32"), "int_contents"),
    "INT64": "int64_contents",
    **dict.fromkeys(("UINT8", "UINT16", "UINT32"), "uint_contents"),
    "UINT64": "uint64_contents",
    "FP32": "fp32_contents",
    "FP64": "fp64_contents",
    "BYTES": "bytes_contents",
}
"""Fields of the elements of each type. Those of FP16 come only as raw bytes."""


def made(name: str, fields: Mapping[str, Any]) -> Any:
    """A message of those fields that it has: what is not offered here has none."""
    return ParseDict(fields, message_class(name)(), ignore_unknown_fields=True)


def said(asked: Any) -> tuple[dict[str, Any], memoryview]:
    """A request as its twin over HTTP says it: what would be JSON, and the tensors behind it.

    Raises
    ------
    InvalidTensor
        If some inputs come as raw bytes and others do not.
    """
    raw = asked.raw_input_contents
    if raw and len(raw) != len(asked.inputs):
        law = f"raw_input_contents must have all {len(asked.inputs)} inputs or none"
        raise InvalidTensor(f"{law}; got {len(raw)}", field="raw_input_contents")
    header: dict[str, Any] = {
        "id": asked.id,
        "parameters": _parameters(asked),
        "inputs": [_input(each, raw, i) for i, each in enumerate(asked.inputs)],
    }
    if asked.outputs:
        header["outputs"] = [
            {"name": each.name, "parameters": _parameters(each)} for each in asked.outputs
        ]
    return header, memoryview(raw[0] if len(raw) == 1 else b"".join(raw))


def inferred(model: str, request: InferRequest, found: Inferred) -> Any:
    """The answer with the outputs that are wanted, as raw bytes."""
    answer = message_class("ModelInferResponse")(
        model_name=model, model_version=VERSION, id=request.id or ""
    )
    by_name = {head.name: (head, data) for head, data in found.outputs}
    for name in request.outputs:
        head, data = by_name[name]
        answer.outputs.add(name=name, datatype=DATATYPES[head.dtype], shape=head.shape)
        answer.raw_output_contents.append(bytes(as_bytes(head, data)))
    return answer


def _input(each: Any, raw: Any, i: int) -> dict[str, Any]:
    header = {"name": each.name, "datatype": each.datatype, "shape": list(each.shape)}
    parameters = _parameters(each)
    if raw:
        return {**header, "parameters": {**parameters, "binary_data_size": len(raw[i])}}
    return {**header, "parameters": parameters, "data": _elements(each, f"inputs[{i}]")}


def _elements(each: Any, where: str) -> list[Any]:
    field = _CONTENTS.get(each.datatype)
    if field is None:
        law = f"{where} must come as raw bytes"
        raise InvalidTensor(f"{law}; got none for {each.datatype}", field=where)
    elements = list(getattr(each.contents, field))
    if DTYPES[each.datatype] != STRING:
        return elements
    with parsing(f"{where} must hold UTF-8", field=where, error=InvalidTensor):
        return [str(element, "utf-8") for element in elements]


def _parameters(holder: Any) -> dict[str, Any]:
    return {
        name: getattr(value, value.WhichOneof("parameter_choice"))
        for name, value in holder.parameters.items()
        if value.WhichOneof("parameter_choice")
    }
