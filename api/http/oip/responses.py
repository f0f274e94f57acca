"""Inference responses: outputs in JSON, or as bytes behind it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from api.http.oip.datatypes import DATATYPES, to_bytes, to_json
from devices.calls.frames import Buffer, TensorHead
from devices.tensors import STRING, decoded
from scheduler.model.messages import TensorRef

HEADER_LENGTH = b"inference-header-content-length"
JSON, BINARY = b"application/json", b"application/octet-stream"


@dataclass(frozen=True, slots=True)
class Response:
    """A whole answer: status, headers, and the body in pieces.

    Parameters
    ----------
    headers
        Besides the length of the body.
    """

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: tuple[Buffer, ...] = ()


def as_json(value: object, status: int = 200) -> Response:
    """Answer with a value as JSON."""
    return Response(status, ((b"content-type", JSON),), (msgspec.json.encode(value),))


def inferred(
    model: str,
    version: str,
    identity: str | None,
    outputs: Iterable[tuple[TensorHead, memoryview]],
    wanted: dict[str, bool],
) -> Response:
    """Answer with the outputs that are wanted, each in the form that it is wanted in."""
    by_name = {head.name: (head, data) for head, data in outputs}
    described: list[dict[str, object]] = []
    behind: list[Buffer] = []
    for name, is_binary in wanted.items():
        head, data = by_name[name]
        said: dict[str, object] = {
            "name": name,
            "datatype": DATATYPES[head.dtype],
            "shape": head.shape,
        }
        if is_binary:
            piece = as_bytes(head, data)
            said["parameters"] = {"binary_data_size": len(piece)}
            behind.append(piece)
        else:
            said["data"] = msgspec.Raw(to_json(decoded(_ref(head), data)))
        described.append(said)
    answer: dict[str, object] = {"model_name": model, "model_version": version}
    if identity is not None:
        answer["id"] = identity
    text = msgspec.json.encode({**answer, "outputs": described})
    if not behind:
        return Response(200, ((b"content-type", JSON),), (text,))
    length = (HEADER_LENGTH, str(len(text)).encode())
    return Response(200, ((b"content-type", BINARY), length), (text, *behind))


def as_bytes(head: TensorHead, data: memoryview) -> Buffer:
    """The elements of an output as the protocol has them in bytes."""
    return to_bytes(decoded(_ref(head), data).ravel().tolist()) if head.dtype == STRING else data


def _ref(head: TensorHead) -> TensorRef:
    return TensorRef(dtype=head.dtype, shape=head.shape, size_bytes=head.size, key=head.name)
